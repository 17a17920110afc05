/* The operators' list: who may sign it, what it must not be, and finding a relay in it. */
#include "unit/dir/fixture.h"

static qn_registry r;
static qn_blob blob;
static qn_snapshot *snap;

static void setup_1_of_1(void)
{
    fx_open(1, 1, false);
    fx_registry(&r, 5);
    blob = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 1);
}

static void setup_2_of_3(void)
{
    fx_open(3, 2, false);
    fx_registry(&r, 2);
    blob = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 3);
}

static void teardown(void)
{
    qn_snapshot_drop(snap);
    snap = NULL;
    qn_blob_clear(&blob, &t.env.mem);
    qn_registry_clear(&r);
    fx_close();
}

static qn_slice bytes(void)
{
    return qn_slice_of(blob.p, blob.n);
}

/* Opens and keeps; errors must leave nothing allocated. */
static qn_err open_bytes(qn_slice in)
{
    uint64_t used;
    qn_err err;

    qn_snapshot_drop(snap);
    snap = NULL;
    used = t.env.mem.used;
    err = qn_snapshot_open(&snap, &t.env, &net, NULL, in, 0);
    ck_assert(err == QN_OK ? snap != NULL : snap == NULL && t.env.mem.used == used);
    return err;
}

/* A body signed by the operators of the bit set, whatever it says. */
static qn_slice join(qn_slice body, int64_t after, int64_t until, unsigned who)
{
    qn_snapshot_signature v[QN_OPERATORS_MAX];
    uint8_t message[48];
    qn_slice copy;
    qn_blob out;
    qn_hash h;
    unsigned n = 0;

    qt_assert_err(qn_sha256(&t.env, &body, 1, &h), QN_OK);
    qn_put64(message, (uint64_t)after);
    qn_put64(message + 8, (uint64_t)until);
    memcpy(message + 16, h.b, 32);
    for (uint8_t i = 0; i < net.operators_n; i++) {
        qn_sign_secret secret;

        if ((who >> i & 1) == 0)
            continue;
        memcpy(secret.seed, op_seed[i].b, 32);
        v[n].operator_index = i;
        qt_assert_err(qn_signed_sign(QN_TAG_SNAPSHOT, net.id, qn_slice_of(message, 48), &secret,
                                     &v[n++].signature),
                      QN_OK);
    }
    qt_assert_err(qn_snapshot_join(&out, &t.env, body, v, n), QN_OK);
    copy = qt_hex(qt_unhex(out.p, out.n));
    qn_blob_clear(&out, &t.env.mem);
    return copy;
}

/* The body inside blob. */
static qn_slice body_of(qn_slice in)
{
    qn_slice body;
    qn_cbor_r c;

    qn_cbor_r_init(&c, in.p, in.n);
    (void)qn_cbor_get_array(&c);
    body = qn_cbor_get_bytes(&c);
    qt_assert_err(c.err, QN_OK);
    return body;
}

/* ---- reading --------------------------------------------------------------------------------- */

START_TEST(lists_what_the_registry_lists)
{
    uint32_t cursor = 0, n = 0;
    const qn_registration *e;

    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_uint_eq(snap->relays_n, 5);
    ck_assert_uint_eq(snap->version, (uint64_t)t.env.wall);
    ck_assert_int_eq(snap->valid_until, t.env.wall + 3600);
    for (; (e = qn_registry_next(&r, NULL, &cursor)) != NULL; n++) {
        const qn_relay *relay = &snap->relays[n];

        ck_assert(qn_peerid_equal(&relay->d.id, &e->d.id));
        ck_assert_mem_eq(relay->d.link.key.b, e->d.link.key.b, 32);
        ck_assert_mem_eq(relay->d.onion_id, e->d.onion_id, sizeof e->d.onion_id);
        ck_assert_str_eq(relay->d.country, e->d.country);
        ck_assert_uint_eq(relay->weight, QN_WEIGHT_MAX - e->load);
        qt_assert_bytes(relay->body.p, relay->body.n, fx_body(e->bytes));
        ck_assert(qn_relay_usable(relay, t.env.wall));
    }
    ck_assert_uint_eq(n, 5);
    qt_assert_bytes(snap->bytes.p, snap->bytes.n, bytes());
}
END_TEST

