/* The lines between the testbed's hosts, told the time by hand. */
#include "link/wire.h"

#include "support/qt.h"

#include <stdlib.h>
#include <string.h>

enum { A, B, HOSTS, PACKET = 1000 };
#define MS UINT64_C(1000000)
#define LATENCY (30 * MS)

/* 8 Mbit/s: a packet of 1000 bytes takes 1 ms. The way down to B is half as fast. */
static wire_host hosts[HOSTS] = {{0x0a010001, 8000000, 8000000, 0},
                                 {0x0a020001, 8000000, 4000000, 0}};
static const uint64_t latency[HOSTS * HOSTS] = {0, LATENCY, LATENCY, 0};
static wire *w;

static void open_wire(uint64_t queue, uint32_t loss)
{
    hosts[A].loss = loss;
    w = wire_new(hosts, HOSTS, latency, queue, 1);
    ck_assert_ptr_nonnull(w);
}

static void teardown(void)
{
    wire_free(w);
    w = NULL;
}

/* An IPv4 packet to B, or to nobody, that says its number. */
static const uint8_t *packet(uint8_t number, uint8_t net)
{
    static uint8_t bytes[PACKET];

    bytes[0] = 0x45;
    bytes[16] = 10;
    bytes[17] = net;
    bytes[18] = 0;
    bytes[19] = 1;
    bytes[20] = number;
    return bytes;
}

static void send(uint8_t number, bool waited, uint64_t now)
{
    wire_take(w, A, packet(number, 2), PACKET, waited, now);
}

/* Its number, or -1 when none is due. */
static int due(uint64_t now)
{
    wire_packet *p = wire_due(w, now);
    int number = p != NULL ? p->bytes[20] : -1;

    if (p != NULL)
        ck_assert_uint_eq(p->to, B);
    free(p);
    return number;
}

START_TEST(a_packet_takes_both_lines_and_the_way_between)
{
    open_wire(100000, 0);
    send(1, false, 5 * MS);
    ck_assert_uint_eq(wire_next(w), 5 * MS + MS + LATENCY);
    ck_assert_int_eq(due(5 * MS + MS + LATENCY), -1);
    ck_assert_uint_eq(wire_next(w), 5 * MS + MS + LATENCY + 2 * MS);
    ck_assert_int_eq(due(wire_next(w) - 1), -1);
    ck_assert_int_eq(due(wire_next(w)), 1);
    ck_assert_uint_eq(wire_next(w), WIRE_NEVER);
}
END_TEST

START_TEST(an_uplink_takes_a_millisecond_ahead_and_no_more)
{
    open_wire(100000, 0);
    ck_assert_uint_le(wire_takes_at(w, A), 10 * MS);
    send(1, false, 10 * MS);
    ck_assert_uint_le(wire_takes_at(w, A), 10 * MS);
    send(2, false, 10 * MS);
    ck_assert_uint_eq(wire_takes_at(w, A), 11 * MS);
}
END_TEST

START_TEST(who_comes_late_to_a_queue_gets_the_lines_time_back)
{
    open_wire(100000, 0);
    send(1, false, 10 * MS);
    send(2, true, 15 * MS); /* 4 ms late */
    ck_assert_int_eq(due(15 * MS + LATENCY), 1);
    ck_assert_int_eq(due(15 * MS + LATENCY), 2);
    send(3, false, 100 * MS); /* nothing waited */
    ck_assert_uint_eq(wire_next(w), 101 * MS + LATENCY);
    ck_assert_int_eq(due(103 * MS + LATENCY), 3);
    send(4, true, 1000 * MS);
    ck_assert_uint_eq(wire_next(w), 1000 * MS - WIRE_CREDIT + MS + LATENCY);
}
END_TEST

START_TEST(a_full_downlink_drops_what_comes)
{
    uint64_t now = 0;
    unsigned arrived = 0;

    open_wire(3 * PACKET, 0);
    for (uint8_t i = 0; i < 20; i++)
        send(i, true, now = wire_takes_at(w, A));
    for (now = 0; now < 200 * MS; now += MS)
        arrived += due(now) >= 0;
    ck_assert_uint_eq(arrived + wire_counted(w)->dropped, 20);
    /* 20 ms of arrivals at half the rate: ten pass meanwhile, and the queue holds four. */
    ck_assert_uint_ge(arrived, 12);
    ck_assert_uint_le(arrived, 15);
    ck_assert_uint_eq(wire_counted(w)->delivered, arrived);
}
END_TEST

static void count_losses(uint32_t loss, uint64_t *lost)
{
    open_wire(1 << 30, loss);
    for (unsigned i = 0; i < 10000; i++)
        send(0, true, wire_takes_at(w, A));
    while (wire_next(w) != WIRE_NEVER)
        (void)due(wire_next(w));
    *lost = wire_counted(w)->lost;
    ck_assert_uint_eq(wire_counted(w)->delivered + *lost, 10000);
    teardown();
}

START_TEST(losses_are_drawn_from_the_seed)
{
    uint64_t none, some, again;

    count_losses(0, &none);
    count_losses(20000, &some);
    count_losses(20000, &again);
    ck_assert_uint_eq(none, 0);
    ck_assert_uint_eq(some, again);
    /* The draws of seed 1 are what they are; 2 % of 10,000 with five standard deviations. */
    ck_assert_uint_ge(some, 130);
    ck_assert_uint_le(some, 270);
}
END_TEST

START_TEST(what_has_no_host_goes_nowhere)
{
    static const uint8_t six[PACKET] = {0x60};

    open_wire(100000, 0);
    wire_take(w, A, packet(1, 9), PACKET, false, 0);
    wire_take(w, A, six, sizeof six, false, 0);
    wire_take(w, A, packet(1, 2), 19, false, 0);
    ck_assert_uint_eq(wire_counted(w)->unroutable, 3);
    ck_assert_uint_eq(wire_next(w), WIRE_NEVER);
}
END_TEST

START_TEST(what_is_on_its_way_is_freed_with_the_wire)
{
    open_wire(100000, 0);
    send(1, false, 0);
    ck_assert_ptr_null(wire_new(hosts, WIRE_HOSTS_MAX + 1, latency, 1, 1));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire");
    TCase *tc = tcase_create("wire");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, a_packet_takes_both_lines_and_the_way_between);
    tcase_add_test(tc, an_uplink_takes_a_millisecond_ahead_and_no_more);
    tcase_add_test(tc, who_comes_late_to_a_queue_gets_the_lines_time_back);
    tcase_add_test(tc, a_full_downlink_drops_what_comes);
    tcase_add_test(tc, losses_are_drawn_from_the_seed);
    tcase_add_test(tc, what_has_no_host_goes_nowhere);
    tcase_add_test(tc, what_is_on_its_way_is_freed_with_the_wire);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
