/* The two-leg dummy keeps to the seam: relay, switch, carry. That links do not notice the
 * difference is for the link tests to show. */
#include "support/qt.h"

#include "support/carrier/dummy_carrier.h"
#include "support/carrier/pair.h"

static qt_pair p;
static unsigned carried[2]; /* CARRIER frames that arrived at each end */

static void on_established(qt_end *e, const qn_established *est)
{
    (void)e;
    (void)est;
}

static void on_record(qt_end *e, qn_piece piece)
{
    qn_frame f;
    size_t used;

    qt_assert_err(qn_frame_get(&f, qn_piece_data(&piece), piece.len, &used), QN_OK);
    ck_assert_int_eq(f.type, QN_FRAME_CARRIER);
    qt_assert_err(e->carrier->kind->frame(e->carrier, &f, used == piece.len), QN_OK);
    carried[e == &p.b]++;
    qn_block_drop(piece.block);
}

static void on_lost(qt_end *e, qn_err err)
{
    (void)e;
    (void)err;
}

static void on_fill(qt_end *e)
{
    uint8_t own[1024];
    size_t n;

    if (!e->established || e->carrier->kind->room(e->carrier) == 0)
        return;
    n = e->carrier->kind->own(e->carrier, own, sizeof own);
    if (n > 0)
        qt_assert_err(e->carrier->kind->seal(e->carrier, qn_slice_of(own, n), (qn_slice){0}),
                      QN_OK);
}

static const qt_upper relays = {on_established, on_record, on_lost, on_fill};

static void setup(void)
{
    memset(carried, 0, sizeof carried);
    qt_pair_open(&p, &qt_carrier_dummy2, &relays);
}

static void teardown(void)
{
    qt_pair_close(&p);
}

static const size_t chunks[] = {1, 13, 4096};

START_TEST(two_legs_relay_first_and_switch_then)
{
    p.chunk = chunks[_i];
    p.origin_extra = 5000;
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qt_pair_run(&p);
    ck_assert(p.a.established && p.b.established);
    ck_assert_mem_eq(p.a.est.hash.b, p.b.est.hash.b, 32);
    ck_assert_uint_eq(p.b.dials, 1);
    ck_assert_str_eq(p.origin, "hello, origin\n");
    ck_assert_uint_gt(carried[0], 0);
    ck_assert_uint_gt(carried[1], 0);
    ck_assert_uint_eq(p.origin_echoed, 5000); /* down as CARRIER, up again as CARRIER */
}
END_TEST

START_TEST(both_legs_end_before_lost)
{
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qt_pair_run(&p);
    p.b.carrier->kind->close(p.b.carrier, QN_CLOSE_DONE);
    qt_end_drain(&p, &p.b);
    ck_assert_uint_eq(p.b.close, 2);
    ck_assert(p.b.lost);
}
END_TEST

START_TEST(a_responder_that_never_dialled_has_one_leg_to_end)
{
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qn_carrier_ended(p.b.carrier, 0, QN_END_EOF);
    qt_end_drain(&p, &p.b);
    ck_assert_uint_eq(p.b.close, 1);
    ck_assert_uint_eq(p.b.dials, 0);
    ck_assert(p.b.lost);
}
END_TEST

static Suite *legs_suite(void)
{
    Suite *s = suite_create("carrier/legs");
    TCase *tc = tcase_create("legs");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, two_legs_relay_first_and_switch_then, 0, QN_LEN(chunks));
    tcase_add_test(tc, both_legs_end_before_lost);
    tcase_add_test(tc, a_responder_that_never_dialled_has_one_leg_to_end);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(legs_suite)