START_TEST(finds_each_relay_and_nobody_else)
{
    qt_assert_err(open_bytes(bytes()), QN_OK);
    for (uint32_t i = 0; i < snap->relays_n; i++) {
        qn_peerid id = snap->relays[i].d.id;

        ck_assert_ptr_eq(qn_snapshot_find(snap, &id), &snap->relays[i]);
        id.b[31] ^= 1;
        ck_assert_ptr_null(qn_snapshot_find(snap, &id));
    }
}
END_TEST

START_TEST(an_empty_list_is_a_list)
{
    qn_peerid id = {{0}};

    qn_registry_clear(&r);
    qn_blob_clear(&blob, &t.env.mem);
    blob = fx_snapshot(&r, t.env.wall, t.env.wall + 60, 1);
    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_uint_eq(snap->relays_n, 0);
    ck_assert_ptr_null(qn_snapshot_find(snap, &id));
}
END_TEST

START_TEST(lists_neither_the_dead_nor_the_expired)
{
    qn_descriptor d = fx_relay(9);

    d.valid_until = t.env.wall + 10;
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 9), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(9, 7, t.env.wall, 0)), QN_OK);
    qt_env_step(&t, 11 * QN_SEC);
    qn_blob_clear(&blob, &t.env.mem);
    blob = fx_snapshot(&r, t.env.wall, t.env.wall + 60, 1);
    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_uint_eq(snap->relays_n, 5);
    qt_env_step(&t, QN_LIVE_FOR);
    qn_blob_clear(&blob, &t.env.mem);
    blob = fx_snapshot(&r, t.env.wall, t.env.wall + 60, 1);
    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_uint_eq(snap->relays_n, 0);
}
END_TEST

START_TEST(a_relay_is_usable_while_descriptor_and_keys_are_valid)
{
    qn_relay relay = {.d = fx_relay(1)};

    ck_assert(qn_relay_usable(&relay, t.env.wall));
    ck_assert(!qn_relay_usable(&relay, relay.d.valid_until));
    relay.d.link.not_after = t.env.wall;
    ck_assert(!qn_relay_usable(&relay, t.env.wall));
    relay.d.link.not_after = t.env.wall + 1;
    relay.d.onion[0].not_before = t.env.wall + QN_CLOCK_SKEW_S + 1;
    ck_assert(!qn_relay_usable(&relay, t.env.wall));
}
END_TEST

/* ---- time and versions ----------------------------------------------------------------------- */

START_TEST(a_version_never_goes_back)
{
    uint64_t version = (uint64_t)t.env.wall;

    qt_assert_err(qn_snapshot_open(&snap, &t.env, &net, NULL, bytes(), version + 1), QN_STALE);
    qt_assert_err(qn_snapshot_open(&snap, &t.env, &net, NULL, bytes(), version), QN_STALE);
    qt_assert_err(qn_snapshot_open(&snap, &t.env, &net, NULL, bytes(), version - 1), QN_OK);
}
END_TEST

START_TEST(is_refused_before_its_time_and_after_it)
{
    t.env.wall -= QN_CLOCK_SKEW_S + 1;
    qt_assert_err(open_bytes(bytes()), QN_EARLY);
    t.env.wall += 1;
    qt_assert_err(open_bytes(bytes()), QN_OK);
    t.env.wall += QN_CLOCK_SKEW_S + 3599;
    qt_assert_err(open_bytes(bytes()), QN_OK);
    t.env.wall += 1;
    qt_assert_err(open_bytes(bytes()), QN_EXPIRED);
}
END_TEST

