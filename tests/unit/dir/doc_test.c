/* The examples of docs/wire/directory.md, discovery.md, network.md, invitation.md and link.md are
 * what this code writes and reads. */
#include "unit/dir/fixture.h"

#include "dir/delta.h"
#include "dir/equivocation.h"
#include "dir/invitation.h"
#include "dir/vouch.h"

#include <stdio.h>
#include <stdlib.h>

static void fill(void *out, size_t n, uint8_t with)
{
    memset(out, with, n);
}

/* The keys the pages name: every byte of a secret is the same. */
enum {
    FOUNDER = 0x01,
    OPERATOR = 0x02,
    IDENTITY = 0x03,
    LINK = 0x04,
    ONION = 0x05,
    MIRROR = 0x06,
    PSK = 0x07
};

static qn_secret32 secret(uint8_t byte)
{
    qn_secret32 s;

    fill(&s, sizeof s, byte);
    return s;
}

static qn_dated_key dated(uint8_t byte)
{
    qn_dated_key k = {.not_before = QT_EPOCH, .not_after = QT_EPOCH + 7 * 86400};
    qn_dh_secret s;

    fill(&s, sizeof s, byte);
    qn_dh_derive(&s, &k.key);
    return k;
}

static qn_network page_network(void)
{
    qn_network n = {.name = "example", .created = QT_EPOCH, .threshold = 1, .operators_n = 1};
    qn_secret32 sign = secret(OPERATOR);
    qn_sign_public key = fx_sign_public(&sign);
    qn_dated_key link = dated(LINK);

    fill(n.operators[0].id.b, 32, 0xaa);
    memcpy(n.operators[0].sign_key, key.b, 32);
    memcpy(n.operators[0].link_key, link.key.b, 32);
    n.operators[0].addr = fx_addr("9.9.9.9:443");
    return n;
}

static qn_descriptor page_descriptor(void)
{
    qn_descriptor d = {.sequence = 1, .roles = QN_ROLE_RELAY | QN_ROLE_EXIT, .addrs_n = 1};

    d.valid_after = QT_EPOCH;
    d.valid_until = QT_EPOCH + 7 * 86400;
    d.addrs[0] = fx_addr("8.8.8.8:443");
    d.link = dated(LINK);
    d.onion[0] = dated(ONION);
    d.onions_n = 1;
    d.ports_n = 2;
    d.ports[0] = 80;
    d.ports[1] = 443;
    memcpy(d.country, "IS", 3);
    memcpy(d.contact, "abuse@example.org", 18);
    return d;
}

/* Compares, or prints what the page ought to say when QT_DOC_PRINT is set. */
static void page_says(const char *page, const char *id, const uint8_t *p, size_t n)
{
    if (getenv("QT_DOC_PRINT") != NULL)
        printf("%s %s\n%s\n", page, id, qt_unhex(p, n));
    else
        qt_assert_bytes(p, n, qt_doc_hex(page, id));
}

static void setup(void)
{
    qn_secret32 founder = secret(FOUNDER);
    uint8_t file[1024];
    size_t n;

    qt_env_open(&t, 1);
    net = page_network();
    qt_assert_err(qn_network_encode(&net, &t.env, &founder, file, sizeof file, &n), QN_OK);
}

START_TEST(the_network_page_shows_a_network)
{
    qn_secret32 founder = secret(FOUNDER), operator_seed = secret(OPERATOR);
    uint8_t file[1024], entry[QN_OPERATOR_ENTRY_MAX];
    qn_operator operator;
    size_t entry_n;
    char why[160];
    qn_network got;
    size_t n;

    qt_assert_err(qn_network_encode(&net, &t.env, &founder, file, sizeof file, &n), QN_OK);
    page_says("network.md", "network", file, n);
    page_says("network.md", "network-id", net.id, sizeof net.id);
    qt_assert_err(
        qn_operator_entry_write(&net.operators[0], &operator_seed, entry, sizeof entry, &entry_n),
        QN_OK);
    page_says("network.md", "entry", entry, entry_n);
    qt_assert_err(qn_operator_entry_read(&operator, entry, entry_n), QN_OK);
    ck_assert_mem_eq(operator.link_key, net.operators[0].link_key, 32);
    entry[40] ^= 1;
    ck_assert_int_ne(qn_operator_entry_read(&operator, entry, entry_n), QN_OK);
    qt_assert_err(qn_network_decode(&got, &t.env, file, n, why), QN_OK);
}
END_TEST

