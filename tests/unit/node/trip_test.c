/* Which of the circuits that are ready a stream takes. */
#include "solo.h"

#include "node/internal.h"

static opening asks;

static circuit *ready(qn_time trip)
{
    static const qn_hop_key hops[QN_HOPS_MAX];
    circuit *c = qn_mem_get(&t.env.mem, sizeof *c);

    ck_assert_ptr_nonnull(c);
    c->n = node;
    c->id = ++node->ids;
    c->built = true;
    c->trip = trip;
    qn_circuit_init(&c->core, &node->circuits_shared, hops, QN_HOPS_MAX);
    c->core.state = QN_CIRCUIT_OPEN;
    LIST_ADD(node->circuits, c);
    node->circuits_n++;
    return c;
}

/* A client, outside of labs or in one. */
static void open_in(bool lab)
{
    qn_node_cfg cfg;

    solo_open();
    cfg = solo_cfg(QN_CLIENT);
    solo_start(&cfg);
    node->net.lab = lab;
    asks = (opening){.route = QN_ROUTE_PRIVACY};
}

START_TEST(a_stream_takes_the_quickest_that_is_ready)
{
    circuit *quick;

    open_in(false);
    (void)ready(300 * QN_MS);
    quick = ready(200 * QN_MS);
    (void)ready(400 * QN_MS);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_ptr_eq(client_pick(node, &asks), quick);
        quick->last_given = ++node->given; /* that it was used does not make it slower */
    }
    quick->dead = true;
    ck_assert_uint_eq(trip_of(client_pick(node, &asks)), 300 * QN_MS);
    quick->dead = false;
    solo_close();
}
END_TEST

START_TEST(each_stream_a_circuit_carries_makes_it_count_once_more)
{
    circuit *quick, *slow;

    open_in(false);
    quick = ready(200 * QN_MS);
    slow = ready(350 * QN_MS);
    ck_assert_ptr_eq(client_pick(node, &asks), quick);
    quick->core.apps.live = 1;
    ck_assert_ptr_eq(client_pick(node, &asks), slow);
    slow->core.apps.live = 1;
    ck_assert_ptr_eq(client_pick(node, &asks), quick);
    quick->core.apps.live = slow->core.apps.live = 0;
    solo_close();
}
END_TEST

/* As relays see it: what has sent of late goes behind what has rested. */
START_TEST(one_that_had_a_stream_just_now_counts_as_if_it_still_had)
{
    circuit *quick, *slow;

    open_in(false);
    quick = ready(200 * QN_MS);
    slow = ready(350 * QN_MS);
    t.env.now += QN_SEC;
    quick->first_given = quick->core.apps.quiet_since = t.env.now;
    ck_assert_ptr_eq(client_pick(node, &asks), slow);
    slow->first_given = slow->core.apps.quiet_since = t.env.now;
    ck_assert_ptr_eq(client_pick(node, &asks), quick);
    slow->first_given = 0;
    t.env.now += QN_SCHED_REST;
    ck_assert_ptr_eq(client_pick(node, &asks), quick);
    solo_close();
}
END_TEST

START_TEST(a_ping_that_took_longer_counts_for_half_and_a_shorter_one_at_once)
{
    circuit *c;

    open_in(false);
    c = ready(200 * QN_MS);
    t.env.now += QN_SEC;
    trip_ask(c);
    t.env.now += 600 * QN_MS;
    trip_pong(c, c->ping_value);
    ck_assert_uint_eq(trip_of(c), 400 * QN_MS);
    t.env.now += 5 * QN_SEC;
    trip_pong(c, c->ping_value); /* somebody else's */
    ck_assert_uint_eq(trip_of(c), 400 * QN_MS);
    t.env.now += 5 * QN_SEC;
    trip_ask(c);
    t.env.now += 150 * QN_MS;
    trip_pong(c, c->ping_value);
    ck_assert_uint_eq(trip_of(c), 150 * QN_MS);
    solo_close();
}
END_TEST

START_TEST(what_was_not_asked_is_not_believed)
{
    circuit *c;
    uint32_t before;

    open_in(false);
    c = ready(200 * QN_MS);
    for (unsigned i = 0; i < 4; i++) {
        before = c->ping_value;
        t.env.now += 10 * QN_SEC;
        trip_ask(c);
        ck_assert_uint_ne(c->ping_value, before);
        ck_assert_uint_eq(c->core.apps.ping_value, c->ping_value);
        t.env.now += QN_MS;
        trip_pong(c, before);
        trip_pong(c, ~(uint64_t)c->ping_value);
        ck_assert_uint_eq(trip_of(c), 200 * QN_MS);
        t.env.now += 199 * QN_MS;
        trip_pong(c, c->ping_value);
        ck_assert_uint_eq(trip_of(c), 200 * QN_MS);
    }
    solo_close();
}
END_TEST

