/* From one list to another: what a delta must give, what it must refuse, and how long it is. */
#include "unit/dir/fixture.h"

#include "dir/delta.h"

#include <stdio.h>
#include <stdlib.h>

static qn_registry r;
static qn_snapshot *held, *newer;
static qn_blob delta, made;

static void setup(void)
{
    fx_open(3, 2, false);
    qn_registry_init(&r, &t.env, &net);
}

static void teardown(void)
{
    qn_blob_clear(&delta, &t.env.mem);
    qn_blob_clear(&made, &t.env.mem);
    qn_snapshot_drop(held);
    qn_snapshot_drop(newer);
    held = newer = NULL;
    qn_registry_clear(&r);
    fx_close();
}

/* A relay as one in front of a web site is: all keys of its own, names and pages too. */
static qn_secret32 noise32(uint64_t seed)
{
    qn_secret32 s;

    memcpy(s.b, qt_noise(seed, sizeof s.b).p, sizeof s.b);
    return s;
}

static void dated(qn_dated_key *k, uint64_t seed, int64_t from)
{
    memcpy(k->key.b, qt_noise(seed, sizeof k->key.b).p, sizeof k->key.b);
    k->not_before = from;
    k->not_after = from + QN_KEY_LIFE_S;
}

/* Names and pages of ordinary sites: two words and a domain; a script and a style sheet that a
 * build tool named by a hash, a picture. */
static const char *const words[] = {
    "garden", "river", "north",  "stone",  "paper",  "music",  "travel", "kitchen",
    "studio", "photo", "coffee", "light",  "forest", "radio",  "school", "village",
    "bike",   "bread", "cloud",  "silver", "book",   "harbor", "atlas",  "winter",
    "sport",  "craft", "design", "market", "film",   "blue",   "sail",   "health"};
static const char *const domains[] = {"com", "com", "org", "net", "de",   "fr",
                                      "nl",  "io",  "se",  "ch",  "co.uk"};

static qn_slice site_name(uint64_t i, char out[64])
{
    const uint8_t *n = qt_noise(i * 16 + 8, 4).p;

    (void)snprintf(out, 64, "%s%s%s%s.%s", n[0] % 3 == 0 ? "www." : "", words[n[1] % QN_LEN(words)],
                   n[0] % 2 ? "-" : "", words[n[2] % QN_LEN(words)],
                   domains[n[3] % QN_LEN(domains)]);
    return qn_slice_of(out, strlen(out));
}

static qn_slice site_page(const uint8_t *n, unsigned which, char out[64])
{
    if (which == 2)
        (void)snprintf(out, 64, "/images/%s-%s.jpg", words[n[0] % QN_LEN(words)],
                       words[n[1] % QN_LEN(words)]);
    else
        (void)snprintf(out, 64,
                       which == 0 ? "/assets/main-%02x%02x%02x%02x.js"
                                  : "/css/style.%02x%02x%02x%02x.css",
                       n[0], n[1], n[2], n[3]);
    return qn_slice_of(out, strlen(out));
}

static qn_slice own_card(uint64_t i)
{
    static char text[4][64];
    qn_htx_card c = {.keys_n = QN_HTX_LISTED_KEYS,
                     .names_n = 1,
                     .first_n = 1,
                     .second_n = 3,
                     .largest_record = 16384,
                     .requests = 1000,
                     .idle = 75};
    static uint8_t out[QN_HTX_CARD_MAX];
    const uint8_t *n = qt_noise(i * 16 + 9, 24).p;
    qn_peerid id = {{(uint8_t)(i * 77), (uint8_t)(i * 13), (uint8_t)i}};
    qn_cbor_w w;

    memcpy(c.key[0].key.b, qt_noise(i * 16 + 10, 32).p, 32);
    c.key[0].epoch = qn_htx_epoch(&id, QT_EPOCH);
    for (unsigned k = 0; k < 3; k++)
        c.second[k] =
            (qn_htx_page){site_page(n + 4 * k, k, text[k]), 5000u + n[12 + k] * 256u + n[15 + k]};
    c.name[0] = site_name(i, text[3]);
    c.first[0] = (qn_htx_page){qn_slice_of("/", 1), 20000u + n[18] * 256u + n[19]};
    qn_cbor_w_init(&w, out, sizeof out);
    qn_htx_card_put(&w, &c);
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(out, w.n);
}

