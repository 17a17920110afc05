/* Tags: known answers of an independent implementation, and everything that unties one. */
#include "support/json.h"

#include "htx/replay.h"
#include "htx/tag.h"

static qt_env t;
static json_t *vectors;

/* One vector, as both sides know it. */
static struct {
    qn_htx_tag_cfg c;
    qn_htx_tag tag;
    uint8_t hello[QN_TLS_HELLO_MAX];
    size_t n, cut;
    qn_slice session_id, name;
    qn_htx_mirror_key key;
    qn_htx_tag_judge p;
    qn_noise x;
} v;

enum { VECTORS = 4 };

static void copy(void *out, const json_t *json, const char *key, size_t n)
{
    qn_slice s = qt_json_hex(json, key);

    ck_assert_uint_eq(s.n, n);
    memcpy(out, s.p, n);
}

static void load(int i)
{
    const json_t *json = json_array_get(qt_json_get(vectors, "vectors"), (size_t)i);
    qn_slice hello = qt_json_hex(json, "hello");

    memset(&v, 0, sizeof v);
    copy(v.c.place.network, json, "network", 32);
    copy(v.c.place.peer.b, json, "peer", 32);
    copy(v.c.psk.b, json, "psk", 32);
    copy(v.c.own.b, json, "own", 32);
    copy(v.c.e.b, json, "e", 32);
    copy(v.key.secret.b, json, "mirror_secret", 32);
    qn_dh_derive(&v.key.secret, &v.key.pub);
    v.c.mirror = v.key.pub;
    v.tag.requests = (uint8_t)qt_json_int(json, "requests");
    v.tag.second = (uint16_t)qt_json_int(json, "second");
    v.tag.time = (uint32_t)qt_json_int(json, "time");
    copy(v.tag.nonce, json, "nonce", 6);
    memcpy(v.hello, hello.p, hello.n);
    v.n = hello.n;
    v.cut = (size_t)qt_json_int(json, "cut");
    v.session_id = qt_json_hex(json, "session_id");
    v.name = qn_slice_of(qt_json_text(json, "name"), strlen(qt_json_text(json, "name")));
    v.p = (qn_htx_tag_judge){.place = v.c.place,
                             .keys = &v.key,
                             .keys_n = 1,
                             .psks = &v.c.psk,
                             .psks_n = 1,
                             .names = &v.name,
                             .names_n = 1};
    t.env.wall = v.tag.time;
}