/* Two exits that compare notes would know one user's circuits by it. */
START_TEST(nothing_is_sent_into_other_circuits)
{
    circuit *given, *waits;

    open_in(false);
    given = ready(200 * QN_MS);
    waits = ready(300 * QN_MS);
    trip_ask(given);
    ck_assert(given->core.apps.ping && !waits->core.apps.ping);
    given->core.apps.ping = false;
    solo_close();
}
END_TEST

/* Each at a moment of its own, and before a stream is given to it. */
START_TEST(one_that_waits_is_asked_once_at_a_time_of_its_own)
{
    circuit *v[8];
    qn_time soonest = QN_NEVER, latest = 0;

    open_in(false);
    for (unsigned i = 0; i < QN_LEN(v); i++) {
        v[i] = ready(0);
        v[i]->core.trip = 300 * QN_MS;
        trip_begin(v[i]);
        ck_assert_uint_eq(trip_of(v[i]), 300 * QN_MS);
        soonest = QN_MIN(soonest, trip_due(v[i]));
        latest = QN_MAX(latest, trip_due(v[i]));
    }
    ck_assert_uint_ge(soonest, t.env.now + 2 * QN_SEC);
    ck_assert_uint_lt(latest, t.env.now + 10 * QN_SEC);
    ck_assert_uint_ne(soonest, latest);
    t.env.now = latest - 1;
    for (unsigned i = 0; i < QN_LEN(v); i++) {
        bool due = trip_due(v[i]) <= t.env.now;

        trip_check(v[i]);
        ck_assert(v[i]->core.apps.ping == due);
        ck_assert(!due || trip_due(v[i]) == QN_NEVER);
        v[i]->core.apps.ping = false;
    }
    solo_close();
}
END_TEST

START_TEST(pings_are_seldom)
{
    circuit *c;
    unsigned asked = 0;

    open_in(false);
    c = ready(200 * QN_MS);
    for (unsigned i = 0; i < 300; i++) {
        t.env.now += 100 * QN_MS;
        trip_ask(c);
        asked += c->core.apps.ping;
        c->core.apps.ping = false;
        trip_pong(c, c->ping_value);
    }
    ck_assert_uint_eq(asked, 3);
    solo_close();
}
END_TEST

START_TEST(an_answer_that_is_out_makes_a_circuit_as_slow_as_it_is_late)
{
    circuit *late, *slow;

    open_in(false);
    late = ready(200 * QN_MS);
    slow = ready(500 * QN_MS);
    trip_ask(late);
    t.env.now += 400 * QN_MS;
    ck_assert_ptr_eq(client_pick(node, &asks), late);
    t.env.now += 200 * QN_MS;
    ck_assert_ptr_eq(client_pick(node, &asks), slow);
    solo_close();
}
END_TEST

START_TEST(in_a_lab_circuits_take_turns)
{
    circuit *v[3];

    open_in(true);
    for (unsigned i = 0; i < QN_LEN(v); i++)
        v[i] = ready((i + 1) * 100 * QN_MS);
    for (unsigned i = 0; i < 3 * QN_LEN(v); i++) {
        circuit *c = client_pick(node, &asks);

        c->last_given = ++node->given;
        trip_ask(c);
        ck_assert(!c->core.apps.ping);
    }
    for (unsigned i = 0; i < QN_LEN(v); i++)
        ck_assert_uint_gt(v[i]->last_given, 2 * QN_LEN(v));
    solo_close();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node/trip");
    TCase *tc = tcase_create("choice");

    tcase_add_test(tc, a_stream_takes_the_quickest_that_is_ready);
    tcase_add_test(tc, each_stream_a_circuit_carries_makes_it_count_once_more);
    tcase_add_test(tc, one_that_had_a_stream_just_now_counts_as_if_it_still_had);
    tcase_add_test(tc, a_ping_that_took_longer_counts_for_half_and_a_shorter_one_at_once);
    tcase_add_test(tc, what_was_not_asked_is_not_believed);
    tcase_add_test(tc, nothing_is_sent_into_other_circuits);
    tcase_add_test(tc, one_that_waits_is_asked_once_at_a_time_of_its_own);
    tcase_add_test(tc, pings_are_seldom);
    tcase_add_test(tc, an_answer_that_is_out_makes_a_circuit_as_slow_as_it_is_late);
    tcase_add_test(tc, in_a_lab_circuits_take_turns);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