/* The page shows key 129 with its value as it stands at the end of a body. */
static void shows_ranges(qn_descriptor d)
{
    qn_secret32 identity = secret(IDENTITY);
    qn_slice want = qt_doc_hex("directory.md", "ranges");
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    d.ranges_n = 2;
    d.ranges[0] = (qn_ports){1000, 1999};
    d.ranges[1] = (qn_ports){5222, 5223};
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n), QN_OK);
    ck_assert_uint_gt(n, want.n + 100); /* key: head and 32 bytes; signature: head and 64 */
    ck_assert_mem_eq(out + n - 100 - want.n, want.p, want.n);
}

static void shows_delta(qn_slice list)
{
    qn_snapshot *s = NULL;
    qn_outline *outline;
    qn_blob delta, made;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, list, 0), QN_OK);
    outline = qn_snapshot_outline(s, &t.env);
    qt_assert_err(qn_delta_write(&delta, &t.env, outline, s, outline), QN_OK);
    page_says("directory.md", "delta", delta.p, delta.n);
    qt_assert_err(qn_delta_apply(&made, &t.env, s, qn_slice_of(delta.p, delta.n)), QN_OK);
    qt_assert_bytes(made.p, made.n, list);
    qn_blob_clear(&made, &t.env.mem);
    qn_blob_clear(&delta, &t.env.mem);
    qn_outline_drop(outline);
    qn_snapshot_drop(s);
}

START_TEST(the_directory_page_shows_each_object)
{
    qn_secret32 identity = secret(IDENTITY), seed = secret(OPERATOR);
    qn_descriptor d = page_descriptor();
    qn_heartbeat h = {.descriptor = 1, .time = QT_EPOCH, .load = 250};
    uint8_t descriptor[QN_DESCRIPTOR_MAX], beat[QN_HEARTBEAT_MAX];
    size_t descriptor_n, beat_n;
    qn_snapshot_signature signature;
    qn_blob body, list;
    qn_registry r;

    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, descriptor, &descriptor_n),
                  QN_OK);
    page_says("directory.md", "descriptor", descriptor, descriptor_n);
    page_says("directory.md", "peerid", d.id.b, sizeof d.id.b);
    shows_ranges(d);
    page_says("directory.md", "onion-id", d.onion_id[0], QN_ONION_ID);
    qt_assert_err(qn_heartbeat_sign(&h, &t.env, &net, &identity, beat, &beat_n), QN_OK);
    page_says("directory.md", "heartbeat", beat, beat_n);
    qn_registry_init(&r, &t.env, &net);
    qt_assert_err(qn_registry_register(&r, qn_slice_of(descriptor, descriptor_n), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, qn_slice_of(beat, beat_n)), QN_OK);
    qt_assert_err(qn_snapshot_build(&body, &r, QT_EPOCH, QT_EPOCH + 3600, (qn_slice){0}), QN_OK);
    qt_assert_err(qn_snapshot_sign(&signature, &t.env, &net, qn_slice_of(body.p, body.n), &seed),
                  QN_OK);
    qt_assert_err(qn_snapshot_join(&list, &t.env, qn_slice_of(body.p, body.n), &signature, 1),
                  QN_OK);
    page_says("directory.md", "snapshot", list.p, list.n);
    shows_delta(qn_slice_of(list.p, list.n));
    qn_blob_clear(&body, &t.env.mem);
    qn_blob_clear(&list, &t.env.mem);
    qn_registry_clear(&r);
}
END_TEST