/* Node i, which last described itself in the `renewed`th way; who: its identity. */
static void add(uint16_t i, uint64_t renewed, bool card)
{
    uint64_t seed = (i + renewed * 65536) * 16;
    qn_secret32 identity = noise32(i * 16u + 1);
    int64_t born = QT_EPOCH - 1 - (int64_t)(i * 37u % (7 * 86400));
    qn_descriptor d = {.roles = QN_ROLE_RELAY, .addrs_n = 1, .onions_n = 1};
    qn_heartbeat h = {.time = t.env.wall + (int64_t)renewed, .load = (uint16_t)(i * 7 % 400)};
    uint8_t out[QN_DESCRIPTOR_MAX], beat[QN_HEARTBEAT_MAX];
    size_t n, beat_n;
    char site[64];

    d.valid_after = renewed > 0 ? QT_EPOCH - (int64_t)renewed : born;
    h.descriptor = d.sequence = (uint64_t)d.valid_after;
    d.valid_until = d.valid_after + QN_DESCRIPTOR_LIFE_S;
    d.addrs[0] = fx_addr("8.0.0.1:443");
    qn_put16(d.addrs[0].ip + 1, i);
    d.addrs[0].ip[3] = (uint8_t)(i * 91);
    dated(&d.link, i * 16u + 2, d.valid_after); /* a link key stays, an onion key does not */
    dated(&d.onion[0], seed + 3, d.valid_after);
    memcpy(d.country, &"DEFRUSNLSECHISJP"[i % 8 * 2], 2);
    if (card)
        d.card = own_card(i);
    if (i % 4 == 0) {
        d.roles |= QN_ROLE_EXIT;
        d.ports_n = 2;
        d.ports[0] = 80;
        d.ports[1] = 443;
        memcpy(d.contact, "abuse@", 7);
        memcpy(d.contact + 6, site_name(i, site).p, 64);
    }
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n), QN_OK);
    qt_assert_err(qn_registry_register(&r, qn_slice_of(out, n), NULL), QN_OK);
    qt_assert_err(qn_heartbeat_sign(&h, &t.env, &net, &identity, beat, &beat_n), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, qn_slice_of(beat, beat_n)), QN_OK);
}

static qn_snapshot *listed(int64_t after)
{
    qn_blob b = fx_snapshot(&r, after, after + 3600, 3);
    qn_snapshot *s = NULL;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, qn_slice_of(b.p, b.n), 0), QN_OK);
    qn_blob_clear(&b, &t.env.mem);
    return s;
}

/* Relays from up to below; all that are listed otherwise are gone. */
static qn_snapshot *list(uint16_t from, uint16_t to, int64_t after, bool card)
{
    qn_registry_clear(&r);
    qn_registry_init(&r, &t.env, &net);
    for (uint16_t i = from; i < to; i++)
        add(i, 0, card);
    return listed(after);
}

static void write_delta(void)
{
    qn_outline *a = qn_snapshot_outline(held, &t.env), *b = qn_snapshot_outline(newer, &t.env);

    qn_blob_clear(&delta, &t.env.mem);
    qt_assert_err(qn_delta_write(&delta, &t.env, a, newer, b), QN_OK);
    qn_outline_drop(a);
    qn_outline_drop(b);
}

static qn_err apply(qn_slice bytes)
{
    qn_blob_clear(&made, &t.env.mem);
    return qn_delta_apply(&made, &t.env, held, bytes);
}

static void gives_newer(void)
{
    write_delta();
    qt_assert_err(apply(qn_slice_of(delta.p, delta.n)), QN_OK);
    qt_assert_bytes(made.p, made.n, newer->bytes);
}

/* ---- what it gives --------------------------------------------------------------------------- */

START_TEST(newcomers_and_leavers)
{
    held = list(0, 20, QT_EPOCH, true);
    newer = list(5, 30, QT_EPOCH + 3, true);
    gives_newer();
    ck_assert_uint_lt(delta.n, newer->bytes.n * 2 / 3);
}
END_TEST

START_TEST(the_same_nodes_cost_little)
{
    held = list(0, 20, QT_EPOCH, true);
    newer = listed(QT_EPOCH + 3);
    gives_newer();
    ck_assert_uint_lt(delta.n, 400); /* times and signatures */
}
END_TEST

