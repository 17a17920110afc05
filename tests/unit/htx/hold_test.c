/* Between PROOF and message 3: docs/wire/htx.md, "The switch". */
#include "duo_scene.h"

static void lose_proof(htx_duo *x, unsigned who, uint8_t *r, size_t *n)
{
    (void)r;
    if (who == DUO_PEER && *n == 5 + 3000 + 9 + 17 && x->w->site.requests == 2)
        *n = 0;
}

/* PROOF has left and has not arrived. */
static void hold(void)
{
    d->hands = lose_proof;
    dial();
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_HOLD);
    ck_assert_int_eq(qn_htx_client_look(c->c).phase, QN_HTX_WAITING);
    d->hands = NULL;
}

START_TEST(a_hold_has_no_timer)
{
    hold();
    ck_assert(qn_carrier_due(p->c) == QN_NEVER);
}
END_TEST

START_TEST(a_long_record_that_is_not_message_three_ends_the_hold)
{
    size_t at, before, behind;
    static const uint8_t record[5 + 61] = {0x17, 3, 3, 0, 61};

    hold();
    htx_world_origin_writes(&world, qt_hex(h2_ping[1])); /* behind R */
    htx_duo_run(d);
    before = d->log.heard[DUO_CLIENT].n;
    behind = peer()->bond->traffic.carry.out.bytes - (5 + 3000 + 9 + 17);
    ck_assert_uint_eq(behind, 5 + 17 + 17);
    at = d->log.to_origin.n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(record, sizeof record));
    htx_duo_run(d);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_RAW);
    ck_assert(!p->raw); /* nobody had heard of a link */
    ck_assert_mem_eq(d->log.to_origin.p + at, record, sizeof record);
    /* R is dropped, what came behind it is not, and then the origin's alert */
    ck_assert_uint_eq(d->log.heard[DUO_CLIENT].n - before, behind + 5 + 19);
    ck_assert_mem_eq(d->log.heard[DUO_CLIENT].p + before,
                     d->log.of_origin.p + d->log.of_origin.n - behind - (5 + 19), behind + 5 + 19);
    ck_assert(world.site.closed && c->lost && p->lost);
}
END_TEST

START_TEST(short_records_pass_the_hold_and_do_not_end_it)
{
    static const uint8_t record[5 + 60] = {0x17, 3, 3, 0, 60};

    hold();
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(record, sizeof record));
    for (unsigned i = 0; i < 2; i++) /* not to the end: the origin will not like it */
        (void)htx_duo_step(d);
    ck_assert_mem_eq(d->log.to_origin.p + d->log.to_origin.n - sizeof record, record,
                     sizeof record);
}
END_TEST

START_TEST(an_origin_that_ends_ends_the_hold)
{
    size_t before;

    hold();
    htx_world_origin_writes(&world, qt_hex(h2_ping[1]));
    htx_duo_run(d);
    before = d->log.heard[DUO_CLIENT].n;
    htx_duo_origin_ends(d, _i == 1);
    htx_duo_run(d);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_RAW);
    if (_i == 0) {
        ck_assert_uint_eq(d->log.heard[DUO_CLIENT].n - before, 5 + 17 + 17);
        ck_assert(p->leg[0].finish);
    } else {
        ck_assert(p->leg[0].reset);
    }
}
END_TEST

START_TEST(a_client_that_ends_ends_the_hold)
{
    hold();
    d->wire[DUO_CLIENT].fin = _i == 0;
    d->wire[DUO_CLIENT].rst = _i == 1;
    htx_duo_run(d);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_RAW);
    ck_assert(_i == 0 ? p->leg[1].finish : p->leg[1].reset);
}
END_TEST

