/*
 * How circuits fail: refused extensions, CLOSE in every state, cells changed, lost or repeated on
 * any wire at any time. Whatever happens, everybody learns of it and no stream ends cleanly.
 */
#include "support/qt.h"

#include "chain.h"

static chain x;

static void setup(void)
{
    chain_open(&x, 3);
}

static void teardown(void)
{
    chain_close(&x);
}

static void assert_all_dead(void)
{
    ck_assert(x.ended);
    for (unsigned i = 0; i < x.hops; i++)
        if (x.hop[i].state != QN_HOP_NEW) /* a hop nobody has spoken to has no circuit to end */
            ck_assert_msg(x.hop_dead[i], "hop %u is in state %u", i, x.hop[i].state);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static const qn_err refusals[] = {QN_UNKNOWN, QN_UNREACHABLE, QN_BUSY, QN_REFUSED};

START_TEST(a_refused_extension_reaches_the_client_as_refused)
{
    x.refuse_extend = refusals[_i];
    chain_run(&x);
    assert_all_dead();
    qt_assert_err(x.why, QN_REFUSED);
    ck_assert_uint_eq(x.failed, 1);
    qt_assert_err(x.hop_why[0], refusals[_i]);
}
END_TEST

START_TEST(a_lost_extension_reaches_the_client_as_gone)
{
    x.refuse_extend = QN_TIMEOUT;
    chain_run(&x);
    assert_all_dead();
    qt_assert_err(x.why, QN_GONE);
}
END_TEST

START_TEST(a_hop_refuses_to_extend_to_itself_or_back)
{
    qn_hop_key hops[3];
    unsigned last = _i < 2 ? 0 : 1; /* the hop that is asked */

    for (unsigned i = 0; i < 3; i++)
        hops[i] = x.circuit.hop[i];
    hops[last + 1] = hops[last]; /* itself */
    if (_i == 1)                 /* back: the entry's predecessor is known this time */
        hops[1].id = x.at_client.self;
    if (_i == 3)
        hops[2] = hops[0];
    qn_circuit_clear(&x.circuit);
    qn_circuit_init(&x.circuit, &x.at_client, hops, 3);
    qn_hop_clear(&x.hop[0]);
    qn_hop_init(&x.hop[0], &x.at_hop[0], &x.at_client.self);
    chain_run(&x);
    assert_all_dead();
    ck_assert(!x.extends[last]);
    qt_assert_err(x.hop_why[last], QN_REFUSED);
    qt_assert_err(x.why, QN_REFUSED);
    ck_assert_uint_eq(x.failed, last + 1);
}
END_TEST

START_TEST(an_onion_key_that_is_no_more_is_refused)
{
    qn_dh_secret secret = {{9}};

    qt_assert_err(qn_onion_key_init(&x.t.env, &secret, &x.at_hop[_i].keys[0]), QN_OK);
    chain_run(&x);
    assert_all_dead();
    qt_assert_err(x.hop_why[_i], QN_UNKNOWN);
    qt_assert_err(x.why, QN_REFUSED);
    ck_assert_int_eq(x.failed, _i);
    ck_assert_uint_eq(x.at_hop[_i].counts.dh, 0); /* looked up before any work */
}
END_TEST

START_TEST(the_last_epochs_onion_key_still_answers)
{
    qn_dh_secret secret = {{9}};

    x.at_hop[2].keys[1] = x.at_hop[2].keys[0];
    x.at_hop[2].keys_n = 2;
    qt_assert_err(qn_onion_key_init(&x.t.env, &secret, &x.at_hop[2].keys[0]), QN_OK);
    chain_run(&x);
    ck_assert(x.built);
}
END_TEST

/* ---- CLOSE in every state -------------------------------------------------------------------- */

static unsigned steps_to_build(void)
{
    unsigned n = 0;

    drain_all(&x);
    while (chain_step(&x))
        n++;
    return n;
}

static void steps(unsigned n)
{
    drain_all(&x);
    for (unsigned i = 0; i < n; i++)
        (void)chain_step(&x);
}

/* Who goes away: 0 the client's own wish, 1 its link, 2 and up hop i - 2's stream. */
static void go_away(unsigned who)
{
    if (who == 0)
        qn_circuit_end(&x.circuit);
    else if (who == 1)
        qn_circuit_closed(&x.circuit, QN_GONE);
    else
        qn_hop_closed(&x.hop[who - 2], QN_GONE);
    drain_all(&x);
}

START_TEST(close_at_any_moment_of_building_reaches_everybody)
{
    unsigned all = steps_to_build();

    ck_assert(x.built);
    ck_assert_uint_gt(all, 6);
    for (unsigned at = 0; at <= all; at++)
        for (unsigned who = 0; who < 5; who++) {
            chain_close(&x);
            chain_open(&x, 3);
            steps(at);
            if (who >= 2 && x.hop[who - 2].state == QN_HOP_NEW)
                continue; /* the node has no such stream yet */
            go_away(who);
            chain_run(&x);
            assert_all_dead();
        }
}
END_TEST

START_TEST(close_while_bytes_flow_ends_every_stream_in_an_error)
{
    uint32_t sid;

    chain_run(&x);
    sid = chain_stream(&x);
    chain_run(&x);
    (void)side_send(&x.client, sid, 60000);
    (void)side_send(&x.exit, sid, 60000);
    (void)chain_step(&x);
    go_away((unsigned)_i);
    chain_run(&x);
    assert_all_dead();
    ck_assert_uint_eq(x.client.s[sid].ends, 1);
    ck_assert_uint_eq(x.exit.s[sid].ends, 1);
    ck_assert_int_eq(x.client.s[sid].end, QN_APP_GONE);
    ck_assert_int_eq(x.exit.s[sid].end, QN_APP_GONE);
    ck_assert_int_eq(x.why, _i == 0 ? QN_OK : QN_GONE);
}
END_TEST

START_TEST(after_the_end_nothing_is_said_or_heard)
{
    qn_piece cell;

    chain_run(&x);
    go_away(3);
    qt_assert_err(qn_cell_get(&x.t.env, QN_CELL_S, &cell), QN_OK);
    for (unsigned i = 0; i < 3; i++) {
        qn_hop_forward(&x.hop[i], cell);
        qn_hop_backward(&x.hop[i], cell);
        qn_hop_extend_ok(&x.hop[i]);
        qn_hop_extend_failed(&x.hop[i], QN_GONE);
        qn_hop_closed(&x.hop[i], QN_GONE);
        ck_assert(!qn_hop_pending(&x.hop[i]));
        ck_assert_uint_eq(qn_hop_due(&x.hop[i]), QN_NEVER);
    }
    qn_circuit_input(&x.circuit, cell);
    qn_circuit_closed(&x.circuit, QN_GONE);
    ck_assert(!qn_circuit_pending(&x.circuit));
    qn_block_drop(cell.block);
    drain_all(&x); /* asserts that nobody reports twice */
    ck_assert_uint_eq(x.closes, 4);
}
END_TEST

/* ---- cells that do not arrive as they were sent ---------------------------------------------- */

/* Which cell, counted over all wires from the start, is harmed, and how. */
static unsigned harm_at;
static enum { FLIP, LOSE, REPEAT, HARMS } harm;
static struct {
    unsigned wire;
    bool forward;
} harmed;

static verdict harm_one(chain *c, unsigned at, bool forward, uint8_t *cell, size_t n)
{
    if (c->tap_count++ != harm_at)
        return PASS;
    harmed.wire = at;
    harmed.forward = forward;
    if (harm == FLIP)
        cell[n / 3] ^= 0x40; /* never in filler */
    return harm == LOSE ? DROP : harm == REPEAT ? TWICE : PASS;
}

/* Builds, opens a stream, moves bytes both ways and ends it; whatever the harm, what arrived was
 * right (pair.h checks) and the stream ended cleanly only if all of it arrived. */
static void whole_life(void)
{
    uint32_t sid;

    chain_run(&x);
    if (!x.built || x.ended)
        return;
    sid = chain_stream(&x);
    chain_run(&x);
    (void)side_send(&x.client, sid, 3000);
    if (x.exit.s[sid].opens > 0)
        (void)side_send(&x.exit, sid, 20000);
    chain_run(&x);
    qn_apps_end(x.client.apps, sid, QN_APP_DONE);
    if (x.exit.s[sid].opens > 0)
        qn_apps_end(x.exit.apps, sid, QN_APP_DONE);
    chain_run(&x);
    if (x.client.s[sid].ends == 1 && x.client.s[sid].end == QN_APP_DONE)
        ck_assert_uint_eq(x.client.s[sid].got, x.exit.s[sid].sent);
    if (x.exit.s[sid].ends == 1 && x.exit.s[sid].end == QN_APP_DONE)
        ck_assert_uint_eq(x.exit.s[sid].got, x.client.s[sid].sent);
}

/* A lost cell shows only when another follows or a timer ends the wait. */
static void wait_and_end(void)
{
    qt_env_step(&x.t, QN_CIRCUIT_AGE_MAX);
    qn_circuit_tick(&x.circuit);
    for (unsigned i = 0; i < x.hops; i++)
        qn_hop_tick(&x.hop[i]);
    chain_run(&x);
}

START_TEST(any_cell_harmed_in_any_way_never_shortens_a_stream_unnoticed)
{
    unsigned cells;

    harm = (unsigned)_i;
    harm_at = UINT32_MAX;
    x.tap = harm_one;
    whole_life();
    cells = x.tap_count;
    ck_assert_uint_gt(cells, 20);
    ck_assert(!x.ended);
    for (harm_at = 0; harm_at < cells; harm_at++) {
        chain_close(&x);
        chain_open(&x, 3);
        x.tap = harm_one;
        whole_life();
        if (harm == FLIP || harm == REPEAT)
            ck_assert_msg(x.ended, "cell %u on wire %u", harm_at, harmed.wire);
        wait_and_end();
        assert_all_dead();
    }
}
END_TEST

/* Forward, the next honest hop catches it; backward, the client does. */
START_TEST(tampering_dies_where_the_document_says)
{
    uint32_t sid;
    bool forward = _i < 3;
    unsigned at = (unsigned)_i % 3;

    chain_run(&x);
    sid = chain_stream(&x);
    chain_run(&x);
    harm = FLIP;
    x.tap = harm_one;
    x.tap_count = 0;
    /* Forward cells pass wires 0, 1, 2; backward ones 2, 1, 0. */
    harm_at = forward ? at : 2 - at;
    (void)side_send(forward ? &x.client : &x.exit, sid, 10);
    chain_run(&x);
    ck_assert_uint_eq(harmed.wire, at);
    ck_assert_int_eq(harmed.forward, forward);
    assert_all_dead();
    if (!forward)
        qt_assert_err(x.why, QN_AUTH);
    else
        qt_assert_err(x.hop_why[at == 2 ? 2 : 1], QN_AUTH);
    ck_assert_uint_eq(x.exit.s[sid].got + x.client.s[sid].got, 0);
}
END_TEST

/* ---- cells that should not be ---------------------------------------------------------------- */

static qn_piece noise_cell(size_t n)
{
    qn_slice bytes = qt_noise(99, n);
    qn_piece cell = {.block = qn_block_get(&x.t.env, 9 + n), .off = 9, .len = (uint32_t)n};

    memcpy(qn_piece_data(&cell), bytes.p, n);
    return cell;
}

static void feed(unsigned hop, bool forward, qn_piece cell)
{
    if (forward)
        qn_hop_forward(&x.hop[hop], cell);
    else
        qn_hop_backward(&x.hop[hop], cell);
    drain_all(&x);
    qn_block_drop(cell.block);
}

START_TEST(a_pipe_checks_the_class_and_nothing_else)
{
    qn_piece odd = noise_cell(QN_CELL_L);

    chain_run(&x);
    feed(0, false, noise_cell(QN_CELL_S));
    ck_assert(!x.hop_dead[0]);
    ck_assert_uint_eq(x.backward[0].n, 1);
    odd.len--;
    feed(0, true, odd);
    qt_assert_err(x.hop_why[0], QN_PROTO);
}
END_TEST

START_TEST(nothing_may_be_sent_between_extend_and_its_answer)
{
    unsigned hop = (unsigned)_i;

    x.hold_extend = hop == 0;
    if (hop == 1) { /* let the entry through, hold the second */
        while (!x.extends[0])
            (void)chain_step(&x);
        x.hold_extend = true;
    }
    chain_run(&x);
    ck_assert(x.extends[hop]);
    feed(hop, true, noise_cell(QN_CELL_S));
    qt_assert_err(x.hop_why[hop], QN_PROTO);
    chain_run(&x);
    assert_all_dead();
}
END_TEST

START_TEST(an_answer_must_be_created_and_nothing_more)
{
    static const uint8_t cmds[] = {QN_CMD_EXTENDED, QN_CMD_CREATE, QN_CMD_CREATED};
    uint8_t data[QN_CREATED_SIZE] = {QN_CREATE_NK};
    qn_piece cell;

    x.hold_extend = true;
    chain_run(&x);
    qn_hop_extend_ok(&x.hop[0]);
    drain_hop(&x, 0);
    wire_clear(&x.forward[1]); /* the second hop is played by us */
    qt_assert_err(qn_create_cell(&x.t.env, cmds[_i], data, sizeof data, &cell), QN_OK);
    if (cmds[_i] == QN_CMD_CREATED)
        qn_msg_head(qn_piece_data(&cell) + QN_MSG_HEADER + sizeof data, QN_CMD_DROP, 0, 0, 0);
    feed(0, false, cell);
    qt_assert_err(x.hop_why[0], QN_PROTO);
}
END_TEST

START_TEST(an_answer_before_there_is_anybody_to_answer_is_a_fault)
{
    static const uint8_t data[QN_CREATED_SIZE] = {QN_CREATE_NK};
    qn_piece cell;

    x.hold_extend = true;
    chain_run(&x);
    qt_assert_err(qn_create_cell(&x.t.env, QN_CMD_CREATED, data, sizeof data, &cell), QN_OK);
    feed(0, false, cell);
    qt_assert_err(x.hop_why[0], QN_PROTO);
}
END_TEST

START_TEST(a_client_that_has_not_asked_takes_no_answer)
{
    static const uint8_t data[QN_CREATED_SIZE] = {QN_CREATE_NK};
    qn_piece cell;

    qt_assert_err(qn_create_cell(&x.t.env, QN_CMD_EXTENDED, data, sizeof data, &cell), QN_OK);
    qn_circuit_input(&x.circuit, cell);
    qn_block_drop(cell.block);
    drain_all(&x);
    qt_assert_err(x.why, QN_PROTO);
}
END_TEST

START_TEST(only_the_client_ends_a_circuit_in_order)
{
    chain_run(&x);
    qn_circuit_closed(&x.circuit, qn_circuit_close_err(0));
    drain_all(&x);
    qt_assert_err(x.why, QN_GONE);
}
END_TEST

START_TEST(keys_do_not_outlive_their_circuit)
{
    static const qn_key zero;

    chain_run(&x);
    go_away(0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_mem_eq(&x.hop[i].onion.forward.key, &zero, sizeof zero);
        ck_assert_mem_eq(&x.hop[i].onion.backward.key, &zero, sizeof zero);
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_mem_eq(&x.circuit.layer[i].forward.key, &zero, sizeof zero);
        ck_assert_mem_eq(&x.circuit.layer[i].backward.key, &zero, sizeof zero);
    }
}
END_TEST

START_TEST(a_first_cell_is_extend_or_create)
{
    static const uint8_t cmds[] = {QN_CMD_EXTENDED, QN_CMD_CREATED, QN_CMD_PING, QN_CMD_EXTEND,
                                   QN_CMD_CREATE};
    static const uint8_t data[QN_CREATE_SIZE] = {QN_CREATE_NK};
    uint16_t n = cmds[_i] == QN_CMD_PING ? 8 : cmds[_i] == QN_CMD_EXTEND ? 32 : 56;
    qn_piece cell;

    qt_assert_err(qn_create_cell(&x.t.env, cmds[_i], data, n, &cell), QN_OK);
    feed(0, true, cell);
    qt_assert_err(x.hop_why[0], QN_PROTO);
}
END_TEST

START_TEST(a_handshake_type_nobody_speaks_is_refused_not_punished)
{
    static const uint8_t data[600] = {2};
    qn_piece cell;

    qt_assert_err(qn_create_cell(&x.t.env, QN_CMD_CREATE, data, sizeof data, &cell), QN_OK);
    feed(2, true, cell);
    qt_assert_err(x.hop_why[2], QN_VERSION);
    ck_assert_uint_eq(qn_circuit_close_code(x.hop_why[2]), 0x8000);
}
END_TEST

/* The client's own end of a three-hop circuit, asked to extend once more by hand. */
START_TEST(an_end_in_use_is_not_extended)
{
    uint8_t data[QN_EXTEND_SIZE] = {0};
    qn_piece cell;

    chain_run(&x);
    (void)chain_stream(&x);
    chain_run(&x);
    qt_assert_err(qn_create_cell(&x.t.env, QN_CMD_EXTEND, data, sizeof data, &cell), QN_OK);
    qt_assert_err(
        qn_onion_client_forward(x.circuit.layer, 2, &x.t.env, qn_piece_data(&cell), cell.len),
        QN_OK);
    carry(&x, 0, true, cell);
    qn_block_drop(cell.block);
    chain_run(&x);
    qt_assert_err(x.hop_why[2], QN_PROTO);
    assert_all_dead();
}
END_TEST

static Suite *teardown_suite(void)
{
    Suite *s = suite_create("circuit/teardown");
    TCase *tc = tcase_create("teardown");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_refused_extension_reaches_the_client_as_refused, 0,
                        (int)QN_LEN(refusals));
    tcase_add_test(tc, a_lost_extension_reaches_the_client_as_gone);
    tcase_add_loop_test(tc, a_hop_refuses_to_extend_to_itself_or_back, 0, 4);
    tcase_add_loop_test(tc, an_onion_key_that_is_no_more_is_refused, 1, 3);
    tcase_add_test(tc, the_last_epochs_onion_key_still_answers);
    tcase_add_test(tc, close_at_any_moment_of_building_reaches_everybody);
    tcase_add_loop_test(tc, close_while_bytes_flow_ends_every_stream_in_an_error, 0, 5);
    tcase_add_test(tc, after_the_end_nothing_is_said_or_heard);
    tcase_add_loop_test(tc, any_cell_harmed_in_any_way_never_shortens_a_stream_unnoticed, 0, HARMS);
    tcase_add_loop_test(tc, tampering_dies_where_the_document_says, 0, 6);
    tcase_add_test(tc, a_pipe_checks_the_class_and_nothing_else);
    tcase_add_loop_test(tc, nothing_may_be_sent_between_extend_and_its_answer, 0, 2);
    tcase_add_loop_test(tc, an_answer_must_be_created_and_nothing_more, 0, 3);
    tcase_add_test(tc, an_answer_before_there_is_anybody_to_answer_is_a_fault);
    tcase_add_test(tc, a_client_that_has_not_asked_takes_no_answer);
    tcase_add_test(tc, only_the_client_ends_a_circuit_in_order);
    tcase_add_test(tc, keys_do_not_outlive_their_circuit);
    tcase_add_loop_test(tc, a_first_cell_is_extend_or_create, 0, 5);
    tcase_add_test(tc, a_handshake_type_nobody_speaks_is_refused_not_punished);
    tcase_add_test(tc, an_end_in_use_is_not_extended);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(teardown_suite)
