/* Whole circuits of two and three hops: built, used, idle, and what each place gets to see. */
#include "support/qt.h"

#include "chain.h"

static chain x;

static void setup_two(void)
{
    chain_open(&x, 2);
}

static void setup_three(void)
{
    chain_open(&x, 3);
}

static void teardown(void)
{
    chain_close(&x);
}

static uint32_t built_with_stream(void)
{
    uint32_t sid;

    chain_run(&x);
    ck_assert(x.built && !x.ended);
    sid = chain_stream(&x);
    chain_run(&x);
    ck_assert_uint_eq(x.client.s[sid].openeds, 1);
    ck_assert_int_eq(x.client.s[sid].opened, QN_APP_DONE);
    return sid;
}

/* ---- building and using ---------------------------------------------------------------------- */

START_TEST(a_circuit_is_built_and_every_hop_knows_its_role)
{
    chain_run(&x);
    ck_assert(x.built);
    ck_assert_int_eq(x.hop[0].state, QN_HOP_PIPE);
    ck_assert_int_eq(x.hop[x.hops - 1].state, QN_HOP_END);
    if (x.hops == 3)
        ck_assert_int_eq(x.hop[1].state, QN_HOP_JOINT);
    ck_assert_ptr_null(x.circuit.noise); /* handshake state is gone when it is done */
    ck_assert_uint_eq(x.t.env.mem.used, 0);
    ck_assert_uint_eq(x.at_client.counts.handshakes, x.hops - 1);
    ck_assert_uint_eq(x.at_hop[x.hops - 1].counts.handshakes, 1);
    ck_assert_uint_eq(x.at_hop[0].counts.dh, 0);
}
END_TEST

START_TEST(bytes_arrive_whole_in_both_directions)
{
    uint32_t sid = built_with_stream();

    for (unsigned i = 0; i < 60; i++) {
        (void)side_send(&x.client, sid, 40000);
        (void)side_send(&x.exit, sid, 60000);
        chain_run(&x);
    }
    ck_assert_uint_gt(x.exit.s[sid].got, 1000000);
    ck_assert_uint_gt(x.client.s[sid].got, 1000000);
    ck_assert_uint_eq(x.exit.s[sid].got, x.client.s[sid].sent);
    ck_assert_uint_eq(x.client.s[sid].got, x.exit.s[sid].sent);
    qn_apps_end(x.client.apps, sid, QN_APP_DONE);
    qn_apps_end(x.exit.apps, sid, QN_APP_DONE);
    chain_run(&x);
    ck_assert_uint_eq(x.client.apps->n, 0);
    ck_assert_uint_eq(x.exit.apps->n, 0);
    ck_assert(!x.ended);
}
END_TEST

START_TEST(many_streams_with_slow_readers_share_a_circuit)
{
    uint32_t sid[24];
    uint64_t sum = 0;

    chain_run(&x);
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        sid[i] = chain_stream(&x);
    chain_run(&x);
    x.exit.hold = true;
    x.client.refill = 3000;
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < QN_LEN(sid); i++)
            (void)side_send(&x.client, sid[i], 500 + 997 * i);
        chain_run(&x);
        side_release(&x.exit, sid[round % QN_LEN(sid)]); /* one reader at a time */
    }
    for (unsigned i = 0; i < QN_LEN(sid); i++) {
        ck_assert_uint_ge(x.exit.s[sid[i]].got, 50000);
        sum += x.exit.s[sid[i]].got;
    }
    ck_assert_uint_eq(x.exit.apps->shown, sum);
    ck_assert(!x.ended);
}
END_TEST

START_TEST(the_ratchet_turns_on_the_way_without_a_word)
{
    uint32_t sid = built_with_stream();

    for (unsigned i = 0; i < 300; i++) { /* more than two times 64 cells each way */
        ck_assert_uint_eq(side_send(&x.client, sid, 1), 1);
        ck_assert_uint_eq(side_send(&x.exit, sid, 1), 1);
        chain_run(&x);
    }
    ck_assert_uint_eq(x.exit.s[sid].got, 300);
    ck_assert_uint_eq(x.client.s[sid].got, 300);
    ck_assert_uint_gt(x.circuit.layer[0].forward.n, 300);
}
END_TEST

