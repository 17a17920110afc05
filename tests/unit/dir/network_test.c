/* Network files: who runs a network, and that nobody can say so in their place. */
#include "unit/dir/fixture.h"

static const uint8_t zeros[32];
static uint8_t file[QN_SIGNED_MAX + 256];
static size_t file_n;
static char why[160];

static qn_err encode(qn_network *n)
{
    qn_secret32 founder = fx_secret('f', 0);

    return qn_network_encode(n, &t.env, &founder, file, sizeof file, &file_n);
}

static void setup(void)
{
    qt_env_open(&t, 1);
    net = fx_draft(3, 2, false);
    qt_assert_err(encode(&net), QN_OK);
    why[0] = '\0';
}

static qn_err decode(qn_slice in)
{
    qn_network got;
    qn_err err = qn_network_decode(&got, &t.env, in.p, in.n, why);

    ck_assert((err == QN_OK) == (why[0] == '\0'));
    why[0] = '\0';
    return err;
}

static qn_slice bytes(void)
{
    return qn_slice_of(file, file_n);
}

static qn_slice seal(const char *tag, const uint8_t network[32], qn_slice body, const char *who)
{
    static uint8_t out[QN_SIGNED_MAX + 256];
    qn_secret32 founder = fx_secret((uint8_t)who[0], 0);
    qn_sign_secret secret;
    size_t n;

    memcpy(secret.seed, founder.b, 32);
    qt_assert_err(qn_envelope_seal(tag, network, body, &secret, out, sizeof out, &n), QN_OK);
    return qn_slice_of(out, n);
}

START_TEST(says_what_its_founder_said)
{
    qn_network got;

    qt_assert_err(qn_network_decode(&got, &t.env, file, file_n, why), QN_OK);
    ck_assert_mem_eq(got.id, net.id, 32);
    ck_assert_str_eq(got.name, net.name);
    ck_assert(got.lab == net.lab);
    ck_assert_int_eq(got.created, net.created);
    ck_assert_uint_eq(got.threshold, 2);
    ck_assert_uint_eq(got.operators_n, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_mem_eq(&got.operators[i].id, &net.operators[i].id, 32);
        ck_assert_mem_eq(got.operators[i].sign_key, net.operators[i].sign_key, 32);
        ck_assert_mem_eq(got.operators[i].link_key, net.operators[i].link_key, 32);
        ck_assert(qn_addr_equal(&got.operators[i].addr, &net.operators[i].addr));
    }
}
END_TEST

START_TEST(its_id_is_the_hash_of_what_is_signed)
{
    qn_slice parts[3] = {qn_slice_of("qnet-network-v1", 15), qn_slice_of(zeros, 32),
                         fx_body(bytes())};
    qn_hash h;

    qt_assert_err(qn_sha256(&t.env, parts, 3, &h), QN_OK);
    ck_assert_mem_eq(net.id, h.b, 32);
}
END_TEST

START_TEST(the_largest_fits_its_limits)
{
    net = fx_draft(QN_OPERATORS_MAX, QN_OPERATORS_MAX, false);
    for (unsigned i = 0; i < QN_OPERATORS_MAX; i++)
        net.operators[i].addr = fx_addr("[2606:4700::1]:65535");
    memset(net.name, 'n', sizeof net.name - 1);
    qt_assert_err(encode(&net), QN_OK);
    ck_assert_uint_lt(file_n, 3000);
    qt_assert_err(decode(bytes()), QN_OK);
}
END_TEST