START_TEST(a_new_description_and_a_new_weight)
{
    held = list(0, 20, QT_EPOCH, true);
    add(3, 1, true);
    r.v[7]->load += 100;
    newer = listed(QT_EPOCH + 3);
    gives_newer();
    ck_assert_uint_lt(delta.n, 400 + held->relays[0].body.n + 200);
}
END_TEST

START_TEST(from_nothing_and_to_nothing)
{
    held = list(0, 0, QT_EPOCH, true);
    newer = list(0, 9, QT_EPOCH + 3, true);
    gives_newer();
    qn_snapshot_drop(held);
    held = newer;
    newer = list(0, 0, QT_EPOCH + 6, true);
    gives_newer();
}
END_TEST

START_TEST(nothing_in_common)
{
    held = list(0, 9, QT_EPOCH, false);
    newer = list(20, 29, QT_EPOCH + 3, false);
    gives_newer();
}
END_TEST

START_TEST(one_outline_serves_all_who_hold_the_list)
{
    qn_outline *a, *b;

    held = list(0, 9, QT_EPOCH, false);
    a = qn_snapshot_outline(held, &t.env);
    b = qn_snapshot_outline(held, &t.env);
    ck_assert_ptr_eq(a, b);
    qn_snapshot_drop(held);
    held = NULL;
    ck_assert_mem_eq(a->body.b, b->body.b, 32);
    qn_outline_drop(a);
    qn_outline_drop(b);
}
END_TEST

/* ---- what it must not ------------------------------------------------------------------------ */

START_TEST(a_delta_of_another_list_is_stale)
{
    held = list(0, 9, QT_EPOCH, false);
    newer = list(0, 10, QT_EPOCH + 3, false);
    write_delta();
    qn_snapshot_drop(held);
    held = list(0, 9, QT_EPOCH + 1, false);
    qt_assert_err(apply(qn_slice_of(delta.p, delta.n)), QN_STALE);
}
END_TEST

/* [hash, skip, copy, bytes] with these numbers. */
static qn_slice raw(uint64_t skip, uint64_t copy, size_t bytes, unsigned items)
{
    static uint8_t out[8192];
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_array(&w, items);
    qn_cbor_bytes(&w, held->body_hash.b, 32);
    if (items > 1)
        qn_cbor_uint(&w, skip);
    if (items > 2)
        qn_cbor_uint(&w, copy);
    if (items > 3)
        qn_cbor_bytes(&w, qt_noise(1, 4096).p, bytes);
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(out, w.n);
}

START_TEST(no_byte_is_taken_that_is_not_there)
{
    size_t n;

    held = list(0, 9, QT_EPOCH, false);
    n = held->body.n;
    qt_assert_err(apply(raw(0, n, 0, 4)), QN_OK);
    qt_assert_err(apply(raw(n, 0, 5, 4)), QN_OK);
    qt_assert_err(apply(raw(1, n, 0, 4)), QN_PROTO);
    qt_assert_err(apply(raw(n + 1, 0, 5, 4)), QN_PROTO);
    qt_assert_err(apply(raw(UINT64_MAX, 2, 0, 4)), QN_PROTO);
    qt_assert_err(apply(raw(2, UINT64_MAX, 0, 4)), QN_PROTO);
    qt_assert_err(apply(raw(0, 0, 0, 4)), QN_PROTO); /* nothing comes of it */
    qt_assert_err(apply(raw(0, 0, 0, 1)), QN_PROTO);
    qt_assert_err(apply(raw(0, 0, 0, 2)), QN_PROTO);
    qt_assert_err(apply(raw(0, 0, 0, 3)), QN_PROTO);
}
END_TEST

START_TEST(cut_short_or_longer_it_is_refused)
{
    uint8_t *copy;

    held = list(0, 3, QT_EPOCH, false);
    newer = list(1, 4, QT_EPOCH + 3, false);
    write_delta();
    for (size_t n = 0; n < delta.n; n++)
        ck_assert_int_ne(apply(qn_slice_of(delta.p, n)), QN_OK);
    copy = qn_mem_get(&t.env.mem, delta.n + 1);
    memcpy(copy, delta.p, delta.n);
    ck_assert_int_ne(apply(qn_slice_of(copy, delta.n + 1)), QN_OK);
    qn_mem_put(&t.env.mem, copy, delta.n + 1);
}
END_TEST