START_TEST(aead_work_is_what_the_table_says)
{
    uint32_t sid = built_with_stream();
    uint64_t client = x.at_client.counts.aead_bytes, joint = x.at_hop[1].counts.aead_bytes,
             end = x.at_hop[2].counts.aead_bytes;

    ck_assert_uint_eq(side_send(&x.client, sid, QN_MSG_DATA_L), QN_MSG_DATA_L);
    x.exit.hold = true;
    chain_run(&x);
    ck_assert_uint_eq(x.at_client.counts.aead_bytes - client, 2 * QN_CELL_TEXT_L + QN_TAG);
    ck_assert_uint_eq(x.at_hop[1].counts.aead_bytes - joint, QN_CELL_TEXT_L + QN_TAG);
    ck_assert_uint_eq(x.at_hop[2].counts.aead_bytes - end, QN_CELL_TEXT_L);
    ck_assert_uint_eq(x.at_hop[0].counts.aead_bytes, 0);
}
END_TEST

/* ---- what a place sees ----------------------------------------------------------------------- */

/* Cells as they lie in each hop when it passes them on, behind its own layer. */
static uint8_t views[3][2][QN_CELL_L];
static size_t view_n[3][2];

static verdict look(chain *c, unsigned at, bool forward, uint8_t *cell, size_t n)
{
    (void)c;
    memcpy(views[at][forward], cell, n);
    view_n[at][forward] = n;
    return PASS;
}

static bool holds(const uint8_t *p, size_t n, const void *what, size_t what_n)
{
    for (size_t i = 0; i + what_n <= n; i++)
        if (memcmp(p + i, what, what_n) == 0)
            return true;
    return false;
}

START_TEST(the_joint_sees_neither_client_nor_destination_nor_place)
{
    static const char dest[] = "example.com";
    static const uint8_t zeros[16];
    unsigned i;

    chain_run(&x);
    x.tap = look;
    (void)chain_stream(&x);
    chain_run(&x);
    for (i = 0; i < 3; i++)
        for (unsigned f = 0; f < 2; f++) {
            ck_assert_uint_eq(view_n[i][f], QN_CELL_S);
            ck_assert(!holds(views[i][f], QN_CELL_S, dest, 11));
            ck_assert(!holds(views[i][f], QN_CELL_S, zeros, sizeof zeros));
            ck_assert(!holds(views[i][f], QN_CELL_S, x.at_client.self.b, 16));
        }
    /* All a joint remembers: no number of hops, no destination, no stream. */
    ck_assert_ptr_null(x.hop[1].apps);
    ck_assert(!holds((const uint8_t *)&x.hop[1], sizeof x.hop[1], x.at_client.self.b, 32));
}
END_TEST

START_TEST(no_sixteen_bytes_of_a_cell_are_the_same_on_both_sides_of_a_joint)
{
    chain_run(&x);
    x.tap = look;
    (void)chain_stream(&x);
    chain_run(&x);
    for (unsigned f = 0; f < 2; f++)
        for (size_t i = 0; i < QN_CELL_S; i += QN_TAG)
            ck_assert(!holds(views[1][f], QN_CELL_S, views[2][f] + i, QN_TAG));
}
END_TEST