START_TEST(lives_a_day_at_most)
{
    qn_slice body = body_of(bytes());
    uint8_t *p = fx_copy(body);
    int64_t wall = t.env.wall, day = wall + QN_SNAPSHOT_LIFE_S;
    fx_pair v[8];
    qn_blob b;

    qt_assert_err(qn_snapshot_build(&b, &r, wall, day + 1, (qn_slice){0}), QN_CONFIG);
    qt_assert_err(qn_snapshot_build(&b, &r, wall, wall, (qn_slice){0}), QN_CONFIG);
    qt_assert_err(qn_snapshot_build(&b, &r, -1, 5, (qn_slice){0}), QN_CONFIG);
    ck_assert_uint_eq(fx_pairs(body, v, 8), 5);
    qn_put32(p + v[2].value + 1, (uint32_t)day);
    qt_assert_err(open_bytes(join(qn_slice_of(p, body.n), wall, day, 1)), QN_OK);
    qn_put32(p + v[2].value + 1, (uint32_t)(day + 1));
    qt_assert_err(open_bytes(join(qn_slice_of(p, body.n), wall, day + 1, 1)), QN_LIMIT);
    qn_put32(p + v[2].value + 1, (uint32_t)wall);
    qt_assert_err(open_bytes(join(qn_slice_of(p, body.n), wall, wall, 1)), QN_PROTO);
}
END_TEST

/* ---- forgery --------------------------------------------------------------------------------- */

START_TEST(refuses_every_flipped_byte)
{
    for (size_t i = 0; i < blob.n; i++) {
        blob.p[i] ^= (uint8_t)(1u << i % 8);
        ck_assert(open_bytes(bytes()) != QN_OK);
        blob.p[i] ^= (uint8_t)(1u << i % 8);
    }
    qt_assert_err(open_bytes(bytes()), QN_OK);
}
END_TEST

START_TEST(refuses_every_truncation)
{
    for (size_t n = 0; n < blob.n; n++)
        qt_assert_err(open_bytes(qn_slice_of(blob.p, n)), QN_TRUNCATED);
    qt_assert_err(open_bytes(fx_splice(bytes(), blob.n, 0, "", 1)), QN_PROTO);
}
END_TEST

START_TEST(refuses_another_network)
{
    qn_secret32 founder = fx_secret('f', 1);
    uint8_t file[QN_SIGNED_MAX];
    qn_network other = net;
    size_t n;

    qt_assert_err(qn_network_encode(&other, &t.env, &founder, file, sizeof file, &n), QN_OK);
    ck_assert_mem_ne(other.id, net.id, 32);
    qt_assert_err(qn_snapshot_open(&snap, &t.env, &other, NULL, bytes(), 0), QN_NETWORK);
}
END_TEST

/* Nobody signs for a node's descriptor but the operators; it is held to all else it must be. */
START_TEST(refuses_a_descriptor_out_of_range_that_operators_signed)
{
    qn_slice body = body_of(bytes()), first = fx_body(r.v[0]->bytes);
    uint8_t *p = fx_copy(body);
    size_t at = 0;

    while (memcmp(p + at, first.p, first.n) != 0)
        at++;
    p[at + 2] = 2; /* a map, key 1, the version */
    qt_assert_err(open_bytes(join(qn_slice_of(p, body.n), t.env.wall, t.env.wall + 3600, 1)),
                  QN_VERSION);
}
END_TEST

START_TEST(refuses_entries_out_of_order_or_twice)
{
    qn_cbor_w w;
    uint8_t out[8192];
    const qn_registration *a = r.v[_i == 0 ? 1 : 0], *b = r.v[0];

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_map(&w, 5);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, (uint64_t)t.env.wall);
    qn_cbor_uint(&w, 3);
    qn_cbor_uint(&w, (uint64_t)t.env.wall + 60);
    qn_cbor_uint(&w, 4);
    qn_cbor_bytes(&w, net.id, 32);
    qn_cbor_uint(&w, 5);
    qn_cbor_array(&w, 2);
    for (unsigned i = 0; i < 2; i++) {
        qn_envelope e;

        qt_assert_err(qn_envelope_read(&e, (i == 0 ? a : b)->bytes), QN_OK);
        qn_cbor_array(&w, 3);
        qn_cbor_bytes(&w, e.key.b, sizeof e.key.b);
        qn_cbor_bytes(&w, e.body.p, e.body.n);
        qn_cbor_uint(&w, _i == 2 ? 0 : 1); /* and no weight of 0 */
    }
    qt_assert_err(w.err, QN_OK);
    qt_assert_err(open_bytes(join(qn_slice_of(out, w.n), t.env.wall, t.env.wall + 60, 1)),
                  _i == 2 ? QN_PROTO : QN_CANON);
}
END_TEST