/* The last bytes are signatures: whatever else a delta gives, it is no list. */
START_TEST(what_it_gives_is_opened_like_any_list)
{
    qn_snapshot *s = NULL;

    held = list(0, 3, QT_EPOCH, false);
    newer = list(1, 4, QT_EPOCH + 3, false);
    write_delta();
    delta.p[delta.n - 1] ^= 1;
    qt_assert_err(apply(qn_slice_of(delta.p, delta.n)), QN_OK);
    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, qn_slice_of(made.p, made.n), 0),
                  QN_AUTH);
}
END_TEST

/* ---- figures: results/directory/README.md ---------------------------------------------------- */

enum { RELAYS = 1000, LEAVE = 50, RENEW = 6 };

static size_t packed_size(qn_slice in)
{
    qn_blob b = {0};
    size_t n;

    qt_assert_err(qn_pack(&b, &t.env.mem, in), QN_OK);
    n = b.n;
    qn_blob_clear(&b, &t.env.mem);
    return n;
}

static void say(const char *what, size_t n)
{
    if (getenv("QT_PRINT") != NULL)
        printf("%-66s %8zu bytes %7.1f KiB\n", what, n, (double)n / 1024);
}

/* 5 % leave within the hour and as many come; a hundredth and a half has described itself anew,
 * which every node does once a week; every load is another one. */
static void one_hour(bool card)
{
    held = list(0, RELAYS, QT_EPOCH, card);
    qn_registry_clear(&r);
    qn_registry_init(&r, &t.env, &net);
    for (uint16_t i = LEAVE; i < RELAYS + LEAVE; i++)
        add(i, 0, card);
    for (uint16_t i = 0; i < RENEW; i++)
        add((uint16_t)(LEAVE + i * 100), 5, card);
}

static size_t hourly(void)
{
    size_t n;

    newer = listed(QT_EPOCH + 300);
    gives_newer();
    n = packed_size(qn_slice_of(delta.p, delta.n));
    qn_snapshot_drop(newer);
    newer = NULL;
    return n;
}

START_TEST(an_hour_of_a_thousand_relays)
{
    size_t whole, same, other;

    one_hour(true);
    whole = packed_size(held->bytes);
    say("1,000 relays over HTX, whole, as signed", held->bytes.n);
    say("... packed", whole);
    same = hourly();
    say("... an hour later at 5 % churn, as a packed delta", same);
    for (uint32_t i = 0; i < r.n; i++)
        r.v[i]->load = (uint16_t)(r.v[i]->load + 1 + i * 77 % 300);
    other = hourly();
    say("... the same, when every node's load has changed too", other);
    ck_assert_uint_le(whole, 200 * 1024);
    ck_assert_uint_le(same, 20 * 1024);
    ck_assert_uint_le(other, 20 * 1024);
}
END_TEST

START_TEST(the_same_without_cards)
{
    one_hour(false);
    say("1,000 relays without cards (bare carrier), packed", packed_size(held->bytes));
    say("... an hour later, as a packed delta", hourly());
}
END_TEST

static Suite *delta_suite(void)
{
    Suite *s = suite_create("dir/delta");
    TCase *tc = tcase_create("delta");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, newcomers_and_leavers);
    tcase_add_test(tc, the_same_nodes_cost_little);
    tcase_add_test(tc, a_new_description_and_a_new_weight);
    tcase_add_test(tc, from_nothing_and_to_nothing);
    tcase_add_test(tc, nothing_in_common);
    tcase_add_test(tc, one_outline_serves_all_who_hold_the_list);
    tcase_add_test(tc, a_delta_of_another_list_is_stale);
    tcase_add_test(tc, no_byte_is_taken_that_is_not_there);
    tcase_add_test(tc, cut_short_or_longer_it_is_refused);
    tcase_add_test(tc, what_it_gives_is_opened_like_any_list);
    suite_add_tcase(s, tc);
    tc = tcase_create("figures");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_hour_of_a_thousand_relays);
    tcase_add_test(tc, the_same_without_cards);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(delta_suite)