START_TEST(a_cell_costs_a_joint_no_memory)
{
    uint32_t sid = built_with_stream();
    qn_piece cell;
    qn_hop_event ev;

    (void)side_send(&x.client, sid, QN_MSG_DATA_L);
    qt_assert_err(qn_circuit_output(&x.circuit, &cell), QN_OK);
    qt_alloc_fail_at(1);
    qn_hop_forward(&x.hop[0], cell);
    ck_assert(qn_hop_next(&x.hop[0], &ev));
    ck_assert_int_eq(ev.type, QN_HOP_EV_FORWARD);
    ck_assert_ptr_eq(ev.piece.block, cell.block);
    ck_assert(!qn_hop_next(&x.hop[0], &ev));
    qn_hop_forward(&x.hop[1], cell);
    ck_assert(qn_hop_next(&x.hop[1], &ev));
    ck_assert_ptr_eq(ev.piece.block, cell.block);
    ck_assert(!qn_hop_next(&x.hop[1], &ev));
    ck_assert_uint_eq(cell.block->refs, 1);
    qn_hop_forward(&x.hop[2], cell);
    drain_hop(&x, 2);
    ck_assert_uint_eq(qt_alloc_requests(), 0);
    ck_assert_uint_eq(x.exit.s[sid].got, QN_MSG_DATA_L);
    qt_alloc_fail_at(0);
    qn_block_drop(cell.block);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(building_takes_ten_seconds_at_most)
{
    x.hold_extend = true;
    chain_run(&x);
    ck_assert_uint_eq(qn_circuit_due(&x.circuit), x.t.env.now + QN_CIRCUIT_BUILD_TIMEOUT);
    qt_env_step(&x.t, QN_CIRCUIT_BUILD_TIMEOUT - 1);
    qn_circuit_tick(&x.circuit);
    drain_all(&x);
    ck_assert(!x.ended);
    qt_env_step(&x.t, 1);
    qn_circuit_tick(&x.circuit);
    drain_all(&x);
    ck_assert(x.ended);
    qt_assert_err(x.why, QN_TIMEOUT);
    ck_assert_uint_eq(x.failed, 1);
    ck_assert_uint_eq(qn_circuit_due(&x.circuit), QN_NEVER);
    ck_assert(x.hop_dead[0]);
}
END_TEST

START_TEST(a_hop_does_not_wait_for_ever)
{
    qn_hop silent;
    qn_hop_event ev;

    qn_hop_init(&silent, &x.at_hop[0], NULL);
    x.hold_extend = true;
    chain_run(&x);
    ck_assert_uint_eq(qn_hop_due(&silent), x.t.env.now + QN_CIRCUIT_BUILD_TIMEOUT);
    ck_assert_uint_eq(qn_hop_due(&x.hop[0]), x.t.env.now + QN_CIRCUIT_BUILD_TIMEOUT);
    qt_env_step(&x.t, QN_CIRCUIT_BUILD_TIMEOUT);
    qn_hop_tick(&silent);
    ck_assert(qn_hop_next(&silent, &ev));
    ck_assert_int_eq(ev.type, QN_HOP_EV_DEAD);
    qt_assert_err(ev.why, QN_TIMEOUT);
    qn_hop_tick(&x.hop[0]);
    drain_all(&x);
    ck_assert(x.ended);
    qt_assert_err(x.why, QN_GONE);
    qn_hop_clear(&silent);
}
END_TEST

START_TEST(an_idle_circuit_ends_after_a_minute_and_a_used_one_does_not)
{
    uint32_t sid = built_with_stream();

    qt_env_step(&x.t, 2 * QN_CIRCUIT_IDLE);
    qn_circuit_tick(&x.circuit);
    drain_all(&x);
    ck_assert(!x.ended);
    qn_apps_end(x.client.apps, sid, QN_APP_RESET);
    chain_run(&x);
    ck_assert_uint_eq(qn_circuit_due(&x.circuit), x.t.env.now + QN_CIRCUIT_IDLE);
    qt_env_step(&x.t, QN_CIRCUIT_IDLE);
    qn_circuit_tick(&x.circuit);
    drain_all(&x);
    ck_assert(x.ended);
    qt_assert_err(x.why, QN_OK);
    ck_assert_uint_eq(x.failed, QN_HOP_NONE);
    for (unsigned i = 0; i < x.hops; i++)
        ck_assert(x.hop_dead[i]);
    qt_assert_err(x.hop_why[x.hops - 1], QN_OK);
}
END_TEST

/* Whoever is told that it is usable finds it so: an END that has not left still holds a place. */
START_TEST(a_full_circuit_is_usable_again_when_an_end_has_left)
{
    qn_dest dest = {.type = 1, .port = 80};
    uint32_t first = built_with_stream(), sid;

    for (unsigned i = 1; i < QN_CIRCUIT_APPS_MAX; i++)
        qt_assert_err(qn_circuit_open(&x.circuit, &dest, &x.client.s[first + i], &sid), QN_OK);
    ck_assert(!qn_circuit_usable(&x.circuit));
    chain_run(&x);
    qn_apps_end(x.client.apps, first, QN_APP_RESET);
    ck_assert(!qn_circuit_usable(&x.circuit));
    qt_assert_err(qn_circuit_open(&x.circuit, &dest, NULL, &sid), QN_STATE);
    chain_run(&x);
    ck_assert(qn_circuit_usable(&x.circuit));
}
END_TEST

START_TEST(a_circuit_takes_new_streams_for_ten_minutes_after_the_first)
{
    qn_dest dest = {.type = 1, .port = 80};
    uint32_t sid;

    qt_assert_err(qn_circuit_open(&x.circuit, &dest, NULL, &sid), QN_STATE);
    (void)built_with_stream();
    qt_env_step(&x.t, QN_CIRCUIT_DIRTY - 1);
    ck_assert(qn_circuit_usable(&x.circuit));
    qt_env_step(&x.t, 1);
    ck_assert(!qn_circuit_usable(&x.circuit));
    qt_assert_err(qn_circuit_open(&x.circuit, &dest, NULL, &sid), QN_STATE);
    ck_assert(!x.ended);
}
END_TEST

START_TEST(no_circuit_lives_longer_than_a_day)
{
    uint32_t sid = built_with_stream();

    qt_env_step(&x.t, QN_CIRCUIT_AGE_MAX);
    qn_circuit_tick(&x.circuit);
    drain_client(&x);
    ck_assert(x.ended);
    ck_assert_int_eq(x.client.s[sid].end, QN_APP_GONE);
    ck_assert_uint_gt(qn_hop_due(&x.hop[1]), x.t.env.now);
    qt_env_step(&x.t, QN_CIRCUIT_BUILD_TIMEOUT);
    qn_hop_tick(&x.hop[1]);
    drain_all(&x);
    ck_assert(x.hop_dead[1]);
}
END_TEST

/* Both chains run these. */
static void add_common(TCase *tc)
{
    tcase_add_test(tc, a_circuit_is_built_and_every_hop_knows_its_role);
    tcase_add_test(tc, bytes_arrive_whole_in_both_directions);
    tcase_add_test(tc, many_streams_with_slow_readers_share_a_circuit);
    tcase_add_test(tc, the_ratchet_turns_on_the_way_without_a_word);
    tcase_add_test(tc, building_takes_ten_seconds_at_most);
    tcase_add_test(tc, a_hop_does_not_wait_for_ever);
    tcase_add_test(tc, an_idle_circuit_ends_after_a_minute_and_a_used_one_does_not);
    tcase_add_test(tc, a_full_circuit_is_usable_again_when_an_end_has_left);
    tcase_add_test(tc, a_circuit_takes_new_streams_for_ten_minutes_after_the_first);
}

static Suite *chain_suite(void)
{
    Suite *s = suite_create("circuit/chain");
    TCase *two = tcase_create("two hops"), *three = tcase_create("three hops");

    tcase_add_checked_fixture(two, setup_two, teardown);
    add_common(two);
    suite_add_tcase(s, two);
    tcase_add_checked_fixture(three, setup_three, teardown);
    add_common(three);
    tcase_add_test(three, aead_work_is_what_the_table_says);
    tcase_add_test(three, the_joint_sees_neither_client_nor_destination_nor_place);
    tcase_add_test(three, no_sixteen_bytes_of_a_cell_are_the_same_on_both_sides_of_a_joint);
    tcase_add_test(three, a_cell_costs_a_joint_no_memory);
    tcase_add_test(three, no_circuit_lives_longer_than_a_day);
    suite_add_tcase(s, three);
    return s;
}

QT_MAIN(chain_suite)