START_TEST(refuses_signatures_over_other_times)
{
    qn_slice body = body_of(bytes());
    int64_t wall = t.env.wall;

    qt_assert_err(open_bytes(join(body, wall, wall + 3600, 1)), QN_OK);
    qt_assert_err(open_bytes(join(body, wall + 1, wall + 3600, 1)), QN_AUTH);
    qt_assert_err(open_bytes(join(body, wall, wall + 3601, 1)), QN_AUTH);
}
END_TEST

START_TEST(refuses_what_is_too_long_before_reading_it)
{
    qt_assert_err(open_bytes(qn_slice_of(blob.p, QN_SNAPSHOT_MAX + 1)), QN_LIMIT);
}
END_TEST

/* ---- thresholds ------------------------------------------------------------------------------ */

START_TEST(two_of_three_operators_suffice_and_one_does_not)
{
    unsigned who = (unsigned)_i;
    qn_slice in = join(body_of(bytes()), t.env.wall, t.env.wall + 3600, who);

    qt_assert_err(open_bytes(in), __builtin_popcount(who) >= 2 ? QN_OK : QN_AUTH);
}
END_TEST

/* Writes the outer array by hand, so that it may hold anything. */
static qn_slice with_signatures(const qn_snapshot_signature *v, unsigned n)
{
    static uint8_t out[1 << 14];
    qn_slice body = body_of(bytes());
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, body.p, body.n);
    qn_cbor_array(&w, n);
    for (unsigned i = 0; i < n; i++) {
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, v[i].operator_index);
        qn_cbor_bytes(&w, v[i].signature.b, 64);
    }
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(out, w.n);
}

START_TEST(one_operator_twice_counts_once)
{
    qn_slice body = body_of(bytes());
    qn_snapshot_signature v[4];

    for (unsigned i = 0; i < 3; i++)
        qt_assert_err(qn_snapshot_sign(&v[i], &t.env, &net, body, &op_seed[i]), QN_OK);
    qt_assert_err(open_bytes(with_signatures(v, 3)), QN_OK);
    qt_assert_err(open_bytes(with_signatures(v + 1, 2)), QN_OK);
    v[3] = v[2];
    v[1] = v[0];
    qt_assert_err(open_bytes(with_signatures(v, 2)), QN_CANON);     /* 0, 0 */
    qt_assert_err(open_bytes(with_signatures(v + 1, 3)), QN_CANON); /* 0, 2, 2 */
    v[1].operator_index = 1;
    qt_assert_err(open_bytes(with_signatures(v, 2)), QN_AUTH); /* 0 posing as 1 */
    v[1].operator_index = 3;
    qt_assert_err(open_bytes(with_signatures(v, 2)), QN_PROTO); /* nobody */
    qt_assert_err(open_bytes(with_signatures(v, 4)), QN_LIMIT);
}
END_TEST

START_TEST(a_bad_signature_spoils_enough_good_ones)
{
    qn_slice body = body_of(bytes());
    qn_snapshot_signature v[3];

    for (unsigned i = 0; i < 3; i++)
        qt_assert_err(qn_snapshot_sign(&v[i], &t.env, &net, body, &op_seed[i]), QN_OK);
    v[2].signature.b[0] ^= 1;
    qt_assert_err(open_bytes(with_signatures(v, 3)), QN_AUTH);
}
END_TEST

START_TEST(only_operators_sign)
{
    qn_secret32 other = fx_secret('x', 0);
    qn_snapshot_signature s;
    qn_slice body = body_of(bytes());

    qt_assert_err(qn_snapshot_sign(&s, &t.env, &net, body, &other), QN_CONFIG);
    net.id[0] ^= 1;
    qt_assert_err(qn_snapshot_sign(&s, &t.env, &net, body, &op_seed[0]), QN_NETWORK);
    net.id[0] ^= 1;
}
END_TEST