static qn_slice page_card(void)
{
    static uint8_t out[QN_HTX_CARD_MAX];
    qn_htx_card c = {.keys_n = 1,
                     .names_n = 1,
                     .first_n = 1,
                     .second_n = 1,
                     .name = {qn_slice_of("site.example", 12)},
                     .first = {{qn_slice_of("/", 1), 40000}},
                     .second = {{qn_slice_of("/news/latest.json", 17), 9000}},
                     .largest_record = 16384,
                     .requests = 1000,
                     .seconds = 3600,
                     .idle = 75};
    qn_secret32 identity = secret(IDENTITY);
    qn_peerid id;
    qn_cbor_w w;

    qt_assert_err(qn_peerid_of(&t.env, fx_sign_public(&identity).b, &id), QN_OK);
    c.key[0].epoch = qn_htx_epoch(&id, QT_EPOCH);
    c.key[0].key = dated(MIRROR).key;
    qn_cbor_w_init(&w, out, sizeof out);
    qn_htx_card_put(&w, &c);
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(out, w.n);
}

START_TEST(the_pages_show_a_card_and_a_contact)
{
    qn_secret32 seed = secret(OPERATOR);
    qn_slice card = page_card();
    uint8_t contact[1024];
    size_t n;

    page_says("directory.md", "card", card.p, card.n);
    qt_assert_err(qn_network_contact(&net, &seed, card, contact, sizeof contact, &n), QN_OK);
    page_says("network.md", "contact", contact, n);
}
END_TEST

/* And nothing else passes for it. */
START_TEST(the_link_page_shows_a_vouch)
{
    qn_secret32 identity = secret(IDENTITY);
    qn_dh_public key = dated(LINK).key, other = dated(MIRROR).key;
    uint8_t bytes[QN_VOUCH_SIZE];
    qn_peerid id, wrong;
    qn_vouch v;

    qn_vouch_sign(&v, net.id, &identity, QN_VOUCHED_LINK, &key);
    memcpy(bytes, v.identity.b, 32);
    memcpy(bytes + 32, v.signature.b, 64);
    page_says("link.md", "vouch", bytes, sizeof bytes);
    qt_assert_err(qn_peerid_of(&t.env, v.identity.b, &id), QN_OK);
    wrong = id;
    wrong.b[31] ^= 1;
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &id, QN_VOUCHED_LINK, &key), QN_OK);
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &wrong, QN_VOUCHED_LINK, &key), QN_AUTH);
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &id, QN_VOUCHED_LINK, &other), QN_AUTH);
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &id, QN_VOUCHED_MIRROR, &key), QN_AUTH);
    qt_assert_err(qn_vouch_check(&v, &t.env, wrong.b, &id, QN_VOUCHED_LINK, &key), QN_AUTH);
    v.signature.b[0] ^= 1;
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &id, QN_VOUCHED_LINK, &key), QN_AUTH);
    v = (qn_vouch){0};
    qt_assert_err(qn_vouch_check(&v, &t.env, net.id, &id, QN_VOUCHED_LINK, &key), QN_AUTH);
}
END_TEST

START_TEST(the_invitation_page_shows_an_invitation)
{
    qn_secret32 identity = secret(IDENTITY), psk = secret(PSK);
    qn_descriptor d = page_descriptor();
    uint8_t descriptor[QN_DESCRIPTOR_MAX], body[QN_INVITATION_MAX];
    char text[QN_INVITATION_TEXT], why[160];
    qn_slice in;
    size_t n;

    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, descriptor, &n), QN_OK);
    qt_assert_err(qn_invitation_make(&t.env, &net, qn_slice_of(descriptor, n), &psk, text), QN_OK);
    page_says("invitation.md", "text", (const uint8_t *)text, strlen(text));
    in = qn_slice_of(text, strlen(text));
    qt_assert_err(qn_invitation_next(&t.env, &in, body, &n, why), QN_OK);
    page_says("invitation.md", "body", body, n);
}
END_TEST