static void setup(void)
{
    qt_env_open(&t, 11);
    vectors = qt_vector_json("htx/tag.json");
    ck_assert_uint_eq(json_array_size(qt_json_get(vectors, "vectors")), VECTORS);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void seal(void)
{
    qt_assert_err(qn_htx_tag_seal(&v.x, &t.env, &v.c, &v.tag, v.hello, v.cut), QN_OK);
}

/* As P does: read the hello, then judge it. */
static qn_err judge(qn_noise *x, qn_htx_tag *tag)
{
    qn_tls_hello hello;
    qn_slice message = qn_slice_of(v.hello, v.n);

    qt_assert_err(qn_tls_hello_read(message, &hello), QN_OK);
    ck_assert_uint_eq(hello.cut, v.cut);
    return qn_htx_tag_open(x, &t.env, &v.p, message, &hello, tag);
}

static void assert_untagged(void)
{
    static const qn_noise zero;
    qn_htx_tag tag = {.requests = 99};
    qn_noise x;

    qt_assert_err(judge(&x, &tag), QN_AUTH);
    ck_assert_mem_eq(&x, &zero, sizeof x);
    ck_assert_uint_eq(tag.requests, 99);
}

static void assert_tagged(void)
{
    qn_htx_tag tag;
    qn_noise x;

    qt_assert_err(judge(&x, &tag), QN_OK);
    qn_noise_clear(&x);
}

START_TEST(a_tag_is_what_the_second_implementation_makes)
{
    const json_t *json = json_array_get(qt_json_get(vectors, "vectors"), (size_t)_i);
    qn_htx_tag tag;
    qn_noise x;

    load(_i);
    seal();
    qt_assert_bytes(v.hello + QN_TLS_HELLO_SESSION_ID, (size_t)32, v.session_id);
    qt_assert_bytes(qn_noise_hash(&v.x)->b, (size_t)32, qt_json_hex(json, "hash_after"));
    qt_assert_bytes(v.x.ck.b, (size_t)32, qt_json_hex(json, "ck_after"));
    qt_assert_err(judge(&x, &tag), QN_OK);
    ck_assert_mem_eq(&tag.nonce, &v.tag.nonce, 6);
    ck_assert_uint_eq(tag.requests, v.tag.requests);
    ck_assert_uint_eq(tag.second, v.tag.second);
    ck_assert_uint_eq(tag.time, v.tag.time);
    ck_assert_mem_eq(x.h.b, v.x.h.b, 32);
}
END_TEST

/* docs/wire/htx.md shows the first vector. */
START_TEST(the_documents_example_is_true)
{
    uint8_t payload[QN_HTX_TAG_PAYLOAD];

    load(0);
    qt_assert_bytes(v.hello, v.n, qt_doc_hex("htx.md", "hello"));
    qt_assert_bytes(v.key.secret.b, (size_t)32, qt_doc_hex("htx.md", "mirror-secret"));
    qt_assert_bytes(v.c.e.b, (size_t)32, qt_doc_hex("htx.md", "e"));
    qt_assert_bytes(v.c.place.network, (size_t)32, qt_doc_hex("htx.md", "network"));
    qt_assert_bytes(v.c.place.peer.b, (size_t)32, qt_doc_hex("htx.md", "peer"));
    qn_htx_tag_put(&v.tag, payload);
    qt_assert_bytes(payload, sizeof payload, qt_doc_hex("htx.md", "payload"));
    seal();
    qt_assert_bytes(v.hello + QN_TLS_HELLO_SESSION_ID, (size_t)32,
                    qt_doc_hex("htx.md", "session-id"));
}
END_TEST

START_TEST(both_sides_go_on_from_a_tag_to_a_whole_handshake)
{
    uint8_t wire[256], payload[64];
    qn_key mine[2], theirs[2];
    qn_htx_tag tag;
    qn_noise x;
    size_t n;

    load(_i);
    seal();
    qt_assert_err(judge(&x, &tag), QN_OK);
    n = qn_noise_size(&x, 5);
    qt_assert_err(qn_noise_write(&x, &t.env, qn_slice_of("proof", 5), wire), QN_OK);
    qt_assert_err(qn_noise_read(&v.x, &t.env, qn_slice_of(wire, n), payload, &n), QN_OK);
    n = qn_noise_size(&v.x, 5);
    qt_assert_err(qn_noise_write(&v.x, &t.env, qn_slice_of("third", 5), wire), QN_OK);
    qt_assert_err(qn_noise_read(&x, &t.env, qn_slice_of(wire, n), payload, &n), QN_OK);
    qt_assert_err(qn_noise_split(&x, &t.env, &mine[0], &mine[1]), QN_OK);
    qt_assert_err(qn_noise_split(&v.x, &t.env, &theirs[0], &theirs[1]), QN_OK);
    ck_assert_mem_eq(mine, theirs, sizeof mine);
}
END_TEST

/* Every byte in front of the binders is bound, the session_id by being the tag itself. */
START_TEST(any_changed_byte_of_the_hello_unties_it)
{
    unsigned judged = 0;

    load(_i);
    seal();
    for (size_t at = 0; at < v.cut; at++) {
        qn_tls_hello hello;

        v.hello[at] ^= 0x20;
        if (qn_tls_hello_read(qn_slice_of(v.hello, v.n), &hello) == QN_OK && hello.cut == v.cut) {
            assert_untagged();
            judged++;
        }
        v.hello[at] ^= 0x20;
    }
    ck_assert_uint_gt(judged, 100); /* random, session_id and share at least */
    assert_tagged();
}
END_TEST

START_TEST(binders_are_not_bound)
{
    load(1);
    seal();
    v.hello[v.n - 1] ^= 1;
    assert_tagged();
}
END_TEST

START_TEST(another_place_or_key_is_not_ours)
{
    load(2);
    seal();
    v.p.place.network[0] ^= 1;
    assert_untagged();
    v.p.place.network[0] ^= 1;
    v.p.place.peer.b[31] ^= 1;
    assert_untagged();
    v.p.place.peer.b[31] ^= 1;
    v.c.psk.b[0] ^= 1;
    assert_untagged();
    v.c.psk.b[0] ^= 1;
    v.key.secret.b[9] ^= 1;
    qn_dh_derive(&v.key.secret, &v.key.pub);
    assert_untagged();
    v.key.secret.b[9] ^= 1;
    qn_dh_derive(&v.key.secret, &v.key.pub);
    assert_tagged();
}
END_TEST

START_TEST(any_of_sixteen_psks_and_two_epochs_opens)
{
    qn_key psks[QN_HTX_PSKS_MAX];
    qn_htx_mirror_key keys[2];
    uint32_t psk_at = (uint32_t)_i % QN_HTX_PSKS_MAX, key_at = (uint32_t)_i / QN_HTX_PSKS_MAX;

    load(2);
    seal();
    qn_rng_fill(&t.env, psks, sizeof psks);
    for (unsigned i = 0; i < 2; i++)
        qn_dh_generate(&t.env, &keys[i].secret, &keys[i].pub);
    v.p.psks = psks;
    v.p.psks_n = QN_HTX_PSKS_MAX;
    v.p.keys = keys;
    v.p.keys_n = 2;
    assert_untagged();
    psks[psk_at] = v.c.psk;
    assert_untagged();
    keys[key_at] = v.key;
    assert_tagged();
}
END_TEST

START_TEST(a_clock_may_differ_by_ninety_seconds)
{
    load(0);
    seal();
    t.env.wall = (int64_t)v.tag.time + QN_HTX_TAG_SKEW_S;
    assert_tagged();
    t.env.wall++;
    assert_untagged();
    t.env.wall = (int64_t)v.tag.time - QN_HTX_TAG_SKEW_S;
    assert_tagged();
    t.env.wall--;
    assert_untagged();
}
END_TEST

START_TEST(nothing_before_the_floor_is_tagged)
{
    load(0);
    seal();
    v.p.floor = v.tag.time;
    assert_tagged();
    v.p.floor++;
    assert_untagged();
}
END_TEST

START_TEST(only_the_origins_names_are_tagged)
{
    qn_slice names[2] = {qn_slice_of("sitf.example", 12), qn_slice_of("site.exampl", 11)};

    load(0);
    seal();
    v.p.names = names;
    v.p.names_n = 2;
    assert_untagged();
    names[1] = v.name;
    assert_tagged();
}
END_TEST

/* e of small order: the shared secret is zero for every mirror key, so anybody could make the tag.
 */
START_TEST(a_small_order_share_is_never_tagged)
{
    static const uint8_t key[32] = {0x01}; /* libsodium refuses the DH; the zero secret is known */
    qn_noise_cfg cfg = {.pattern = &qn_noise_xkpsk0, .s = &v.key.secret};
    uint8_t prologue[18 + 64 + QN_TLS_HELLO_MAX], payload[QN_HTX_TAG_PAYLOAD];
    const qn_key zero = {0};
    qn_tls_hello hello;
    qn_noise forger;

    load(0);
    qt_assert_err(qn_tls_hello_read(qn_slice_of(v.hello, v.n), &hello), QN_OK);
    memcpy(v.hello + (hello.x25519.p - v.hello), key, 32);
    memcpy(prologue, "qnet-htx-mirror-v1", 18);
    memcpy(prologue + 18, v.c.place.network, 32);
    memcpy(prologue + 50, v.c.place.peer.b, 32);
    memcpy(prologue + 82, v.hello, v.n);
    cfg.prologue = qn_slice_of(prologue, 82 + v.n);
    cfg.initiator = true;
    cfg.rs = &v.key.pub;
    cfg.e = &v.c.e;
    qt_assert_err(qn_noise_init(&forger, &t.env, &cfg), QN_OK);
    memcpy(forger.e_pub.b, key, 32); /* says e is the small point, and uses the zero it gives */
    forger.es = zero;
    forger.has_es = true;
    qn_htx_tag_put(&v.tag, payload);
    {
        uint8_t message[64];

        qt_assert_err(qn_noise_write(&forger, &t.env, qn_slice_of(payload, 16), message), QN_OK);
        memcpy(v.hello + QN_TLS_HELLO_SESSION_ID, message + 32, 32);
    }
    assert_untagged();
}
END_TEST

START_TEST(a_hello_without_share_or_id_is_untagged)
{
    qn_tls_hello hello, less;
    qn_slice message;
    qn_htx_tag tag;
    qn_noise x;

    load(0);
    seal();
    message = qn_slice_of(v.hello, v.n);
    qt_assert_err(qn_tls_hello_read(message, &hello), QN_OK);
    less = hello;
    less.x25519.n = 0;
    qt_assert_err(qn_htx_tag_open(&x, &t.env, &v.p, message, &less, &tag), QN_AUTH);
    less = hello;
    less.session_id.n = 0;
    qt_assert_err(qn_htx_tag_open(&x, &t.env, &v.p, message, &less, &tag), QN_AUTH);
    less = hello;
    less.early_data = true;
    qt_assert_err(qn_htx_tag_open(&x, &t.env, &v.p, message, &less, &tag), QN_AUTH);
    message.n = QN_TLS_HELLO_MAX + 1;
    qt_assert_err(qn_htx_tag_open(&x, &t.env, &v.p, message, &hello, &tag), QN_AUTH);
}
END_TEST

/* ---- the payload ------------------------------------------------------------------------------
 */

static const struct {
    uint8_t at, value;
    qn_err want;
} wrong[] = {
    {0, 2, QN_VERSION}, {0, 0, QN_VERSION}, {1, 1, QN_PROTO},  {2, 2, QN_PROTO},
    {2, 9, QN_PROTO},   {3, 1, QN_PROTO},   {9, 60, QN_PROTO}, {8, 0x42, QN_PROTO},
};

START_TEST(a_payload_out_of_range_is_refused)
{
    const qn_htx_tag good = {.requests = 3, .second = 61, .time = 7};
    uint8_t bytes[QN_HTX_TAG_PAYLOAD];
    qn_htx_tag got = {.requests = 77};

    qn_htx_tag_put(&good, bytes);
    bytes[wrong[_i].at] = wrong[_i].value;
    qt_assert_err(qn_htx_tag_get(&got, bytes), wrong[_i].want);
    ck_assert_uint_eq(got.requests, 77);
}
END_TEST

/* A tag that opens and says nonsense is no tag. */
START_TEST(a_payload_out_of_range_unties)
{
    load(0);
    v.tag.requests = 9;
    seal();
    assert_untagged();
}
END_TEST

START_TEST(the_last_epoch_counts_and_near_its_ends_one_more)
{
    enum { SHIFT = 0x10001 };
    static const qn_peerid id = {{0, 1, 0, 1}};
    static const struct {
        int64_t wall;
        unsigned n;
        uint32_t epochs[QN_HTX_TRIED_MAX];
    } at[] = {
        {604800 * 5 - SHIFT - 91, 2, {4, 3}},
        {604800 * 5 - SHIFT - 90, 3, {5, 4, 3}},
        {604800 * 5 - SHIFT + 89, 3, {5, 4, 3}},
        {604800 * 5 - SHIFT + 90, 2, {5, 4}},
        {604800 * 6 - SHIFT - 91, 2, {5, 4}},
        {604800 * 6 - SHIFT - 90, 3, {6, 5, 4}},
        {0, 1, {0}},
        {604800 - SHIFT, 2, {1, 0}},
    };

    for (unsigned i = 0; i < QN_LEN(at); i++) {
        uint32_t epochs[QN_HTX_TRIED_MAX] = {0};

        ck_assert_uint_eq(qn_htx_tag_epochs(&id, at[i].wall, epochs), at[i].n);
        ck_assert_mem_eq(epochs, at[i].epochs, sizeof epochs);
    }
}
END_TEST

static Suite *tag_suite(void)
{
    Suite *s = suite_create("htx/tag");
    TCase *tc = tcase_create("tag");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_tag_is_what_the_second_implementation_makes, 0, VECTORS);
    tcase_add_test(tc, the_documents_example_is_true);
    tcase_add_loop_test(tc, both_sides_go_on_from_a_tag_to_a_whole_handshake, 0, VECTORS);
    tcase_add_loop_test(tc, any_changed_byte_of_the_hello_unties_it, 0, VECTORS);
    tcase_add_test(tc, binders_are_not_bound);
    tcase_add_test(tc, another_place_or_key_is_not_ours);
    tcase_add_loop_test(tc, any_of_sixteen_psks_and_two_epochs_opens, 0, 2 * QN_HTX_PSKS_MAX);
    tcase_add_test(tc, a_clock_may_differ_by_ninety_seconds);
    tcase_add_test(tc, nothing_before_the_floor_is_tagged);
    tcase_add_test(tc, only_the_origins_names_are_tagged);
    tcase_add_test(tc, a_small_order_share_is_never_tagged);
    tcase_add_test(tc, a_hello_without_share_or_id_is_untagged);
    tcase_add_loop_test(tc, a_payload_out_of_range_is_refused, 0, QN_LEN(wrong));
    tcase_add_test(tc, a_payload_out_of_range_unties);
    tcase_add_test(tc, the_last_epoch_counts_and_near_its_ends_one_more);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(tag_suite)