START_TEST(what_is_no_record_ends_the_hold)
{
    static const char *const wrong[] = {"14 0303 0001 01", "17 0302 0040", "17 0303 0010",
                                        "17 0303 4101", "16 0303 0020"};
    qn_slice s = qt_hex(wrong[_i]);
    size_t at;

    hold();
    at = d->log.to_origin.n;
    htx_duo_inject(d, DUO_CLIENT, s);
    while (peer()->state == QN_HTX_PEER_HOLD)
        ck_assert(htx_duo_step(d));
    htx_duo_run(d);
    ck_assert_mem_eq(d->log.to_origin.p + at, s.p, s.n);
}
END_TEST

START_TEST(no_more_than_64_kibibytes_are_held)
{
    size_t used;

    hold();
    used = p->t->env.mem.used;
    for (unsigned i = 0; i < 20; i++)
        htx_world_origin_writes(&world, qt_noise(1, 8000));
    htx_duo_run(d);
    ck_assert_uint_eq(peer()->bond->traffic.carry.out.bytes, QN_HTX_KEEP_MAX);
    ck_assert_uint_eq(qn_carrier_space(p->c, 1).n, 0);
    ck_assert_uint_gt(d->of_origin.n, 0);
    ck_assert_uint_le(p->t->env.mem.used - used, QN_HTX_KEEP_MAX + QN_BLOCK_LARGE);
}
END_TEST

START_TEST(an_incomplete_record_in_the_hold_is_given_up_too)
{
    static const uint8_t record[5 + 60] = {0x17, 3, 3, 0, 200};
    size_t before;

    d->site.idle = 60 * QN_SEC;
    hold();
    before = d->log.to_origin.n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(record, sizeof record));
    htx_duo_run(d);
    ck_assert(qn_carrier_due(p->c) == p->t->env.now + 50 * QN_SEC);
    htx_duo_wait(d, 50 * QN_SEC - 1);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_HOLD);
    htx_duo_wait(d, 1);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_RAW);
    ck_assert(!p->raw && !p->lost);
    ck_assert_uint_eq(d->log.to_origin.n, before + sizeof record);
    ck_assert_mem_eq(d->log.to_origin.p + before, record, sizeof record);
}
END_TEST

/* A record under way when PROOF leaves is not message 3, wherever it was cut. */
START_TEST(a_record_cut_by_proof_still_reaches_the_origin)
{
    static const uint8_t record[5 + 40] = {0x17, 3, 3, 0, 40};
    size_t cut = (size_t)_i;

    htx_duo_dial(d);
    while (qn_htx_client_look(c->c).phase != QN_HTX_WAITING)
        ck_assert(htx_duo_step(d));
    d->o_silent = true;
    htx_duo_run(d);
    ck_assert_int_eq(peer()->visit.tied->watch.state, QN_HTX_ARMED);
    d->hands = lose_proof;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(record, cut));
    htx_duo_run(d);
    d->o_silent = false;
    htx_duo_run(d);
    ck_assert_int_eq(peer()->state, QN_HTX_PEER_HOLD);
    ck_assert_uint_eq(peer()->in.left.len, 0);
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(record + cut, sizeof record - cut));
    (void)htx_duo_step(d);
    ck_assert_mem_eq(d->log.to_origin.p + d->log.to_origin.n - sizeof record, record,
                     sizeof record);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx hold");
    TCase *tc = tcase_create("hold");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_hold_has_no_timer);
    tcase_add_test(tc, a_long_record_that_is_not_message_three_ends_the_hold);
    tcase_add_test(tc, short_records_pass_the_hold_and_do_not_end_it);
    tcase_add_loop_test(tc, an_origin_that_ends_ends_the_hold, 0, 2);
    tcase_add_loop_test(tc, a_client_that_ends_ends_the_hold, 0, 2);
    tcase_add_loop_test(tc, what_is_no_record_ends_the_hold, 0, 5);
    tcase_add_test(tc, no_more_than_64_kibibytes_are_held);
    tcase_add_loop_test(tc, a_record_cut_by_proof_still_reaches_the_origin, 1, 45);
    tcase_add_test(tc, an_incomplete_record_in_the_hold_is_given_up_too);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