START_TEST(the_network_page_shows_a_root)
{
    enum { NEXT_OPERATOR = 9, NEXT_LINK = 8 };
    qn_secret32 old = secret(OPERATOR), fresh = secret(NEXT_OPERATOR);
    qn_sign_public key = fx_sign_public(&fresh);
    uint8_t draft[QN_ROOT_MAX], one[QN_ROOT_MAX], both[QN_ROOT_MAX];
    size_t draft_n, one_n, n;
    qn_network next = net;

    next.root = 2;
    fill(next.operators[0].id.b, 32, 0xbb);
    memcpy(next.operators[0].sign_key, key.b, 32);
    memcpy(next.operators[0].link_key, dated(NEXT_LINK).key.b, 32);
    next.operators[0].addr = fx_addr("9.9.9.10:443");
    qt_assert_err(qn_root_draft(&next, QT_EPOCH, draft, sizeof draft, &draft_n), QN_OK);
    qt_assert_err(qn_root_sign(&net, qn_slice_of(draft, draft_n), &fresh, one, sizeof one, &one_n),
                  QN_OK);
    qt_assert_err(qn_root_sign(&net, qn_slice_of(one, one_n), &old, both, sizeof both, &n), QN_OK);
    page_says("network.md", "root", both, n);
    next = net;
    qt_assert_err(qn_roots_apply(&next, qt_doc_hex("network.md", "root")), QN_OK);
    ck_assert_uint_eq(next.root, 2);
}
END_TEST

START_TEST(the_directory_page_shows_an_equivocation)
{
    qn_secret32 seed = secret(OPERATOR);
    qn_sign_secret key;
    qn_statement half[2];
    uint8_t proof[QN_EQUIVOCATION_MAX], who;
    size_t n;

    memcpy(key.seed, seed.b, sizeof key.seed);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t message[48];

        half[i] = (qn_statement){.version = QT_EPOCH, .until = QT_EPOCH + 3600};
        fill(half[i].hash.b, 32, i == 0 ? 0x11 : 0x22);
        qn_put64(message, (uint64_t)half[i].version);
        qn_put64(message + 8, (uint64_t)half[i].until);
        memcpy(message + 16, half[i].hash.b, 32);
        qt_assert_err(qn_signed_sign(QN_TAG_SNAPSHOT, net.id, qn_slice_of(message, 48), &key,
                                     &half[i].signature),
                      QN_OK);
    }
    n = qn_equivocation_write(&net, &half[0], &half[1], proof);
    page_says("directory.md", "equivocation", proof, n);
    qt_assert_err(qn_equivocation_open(&who, &net, qn_slice_of(proof, n)), QN_OK);
}
END_TEST

/* The heartbeat of the page, its descriptor told before. */
static qn_slice page_share(void)
{
    static uint8_t out[QN_HEARTBEAT_MAX + 8];
    qn_slice beat = qt_doc_hex("directory.md", "heartbeat");
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_array(&w, 1);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, NULL, 0);
    qn_cbor_bytes(&w, beat.p, beat.n);
    return qn_slice_of(out, w.n);
}

/* The last 64 bytes of the page's snapshot. */
static qn_slice page_signature(void)
{
    qn_slice list = qt_doc_hex("directory.md", "snapshot");

    return qn_slice_of(list.p + list.n - 64, 64);
}