START_TEST(every_change_is_another_network_or_refused)
{
    for (size_t i = 0; i < file_n; i++) {
        file[i] ^= (uint8_t)(1u << i % 8);
        ck_assert(decode(bytes()) != QN_OK);
        file[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < file_n; n++)
        qt_assert_err(decode(qn_slice_of(file, n)), QN_TRUNCATED);
    qt_assert_err(decode(fx_splice(bytes(), file_n, 0, "", 1)), QN_PROTO);
    qt_assert_err(decode(bytes()), QN_OK);
}
END_TEST

START_TEST(nobody_signs_in_the_founders_place)
{
    qn_slice body = fx_body(bytes());
    uint8_t other[32] = {1};

    qt_assert_err(decode(seal(QN_TAG_NETWORK, zeros, body, "f")), QN_OK);
    qt_assert_err(decode(seal(QN_TAG_NETWORK, zeros, body, "g")), QN_AUTH);
    qt_assert_err(decode(seal(QN_TAG_NETWORK, other, body, "f")), QN_AUTH);
    qt_assert_err(decode(seal(QN_TAG_DESCRIPTOR, zeros, body, "f")), QN_AUTH);
}
END_TEST

START_TEST(a_body_is_complete_and_canonical)
{
    qn_slice body = fx_body(bytes());
    fx_pair v[8];
    uint8_t *p;

    ck_assert_uint_eq(fx_pairs(body, v, 8), 7);
    for (unsigned i = 0; i < 7; i++) {
        p = fx_copy(fx_splice(body, v[i].key, v[i].end - v[i].key, "", 0));
        p[0]--;
        qt_assert_err(decode(seal(QN_TAG_NETWORK, zeros,
                                  qn_slice_of(p, body.n - (v[i].end - v[i].key)), "f")),
                      QN_PROTO);
    }
    qt_assert_err(
        decode(seal(QN_TAG_NETWORK, zeros, fx_splice(body, v[0].key, 1, "\x18\x01", 2), "f")),
        QN_CANON);
    qt_assert_err(
        decode(seal(QN_TAG_NETWORK, zeros, fx_splice(body, v[0].value, 1, "\x02", 1), "f")),
        QN_VERSION);
    qt_assert_err(
        decode(seal(QN_TAG_NETWORK, zeros, fx_splice(body, v[5].value, 1, "\x01", 1), "f")),
        QN_CONFIG); /* a threshold of 1 for three */
    qt_assert_err(
        decode(seal(QN_TAG_NETWORK, zeros, fx_splice(body, v[2].value, 1, "\x40", 1), "f")),
        QN_PROTO); /* the name as bytes */
    p = fx_copy(fx_splice(body, body.n, 0, "\x18\x7f\x00", 3));
    p[0]++;
    qt_assert_err(decode(seal(QN_TAG_NETWORK, zeros, qn_slice_of(p, body.n + 3), "f")), QN_VERSION);
}
END_TEST

START_TEST(a_threshold_is_a_majority)
{
    uint8_t n = (uint8_t)_i;

    for (uint8_t threshold = 0; threshold <= n + 1; threshold++) {
        qn_network draft = fx_draft(n, threshold, false);
        bool ok = threshold >= n / 2 + 1 && threshold <= n;

        qt_assert_err(encode(&draft), ok ? QN_OK : QN_CONFIG);
    }
}
END_TEST

static void spoil(qn_network *n, int how)
{
    switch (how) {
    case 0:
        n->operators_n = 0;
        n->threshold = 0;
        break;
    case 1:
        n->operators_n = QN_OPERATORS_MAX + 1;
        n->threshold = QN_OPERATORS_MAX;
        break;
    case 2:
        n->operators[2].id = n->operators[0].id;
        break;
    case 3:
        memcpy(n->operators[1].sign_key, n->operators[0].sign_key, 32);
        break;
    case 4:
        memcpy(n->operators[2].link_key, n->operators[1].link_key, 32);
        break;
    case 5:
        n->name[0] = '\0';
        break;
    case 6:
        n->name[2] = '\n';
        break;
    case 7:
        memset(n->name, 'x', sizeof n->name);
        break;
    case 8:
        n->created = -1;
        break;
    case 9:
        n->operators[0].addr.port = 0;
        break;
    case 10:
        n->operators[0].addr.family = 0;
        break;
    default:
        n->operators[0].addr = fx_addr("192.168.1.1:443");
    }
}

START_TEST(no_founder_writes_a_file_that_would_be_refused)
{
    spoil(&net, _i);
    qt_assert_err(encode(&net), QN_CONFIG);
}
END_TEST

START_TEST(only_a_lab_network_has_private_operators)
{
    net.lab = true;
    net.operators[0].addr = fx_addr("127.0.0.1:4001");
    qt_assert_err(encode(&net), QN_OK);
    qt_assert_err(decode(bytes()), QN_OK);
}
END_TEST

START_TEST(says_in_a_sentence_what_is_wrong)
{
    qn_network got;
    qn_slice body = fx_body(bytes()), in;
    fx_pair v[8];

    ck_assert_uint_eq(fx_pairs(body, v, 8), 7);
    in = seal(QN_TAG_NETWORK, zeros, fx_splice(body, v[5].value, 1, "\x04", 1), "f");
    qt_assert_err(qn_network_decode(&got, &t.env, in.p, in.n, why), QN_CONFIG);
    ck_assert_ptr_nonnull(strstr(why, "threshold"));
}
END_TEST

/* ---- contacts -------------------------------------------------------------------------------- */

/* The network, and behind it the contacts of these operators, as they are named. */
static qn_slice with_contacts(const char *who)
{
    static uint8_t out[QN_NETWORK_FILE_MAX];
    size_t n = file_n;

    memcpy(out, file, file_n);
    for (; *who != '\0'; who++) {
        unsigned i = (unsigned)(*who - '0');
        qn_secret32 seed = fx_secret('o', (uint16_t)i);
        size_t part;

        qt_assert_err(
            qn_network_contact(&net, &seed, fx_card(i + 1), out + n, sizeof out - n, &part), QN_OK);
        n += part;
    }
    return qn_slice_of(out, n);
}

START_TEST(contacts_say_how_operators_are_reached)
{
    qn_slice in = with_contacts("02");
    qn_network got;

    qt_assert_err(qn_network_decode(&got, &t.env, in.p, in.n, why), QN_OK);
    ck_assert_mem_eq(got.id, net.id, 32);
    for (unsigned i = 0; i < 3; i++) {
        qn_slice want = i == 1 ? (qn_slice){0} : fx_card(i + 1);

        ck_assert_uint_eq(got.operators[i].card.n, want.n);
        if (want.n > 0)
            ck_assert_mem_eq(got.operators[i].card.p, want.p, want.n);
    }
}
END_TEST

START_TEST(each_operator_says_it_once_and_in_turn)
{
    qt_assert_err(decode(with_contacts("00")), QN_CANON);
    qt_assert_err(decode(with_contacts("10")), QN_CANON);
    qt_assert_err(decode(with_contacts("012")), QN_OK);
}
END_TEST

START_TEST(nobody_else_says_it_for_him)
{
    qn_slice in = with_contacts("0");
    qn_secret32 seed = fx_secret('x', 0);
    uint8_t out[QN_SIGNED_MAX];
    size_t n;

    for (size_t i = file_n; i < in.n; i++) {
        uint8_t *p = fx_copy(in);

        p[i] ^= 1;
        ck_assert_int_ne(decode(qn_slice_of(p, in.n)), QN_OK);
    }
    qt_assert_err(qn_network_contact(&net, &seed, fx_card(1), out, sizeof out, &n), QN_CONFIG);
    seed = fx_secret('o', 0);
    qt_assert_err(qn_network_contact(&net, &seed, qn_slice_of("\xa0", 1), out, sizeof out, &n),
                  QN_CONFIG);
    /* another network's: the same operator, another id */
    memcpy(out, in.p + file_n, in.n - file_n);
    n = in.n - file_n;
    net.name[0]++;
    qt_assert_err(encode(&net), QN_OK);
    qt_assert_err(decode(fx_splice(bytes(), file_n, 0, out, n)), QN_AUTH);
}
END_TEST

START_TEST(a_contact_has_room_for_the_longest_card)
{
    uint8_t out[QN_SIGNED_MAX + QN_ENVELOPE_OVERHEAD];
    qn_htx_card c;
    uint8_t card[QN_HTX_CONTACT_CARD_MAX], path[210];
    qn_secret32 seed = fx_secret('o', 0);
    qn_slice small = fx_card(QN_HTX_EPOCHS_MAX);
    qn_cbor_w w;
    size_t n;

    memset(path, '/', sizeof path);
    qt_assert_err(qn_htx_card_read(&c, small, QN_HTX_EPOCHS_MAX), QN_OK);
    for (c.second_n = 0; c.second_n < 7; c.second_n++)
        c.second[c.second_n] = (qn_htx_page){qn_slice_of(path, sizeof path), 70000};
    qn_cbor_w_init(&w, card, sizeof card);
    qn_htx_card_put(&w, &c);
    qt_assert_err(w.err, QN_OK);
    ck_assert_uint_gt(w.n + 100, QN_HTX_CONTACT_CARD_MAX);
    qt_assert_err(qn_network_contact(&net, &seed, qn_slice_of(card, w.n), out, sizeof out, &n),
                  QN_OK);
}
END_TEST

START_TEST(keys_are_drawn_apart_and_name_their_node)
{
    qn_keys keys, again;
    qn_peerid id, want;

    qn_keys_generate(&t.env, &keys);
    qn_keys_generate(&t.env, &again);
    ck_assert_mem_ne(keys.identity.b, keys.link.b, 32);
    ck_assert_mem_ne(keys.link.b, keys.onion.b, 32);
    ck_assert_mem_ne(&keys, &again, sizeof keys);
    qt_assert_err(qn_keys_peerid(&t.env, &keys, &id), QN_OK);
    qt_assert_err(qn_peerid_of(&t.env, fx_sign_public(&keys.identity).b, &want), QN_OK);
    ck_assert(qn_peerid_equal(&id, &want));
    qn_keys_wipe(&keys);
    ck_assert_mem_eq(keys.identity.b, zeros, 32);
    ck_assert_mem_eq(keys.onion.b, zeros, 32);
}
END_TEST

START_TEST(an_operators_entry_follows_from_its_secrets)
{
    qn_secret32 seed = fx_secret('o', 9);
    qn_addr addr = fx_addr("9.9.9.9:443");
    qn_dh_secret link;
    qn_dh_public link_key;
    qn_operator o;
    qn_keys keys;
    qn_peerid id;

    qn_keys_generate(&t.env, &keys);
    qt_assert_err(qn_operator_of(&t.env, &keys, &seed, &addr, &o), QN_OK);
    qt_assert_err(qn_keys_peerid(&t.env, &keys, &id), QN_OK);
    ck_assert(qn_peerid_equal(&o.id, &id));
    ck_assert_mem_eq(o.sign_key, fx_sign_public(&seed).b, 32);
    memcpy(link.b, keys.link.b, 32);
    qn_dh_derive(&link, &link_key);
    ck_assert_mem_eq(o.link_key, link_key.b, 32);
    ck_assert(qn_addr_equal(&o.addr, &addr));
}
END_TEST

static Suite *network_suite(void)
{
    Suite *s = suite_create("dir/network");
    TCase *tc = tcase_create("network");

    tcase_add_checked_fixture(tc, setup, fx_close);
    tcase_add_test(tc, says_what_its_founder_said);
    tcase_add_test(tc, its_id_is_the_hash_of_what_is_signed);
    tcase_add_test(tc, the_largest_fits_its_limits);
    tcase_add_test(tc, every_change_is_another_network_or_refused);
    tcase_add_test(tc, nobody_signs_in_the_founders_place);
    tcase_add_test(tc, a_body_is_complete_and_canonical);
    tcase_add_loop_test(tc, a_threshold_is_a_majority, 1, QN_OPERATORS_MAX + 1);
    tcase_add_loop_test(tc, no_founder_writes_a_file_that_would_be_refused, 0, 12);
    tcase_add_test(tc, only_a_lab_network_has_private_operators);
    tcase_add_test(tc, says_in_a_sentence_what_is_wrong);
    tcase_add_test(tc, contacts_say_how_operators_are_reached);
    tcase_add_test(tc, each_operator_says_it_once_and_in_turn);
    tcase_add_test(tc, nobody_else_says_it_for_him);
    tcase_add_test(tc, a_contact_has_room_for_the_longest_card);
    tcase_add_test(tc, an_operators_entry_follows_from_its_secrets);
    tcase_add_test(tc, keys_are_drawn_apart_and_name_their_node);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(network_suite)