START_TEST(signatures_may_be_joined_in_any_order)
{
    qn_slice body = body_of(bytes());
    qn_snapshot_signature v[2];
    qn_blob out;

    for (unsigned i = 0; i < 2; i++)
        qt_assert_err(qn_snapshot_sign(&v[1 - i], &t.env, &net, body, &op_seed[i]), QN_OK);
    qt_assert_err(qn_snapshot_join(&out, &t.env, body, v, 2), QN_OK);
    qt_assert_bytes(out.p, out.n, bytes());
    qn_blob_clear(&out, &t.env.mem);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

START_TEST(survives_every_failed_allocation)
{
    qn_blob body, out;
    qn_snapshot_signature s;

    qt_alloc_fail_at(1);
    qt_assert_err(qn_snapshot_build(&body, &r, t.env.wall, t.env.wall + 60, (qn_slice){0}),
                  QN_NOMEM);
    qt_assert_err(qn_snapshot_build(&body, &r, t.env.wall, t.env.wall + 60, (qn_slice){0}), QN_OK);
    qt_assert_err(qn_snapshot_sign(&s, &t.env, &net, qn_slice_of(body.p, body.n), &op_seed[0]),
                  QN_OK);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_snapshot_join(&out, &t.env, qn_slice_of(body.p, body.n), &s, 1), QN_NOMEM);
    qn_blob_clear(&body, &t.env.mem);
    qt_alloc_fail_at(1);
    qt_assert_err(open_bytes(bytes()), QN_NOMEM);
    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_uint_eq(qt_alloc_requests(), 2); /* one allocation each: no other can fail */
}
END_TEST

START_TEST(forged_snapshots_cost_no_memory)
{
    uint64_t before;

    blob.p[blob.n - 1] ^= 1;
    qt_alloc_fail_at(0);
    before = t.env.mem.peak = t.env.mem.used;
    qt_assert_err(open_bytes(bytes()), QN_AUTH);
    ck_assert_uint_eq(t.env.mem.peak, before);
    ck_assert_uint_eq(qt_alloc_requests(), 0);
}
END_TEST

START_TEST(references_are_counted)
{
    qt_assert_err(open_bytes(bytes()), QN_OK);
    ck_assert_ptr_eq(qn_snapshot_ref(snap), snap);
    qn_snapshot_drop(snap);
    ck_assert_uint_eq(snap->relays_n, 5);
    qn_snapshot_drop(NULL);
}
END_TEST

static Suite *snapshot_suite(void)
{
    Suite *s = suite_create("dir/snapshot");
    TCase *one = tcase_create("one operator"), *three = tcase_create("two of three");

    tcase_add_checked_fixture(one, setup_1_of_1, teardown);
    tcase_add_test(one, lists_what_the_registry_lists);
    tcase_add_test(one, finds_each_relay_and_nobody_else);
    tcase_add_test(one, an_empty_list_is_a_list);
    tcase_add_test(one, lists_neither_the_dead_nor_the_expired);
    tcase_add_test(one, a_relay_is_usable_while_descriptor_and_keys_are_valid);
    tcase_add_test(one, a_version_never_goes_back);
    tcase_add_test(one, is_refused_before_its_time_and_after_it);
    tcase_add_test(one, lives_a_day_at_most);
    tcase_add_test(one, refuses_every_flipped_byte);
    tcase_add_test(one, refuses_every_truncation);
    tcase_add_test(one, refuses_another_network);
    tcase_add_test(one, refuses_a_descriptor_out_of_range_that_operators_signed);
    tcase_add_loop_test(one, refuses_entries_out_of_order_or_twice, 0, 3);
    tcase_add_test(one, refuses_signatures_over_other_times);
    tcase_add_test(one, refuses_what_is_too_long_before_reading_it);
    tcase_add_test(one, survives_every_failed_allocation);
    tcase_add_test(one, forged_snapshots_cost_no_memory);
    tcase_add_test(one, references_are_counted);
    tcase_add_checked_fixture(three, setup_2_of_3, teardown);
    tcase_add_loop_test(three, two_of_three_operators_suffice_and_one_does_not, 0, 8);
    tcase_add_test(three, one_operator_twice_counts_once);
    tcase_add_test(three, a_bad_signature_spoils_enough_good_ones);
    tcase_add_test(three, only_operators_sign);
    tcase_add_test(three, signatures_may_be_joined_in_any_order);
    suite_add_tcase(s, one);
    suite_add_tcase(s, three);
    return s;
}

QT_MAIN(snapshot_suite)