START_TEST(the_directory_page_shows_each_message)
{
    static const char text[] = "not a directory";
    static const uint8_t held[32] = {0x11, 0x22};
    const struct {
        const char *id;
        qn_dir_message m;
    } v[] = {
        {"list",
         {.type = QN_DIR_LIST, .version = (uint64_t)QT_EPOCH, .root = 1, .bytes = {held, 32}}},
        {"ok", {.type = QN_DIR_OK}},
        {"error",
         {.type = QN_DIR_ERROR, .code = 405, .bytes = {(const uint8_t *)text, sizeof text - 1}}},
        {"unchanged", {.type = QN_DIR_UNCHANGED}},
        {"share", {.type = QN_DIR_SHARE, .bytes = page_share()}},
        {"signed", {.type = QN_DIR_SIGNED, .bytes = page_signature()}},
    };
    uint8_t out[256];
    size_t n = qn_dir_message_head(&v[_i].m, out);

    if (v[_i].m.bytes.n > 0)
        memcpy(out + n, v[_i].m.bytes.p, v[_i].m.bytes.n);
    page_says("directory.md", v[_i].id, out, n + v[_i].m.bytes.n);
}
END_TEST

/* As with key 129: its value as it stands at the end of a body. */
START_TEST(the_discovery_page_shows_a_rendezvous)
{
    qn_secret32 identity = secret(IDENTITY);
    qn_slice want = qt_doc_hex("discovery.md", "via");
    qn_descriptor d = page_descriptor();
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    d.via_n = 2;
    fill(d.via[0].b, 32, 0xaa);
    fill(d.via[1].b, 32, 0xbb);
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n), QN_OK);
    ck_assert_uint_gt(n, want.n + 100);
    ck_assert_mem_eq(out + n - 100 - want.n, want.p, want.n);
    qt_assert_err(qn_descriptor_open(&d, &t.env, &net, qn_slice_of(out, n)), QN_OK);
    ck_assert_uint_eq(d.via_n, 2);
    ck_assert_uint_eq(d.via[1].b[31], 0xbb);
}
END_TEST

/* Of those that end with a descriptor, which is directory.md's, what comes before it. */
START_TEST(the_discovery_page_shows_each_message)
{
    const uint64_t nonce = UINT64_C(0x0123456789abcdef);
    qn_slice descriptor = qt_doc_hex("directory.md", "descriptor");
    qn_slice id = qt_doc_hex("directory.md", "peerid");
    uint8_t held[16] = {[15] = 1}, out[128];
    const struct {
        const char *id;
        qn_dir_message m;
        bool whole;
    } v[] = {
        {"news", {.type = QN_DIR_NEWS, .bytes = {held, 16}}, true},
        {"proven", {.type = QN_DIR_PROVEN, .version = nonce}, true},
        {"introduce", {.type = QN_DIR_INTRODUCE, .version = nonce, .bytes = descriptor}, false},
        {"heard", {.type = QN_DIR_HEARD, .bytes = descriptor}, false},
        {"moor", {.type = QN_DIR_MOOR, .bytes = descriptor}, false},
    };
    size_t n = qn_dir_message_head(&v[_i].m, out);

    memcpy(held, id.p, 8);
    if (v[_i].whole && v[_i].m.bytes.n > 0)
        memcpy(out + n, v[_i].m.bytes.p, v[_i].m.bytes.n);
    page_says("discovery.md", v[_i].id, out, n + (v[_i].whole ? v[_i].m.bytes.n : 0));
}
END_TEST

static Suite *doc_suite(void)
{
    Suite *s = suite_create("dir/doc");
    TCase *tc = tcase_create("pages");

    tcase_add_checked_fixture(tc, setup, fx_close);
    tcase_add_test(tc, the_network_page_shows_a_network);
    tcase_add_test(tc, the_directory_page_shows_each_object);
    tcase_add_test(tc, the_pages_show_a_card_and_a_contact);
    tcase_add_test(tc, the_link_page_shows_a_vouch);
    tcase_add_test(tc, the_invitation_page_shows_an_invitation);
    tcase_add_test(tc, the_network_page_shows_a_root);
    tcase_add_test(tc, the_directory_page_shows_an_equivocation);
    tcase_add_loop_test(tc, the_directory_page_shows_each_message, 0, 6);
    tcase_add_test(tc, the_discovery_page_shows_a_rendezvous);
    tcase_add_loop_test(tc, the_discovery_page_shows_each_message, 0, 5);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(doc_suite)
