/* How much is sealed ahead of a conn: by what it takes (carrier/outflow.h), on the bare carrier. */
#include "support/qt.h"

#include "carrier/record.h"
#include "support/carrier/pair.h"

static qt_pair p;

static void ignore(qt_end *e)
{
    (void)e;
}

static void on_established(qt_end *e, const qn_established *est)
{
    (void)e;
    (void)est;
}

static void on_record(qt_end *e, qn_piece piece)
{
    (void)e;
    qn_block_drop(piece.block);
}

static void on_lost(qt_end *e, qn_err err)
{
    (void)e;
    (void)err;
}

static const qt_upper deaf = {on_established, on_record, on_lost, ignore};

/* A PAD frame of n bytes in all, as one record. */
static qn_err say(qt_end *e, size_t n)
{
    static uint8_t frame[QN_RECORD_CONTENT_MAX];

    memset(frame, 0x5a, n);
    qn_frame_put_header(frame, QN_FRAME_PAD, n - QN_FRAME_HEADER);
    return e->carrier->kind->seal(e->carrier, qn_slice_of(frame, n), (qn_slice){0});
}

static void setup(void)
{
    qt_pair_open(&p, &qn_carrier_bare, &deaf);
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qt_pair_run(&p);
}

static void teardown(void)
{
    qt_pair_close(&p);
}

/* Seals whole records until there is no room; returns how many. */
static unsigned seal_all(void)
{
    unsigned n = 0;

    while (p.a.carrier->kind->room(p.a.carrier) > 0) {
        qt_assert_err(say(&p.a, 16384), QN_OK);
        n++;
    }
    return n;
}

static size_t sealed(void)
{
    qn_slice v[64];
    unsigned slices = p.a.carrier->kind->peek(p.a.carrier, 0, v, QN_LEN(v));
    size_t n = 0;

    for (unsigned i = 0; i < slices; i++)
        n += v[i].n;
    return n;
}

START_TEST(room_ends_when_the_conn_is_slow_and_comes_back)
{
    ck_assert_uint_eq(seal_all(), 1);
    qt_pair_run(&p);
    ck_assert_uint_eq(p.a.carrier->kind->room(p.a.carrier), QN_RECORD_CONTENT_MAX);
}
END_TEST

START_TEST(what_a_conn_takes_is_what_waits_sealed)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 5; i++) {
        n = seal_all();
        p.a.carrier->kind->consume(p.a.carrier, 0, sealed());
    }
    ck_assert_uint_eq(n, QN_LINK_OUT_MAX / 16384);
    (void)seal_all();
    while (sealed() > QN_LINK_OUT_MIN) {
        p.a.carrier->kind->consume(p.a.carrier, 0, 4096);
        ck_assert_uint_eq(p.a.carrier->kind->room(p.a.carrier) > 0, sealed() < QN_LINK_OUT_MIN);
    }
    ck_assert_uint_eq(seal_all(), 1);
}
END_TEST

/* A page now and then does not show that a download's worth would be taken. */
START_TEST(little_that_is_taken_at_once_proves_nothing)
{
    for (unsigned i = 0; i < 50; i++) {
        qt_assert_err(say(&p.a, 1000), QN_OK);
        p.a.carrier->kind->consume(p.a.carrier, 0, sealed());
    }
    ck_assert_uint_eq(seal_all(), 1);
}
END_TEST

static Suite *outflow_suite(void)
{
    Suite *s = suite_create("carrier/outflow");
    TCase *c = tcase_create("ahead");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, room_ends_when_the_conn_is_slow_and_comes_back);
    tcase_add_test(c, what_a_conn_takes_is_what_waits_sealed);
    tcase_add_test(c, little_that_is_taken_at_once_proves_nothing);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(outflow_suite)
