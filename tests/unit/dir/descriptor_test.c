/* A node's description of itself: what it must say, and every way it can be wrong. */
#include "unit/dir/fixture.h"

static void setup(void)
{
    fx_open(1, 1, false);
}

static qn_err open_bytes(qn_slice in)
{
    qn_descriptor d;

    return qn_descriptor_open(&d, &t.env, &net, in);
}

static qn_err open_body(qn_slice body)
{
    return open_bytes(fx_seal(QN_TAG_DESCRIPTOR, net.id, body, 1));
}

/* ---- round trip ------------------------------------------------------------------------------ */

START_TEST(says_what_its_node_said)
{
    qn_descriptor said = _i == 0 ? fx_relay(3) : fx_exit(3), read;
    qn_slice bytes;

    if (_i == 2) { /* nothing optional */
        said = fx_relay(3);
        said.country[0] = said.country[1] = '\0';
        said.onions_n = 1;
        memset(&said.onion[1], 0, sizeof said.onion[1]);
    }
    bytes = fx_signed(&said, 3);
    memset(&read, 0, sizeof read);
    qt_assert_err(qn_descriptor_open(&read, &t.env, &net, bytes), QN_OK);
    ck_assert_uint_eq(read.sequence, said.sequence);
    ck_assert_int_eq(read.valid_after, said.valid_after);
    ck_assert_int_eq(read.valid_until, said.valid_until);
    ck_assert_uint_eq(read.roles, said.roles);
    ck_assert_uint_eq(read.addrs_n, said.addrs_n);
    for (unsigned i = 0; i < said.addrs_n; i++)
        ck_assert(qn_addr_equal(&read.addrs[i], &said.addrs[i]));
    ck_assert_mem_eq(&read.link, &said.link, sizeof said.link);
    ck_assert_uint_eq(read.onions_n, said.onions_n);
    ck_assert_mem_eq(read.onion, said.onion, sizeof said.onion);
    ck_assert_mem_eq(read.onion_id, said.onion_id, sizeof said.onion_id);
    ck_assert_uint_eq(read.ports_n, said.ports_n);
    ck_assert_mem_eq(read.ports, said.ports, sizeof said.ports);
    ck_assert_str_eq(read.country, said.country);
    ck_assert_str_eq(read.contact, said.contact);
    ck_assert_mem_eq(&read.id, &said.id, sizeof said.id);
    ck_assert_mem_eq(&read.identity, &said.identity, sizeof said.identity);
}
END_TEST

START_TEST(its_names_follow_from_its_keys)
{
    qn_secret32 seed = fx_secret('i', 4);
    qn_sign_public key = fx_sign_public(&seed);
    qn_descriptor d = fx_relay(4);
    qn_slice onion = qn_slice_of(d.onion[0].key.b, 32);
    qn_peerid id;
    qn_hash h;

    (void)fx_signed(&d, 4);
    qt_assert_err(qn_peerid_of(&t.env, key.b, &id), QN_OK);
    ck_assert(qn_peerid_equal(&id, &d.id));
    qt_assert_err(qn_sha256(&t.env, &onion, 1, &h), QN_OK);
    ck_assert_mem_eq(d.onion_id[0], h.b, QN_ONION_ID);
}
END_TEST

START_TEST(the_fullest_one_fits)
{
    qn_descriptor d = fx_exit(1);
    qn_slice bytes;

    d.sequence = UINT64_MAX;
    d.addrs_n = QN_DESCRIPTOR_ADDRS;
    for (unsigned i = 0; i < d.addrs_n; i++)
        d.addrs[i] = fx_addr("[2606:4700::1]:65535");
    d.ports_n = QN_DESCRIPTOR_PORTS;
    for (unsigned i = 0; i < d.ports_n; i++)
        d.ports[i] = (uint16_t)(60000 + i);
    d.ranges_n = QN_DESCRIPTOR_RANGES;
    for (unsigned i = 0; i < d.ranges_n; i++)
        d.ranges[i] = (qn_ports){(uint16_t)(50000 + 10 * i), (uint16_t)(50001 + 10 * i)};
    memset(d.contact, 'x', sizeof d.contact - 1);
    bytes = fx_signed(&d, 1);
    ck_assert_uint_lt(bytes.n, 800);
    qt_assert_err(open_bytes(bytes), QN_OK);
}
END_TEST

START_TEST(says_through_whom_it_is_reached)
{
    qn_descriptor d = fx_relay(1), got;
    qn_secret32 identity = fx_secret('i', 1);
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    d.via_n = 2;
    memset(d.via[0].b, 1, sizeof d.via[0].b);
    memset(d.via[1].b, 2, sizeof d.via[1].b);
    qt_assert_err(qn_descriptor_open(&got, &t.env, &net, fx_signed(&d, 1)), QN_OK);
    ck_assert_uint_eq(got.via_n, 2);
    ck_assert(qn_peerid_equal(&got.via[0], &d.via[0]) && qn_peerid_equal(&got.via[1], &d.via[1]));
    d.via[1] = got.id; /* through itself */
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n), QN_CONFIG);
}
END_TEST

/* ---- forged, damaged, re-encoded ------------------------------------------------------------- */

START_TEST(refuses_every_flipped_bit)
{
    qn_slice good = fx_descriptor(1);
    uint8_t *p = fx_copy(good);

    for (size_t i = 0; i < good.n; i++)
        for (unsigned bit = 0; bit < 8; bit += 7) {
            p[i] ^= (uint8_t)(1u << bit);
            ck_assert(open_bytes(qn_slice_of(p, good.n)) != QN_OK);
            p[i] ^= (uint8_t)(1u << bit);
        }
    qt_assert_err(open_bytes(qn_slice_of(p, good.n)), QN_OK);
}
END_TEST

START_TEST(refuses_every_truncation)
{
    qn_slice good = fx_descriptor(1);

    for (size_t n = 0; n < good.n; n++)
        qt_assert_err(open_bytes(qn_slice_of(good.p, n)), QN_TRUNCATED);
}
END_TEST

START_TEST(refuses_a_signed_body_cut_anywhere)
{
    qn_slice body = fx_body(fx_descriptor(1));

    for (size_t n = 0; n < body.n; n++)
        qt_assert_err(open_body(qn_slice_of(body.p, n)), QN_TRUNCATED);
    qt_assert_err(open_body(fx_splice(body, body.n, 0, "", 1)), QN_PROTO);
}
END_TEST

START_TEST(refuses_another_network_and_another_purpose)
{
    qn_slice good = fx_descriptor(1), body = fx_body(good);
    uint8_t other[32] = {1};

    qt_assert_err(open_bytes(fx_seal(QN_TAG_DESCRIPTOR, other, body, 1)), QN_AUTH);
    qt_assert_err(open_bytes(fx_seal(QN_TAG_HEARTBEAT, net.id, body, 1)), QN_AUTH);
    qt_assert_err(open_bytes(fx_beat(1, 7, QT_EPOCH, 0)), QN_AUTH);
}
END_TEST

START_TEST(refuses_a_body_without_one_of_its_required_fields)
{
    qn_slice body = fx_body(fx_descriptor(1));
    fx_pair v[16];
    unsigned n = fx_pairs(body, v, 16);
    uint8_t *p;

    ck_assert_uint_eq(n, 11);
    p = fx_copy(fx_splice(body, v[_i].key, v[_i].end - v[_i].key, "", 0));
    p[0]--; /* one pair less */
    qt_assert_err(open_body(qn_slice_of(p, body.n - (v[_i].end - v[_i].key))),
                  _i == 9 ? QN_OK : QN_PROTO); /* the country alone is optional for an exit */
}
END_TEST

START_TEST(refuses_longer_heads_and_other_orders)
{
    qn_slice body = fx_body(fx_descriptor(1));
    fx_pair v[16];
    uint8_t *p = fx_copy(body);

    ck_assert_uint_eq(fx_pairs(body, v, 16), 11);
    /* key 1 as 0x18 0x01; the map's head as 0xb8 0x0b; version 1 as 0x18 0x01 */
    qt_assert_err(open_body(fx_splice(body, v[0].key, 1, "\x18\x01", 2)), QN_CANON);
    qt_assert_err(open_body(fx_splice(body, 0, 1, "\xb8\x0b", 2)), QN_CANON);
    qt_assert_err(open_body(fx_splice(body, v[0].value, 1, "\x18\x01", 2)), QN_CANON);
    /* the first two pairs swapped; the first pair twice */
    p[v[0].key] = 2;
    p[v[0].value] = 7;
    p[v[1].key] = 1;
    p[v[1].value] = 1;
    qt_assert_err(open_body(qn_slice_of(p, body.n)), QN_CANON);
    p[v[0].key] = p[v[1].key] = 1;
    p[v[0].value] = 1;
    qt_assert_err(open_body(qn_slice_of(p, body.n)), QN_CANON);
}
END_TEST

START_TEST(knows_which_unknown_fields_it_may_pass_over)
{
    qn_slice body = fx_body(fx_descriptor(1));
    uint8_t *critical = fx_copy(fx_splice(body, body.n, 0, "\x18\x7f\x01", 3));
    uint8_t *optional;

    critical[0]++;
    qt_assert_err(open_body(qn_slice_of(critical, body.n + 3)), QN_VERSION);
    optional = fx_copy(fx_splice(body, body.n, 0, "\x18\x83\x82\x01\x40", 5));
    optional[0]++;
    qt_assert_err(open_body(qn_slice_of(optional, body.n + 5)), QN_OK);
    optional[body.n + 3] = 0xf6; /* and reads all of it: null is not in the profile */
    qt_assert_err(open_body(qn_slice_of(optional, body.n + 5)), QN_PROTO);
}
END_TEST

/* Checked when it is opened, so that whoever dials later need not doubt it. */
START_TEST(a_card_is_carried_along_and_checked)
{
    qn_descriptor said = fx_relay(1), read;
    qn_secret32 identity = fx_secret('i', 1);
    uint8_t out[QN_DESCRIPTOR_MAX];
    qn_slice bytes;
    size_t n;

    said.card = fx_card(QN_HTX_DESCRIPTOR_KEYS);
    bytes = fx_signed(&said, 1);
    qt_assert_err(qn_descriptor_open(&read, &t.env, &net, bytes), QN_OK);
    ck_assert_uint_eq(read.card.n, said.card.n);
    ck_assert_mem_eq(read.card.p, said.card.p, said.card.n);
    ck_assert(read.card.p > bytes.p && read.card.p + read.card.n < bytes.p + bytes.n);
    said.card = fx_card(QN_HTX_DESCRIPTOR_KEYS + 1);
    qt_assert_err(qn_descriptor_sign(&said, &t.env, &net, &identity, out, &n), QN_CONFIG);
    said.card = qn_slice_of("\xa0", 1);
    qt_assert_err(qn_descriptor_sign(&said, &t.env, &net, &identity, out, &n), QN_CONFIG);
}
END_TEST

START_TEST(refuses_another_version)
{
    qn_slice body = fx_body(fx_descriptor(1));
    uint8_t *p = fx_copy(body);

    p[2] = 2;
    qt_assert_err(open_body(qn_slice_of(p, body.n)), QN_VERSION);
}
END_TEST

/* ---- fields out of range --------------------------------------------------------------------- */

static void set_addr(qn_descriptor *d, const char *text)
{
    d->addrs[0] = fx_addr(text);
}

static void spoil(qn_descriptor *d, int how)
{
    switch (how) {
    case 0:
        d->valid_until = d->valid_after;
        break;
    case 1:
        d->valid_until = d->valid_after + QN_DESCRIPTOR_LIFE_S + 1;
        break;
    case 2:
        d->roles = 0;
        break;
    case 3:
        d->roles = 8;
        break;
    case 4:
        d->addrs_n = 0;
        break;
    case 5:
        d->addrs_n = QN_DESCRIPTOR_ADDRS + 1;
        break;
    case 6:
        d->addrs[0].port = 0;
        break;
    case 7:
        d->addrs[0].family = 5;
        break;
    case 8:
        d->onions_n = 0;
        break;
    case 9:
        d->onions_n = 3;
        break;
    case 10:
        d->link.not_after = d->link.not_before;
        break;
    case 11:
        d->onion[1].not_after = d->onion[1].not_before + QN_KEY_LIFE_S + 1;
        break;
    case 12:
        d->ports_n = 0;
        break;
    case 13:
        d->roles = QN_ROLE_RELAY; /* with ports */
        break;
    case 14:
        d->ports[1] = d->ports[0];
        break;
    case 15:
        d->ports[0] = 0;
        break;
    case 16:
        d->country[1] = 'h';
        break;
    case 17:
        d->country[1] = '\0';
        break;
    case 18:
        d->contact[0] = '\0';
        break;
    case 19:
        d->contact[3] = '\n';
        break;
    case 20:
        memset(d->contact, 'x', sizeof d->contact);
        break;
    case 21:
        d->valid_after = -1;
        break;
    case 22:
        set_addr(d, "10.1.2.3:443");
        break;
    case 23:
        set_addr(d, "[::ffff:7f00:1]:443");
        break;
    case 24:
        d->ranges_n = 1;
        d->ranges[0] = (qn_ports){1000, 1000};
        break;
    case 25:
        d->ranges_n = 2;
        d->ranges[0] = (qn_ports){1000, 1010};
        d->ranges[1] = (qn_ports){1010, 1020};
        break;
    case 26:
        d->ranges_n = 1;
        d->ranges[0] = (qn_ports){0, 10};
        break;
    case 27:
        d->ranges_n = QN_DESCRIPTOR_RANGES + 1;
        break;
    case 28:
        d->roles = QN_ROLE_RELAY; /* with ranges alone */
        d->ports_n = 0;
        d->ranges_n = 1;
        d->ranges[0] = (qn_ports){1000, 1010};
        break;
    case 29:
        d->via_n = 2; /* one twice */
        break;
    case 30:
        d->via_n = QN_DESCRIPTOR_VIA + 1;
        break;
    default:
        d->ports_n = QN_DESCRIPTOR_PORTS + 1;
    }
}

START_TEST(signs_nothing_that_would_be_refused)
{
    qn_descriptor d = fx_exit(1);
    qn_secret32 identity = fx_secret('i', 1);
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    spoil(&d, _i);
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n), QN_CONFIG);
}
END_TEST

/* Bodies with one value replaced: pair (0-based), its new CBOR, what opening says. */
static const struct {
    unsigned pair;
    const char *value;
    qn_err err;
} values[] = {
    {0, "02", QN_VERSION},
    {1, "20", QN_PROTO},                 /* a negative sequence */
    {2, "1b0000010000000001", QN_PROTO}, /* valid-after beyond 2^40 */
    {3, "00", QN_PROTO},                 /* ends before it begins */
    {4, "00", QN_PROTO},                 /* no role */
    {4, "08", QN_PROTO},                 /* an unknown role */
    {5, "80", QN_PROTO},                 /* no address */
    {5, "8146080808080000", QN_PROTO},   /* port 0 */
    {5, "8147080808080001bb", QN_PROTO}, /* 7 bytes */
    {5, "81460a00000101bb", QN_POLICY},  /* 10.0.0.1 */
    {5, "81467f00000101bb", QN_POLICY},  /* 127.0.0.1 */
    {5, "85460808080801bb460808080801bb460808080801bb460808080801bb460808080801bb", QN_PROTO},
    {6, "8200", QN_TRUNCATED},     /* swallows the next key, then runs out of bytes */
    {7, "80", QN_PROTO},           /* no onion key */
    {8, "80", QN_CANON},           /* no port is said by leaving the field out */
    {8, "820101", QN_PROTO},       /* repeated */
    {8, "8200190050", QN_CANON},   /* 80 in three bytes */
    {8, "811a00010000", QN_PROTO}, /* 65536 */
    {9, "60", QN_PROTO},           /* an empty country */
    {9, "626368", QN_PROTO},       /* "ch" */
    {9, "63434853", QN_PROTO},     /* "CHS" */
    {10, "60", QN_PROTO},          /* an empty contact */
    {10, "6161", QN_OK},
    {10, "62c3a9", QN_PROTO}, /* not ASCII */
    {10, "4161", QN_PROTO},   /* bytes, not text */
};

START_TEST(refuses_values_out_of_range)
{
    qn_slice body = fx_body(fx_descriptor(1)), value = qt_hex(values[_i].value);
    fx_pair v[16];
    unsigned at = values[_i].pair;
    qn_err err;

    ck_assert_uint_eq(fx_pairs(body, v, 16), 11);
    err = open_body(fx_splice(body, v[at].value, v[at].end - v[at].value, value.p, value.n));
    if (values[_i].err == QN_TRUNCATED) /* where the damage is noticed is the reader's business */
        ck_assert(qn_err_band(err) == QN_BAND_PEER);
    else
        qt_assert_err(err, values[_i].err);
}
END_TEST

START_TEST(only_a_lab_network_lists_private_addresses)
{
    qn_descriptor d = fx_relay(1);
    qn_slice bytes;

    net.lab = true;
    set_addr(&d, "127.0.0.1:4001");
    bytes = fx_signed(&d, 1);
    qt_assert_err(open_bytes(bytes), QN_OK);
    net.lab = false;
    qt_assert_err(open_bytes(bytes), QN_POLICY);
}
END_TEST

START_TEST(refuses_one_byte_over_the_limit_before_reading_it)
{
    static uint8_t big[QN_DESCRIPTOR_MAX + 1];

    qt_assert_err(open_bytes(qn_slice_of(big, sizeof big)), QN_LIMIT);
}
END_TEST

START_TEST(an_error_leaves_the_result_alone)
{
    qn_descriptor d, before;

    memset(&d, 0x5a, sizeof d);
    memcpy(&before, &d, sizeof d);
    qt_assert_err(qn_descriptor_open(&d, &t.env, &net, fx_beat(1, 7, QT_EPOCH, 0)), QN_AUTH);
    ck_assert_mem_eq(&d, &before, sizeof d);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(is_valid_from_its_start_with_grace_to_its_end_without)
{
    qn_descriptor d = fx_relay(1);

    qt_assert_err(qn_descriptor_valid(&d, d.valid_after - QN_CLOCK_SKEW_S - 1), QN_EARLY);
    qt_assert_err(qn_descriptor_valid(&d, d.valid_after - QN_CLOCK_SKEW_S), QN_OK);
    qt_assert_err(qn_descriptor_valid(&d, d.valid_until - 1), QN_OK);
    qt_assert_err(qn_descriptor_valid(&d, d.valid_until), QN_EXPIRED);
    qt_assert_err(qn_descriptor_valid(&d, INT64_MIN), QN_EARLY);
    qt_assert_err(qn_descriptor_valid(&d, INT64_MAX), QN_EXPIRED);
    qt_assert_err(qn_dated_key_valid(&d.link, d.link.not_after), QN_EXPIRED);
    qt_assert_err(qn_dated_key_valid(&d.link, d.link.not_before), QN_OK);
}
END_TEST

START_TEST(an_exit_names_its_ports)
{
    qn_descriptor d = fx_exit(1), read;

    ck_assert(qn_descriptor_exits_to(&d, 80));
    ck_assert(qn_descriptor_exits_to(&d, 443));
    ck_assert(!qn_descriptor_exits_to(&d, 25));
    d.ranges_n = 2;
    d.ranges[0] = (qn_ports){1000, 1999};
    d.ranges[1] = (qn_ports){5222, 5223};
    qt_assert_err(qn_descriptor_open(&read, &t.env, &net, fx_signed(&d, 1)), QN_OK);
    ck_assert_uint_eq(read.ranges_n, 2);
    ck_assert(qn_descriptor_exits_to(&read, 1000) && qn_descriptor_exits_to(&read, 1999));
    ck_assert(!qn_descriptor_exits_to(&read, 999) && !qn_descriptor_exits_to(&read, 2000));
    ck_assert(qn_descriptor_exits_to(&read, 5223) && qn_descriptor_exits_to(&read, 80));
    d = fx_relay(1);
    ck_assert(!qn_descriptor_exits_to(&d, 80));
    ck_assert(!qn_descriptor_exits_to(&d, 0));
}
END_TEST

static Suite *descriptor_suite(void)
{
    Suite *s = suite_create("dir/descriptor");
    TCase *tc = tcase_create("descriptor");

    tcase_add_checked_fixture(tc, setup, fx_close);
    tcase_add_loop_test(tc, says_what_its_node_said, 0, 3);
    tcase_add_test(tc, its_names_follow_from_its_keys);
    tcase_add_test(tc, the_fullest_one_fits);
    tcase_add_test(tc, says_through_whom_it_is_reached);
    tcase_add_test(tc, refuses_every_flipped_bit);
    tcase_add_test(tc, refuses_every_truncation);
    tcase_add_test(tc, refuses_a_signed_body_cut_anywhere);
    tcase_add_test(tc, refuses_another_network_and_another_purpose);
    tcase_add_loop_test(tc, refuses_a_body_without_one_of_its_required_fields, 0, 11);
    tcase_add_test(tc, refuses_longer_heads_and_other_orders);
    tcase_add_test(tc, knows_which_unknown_fields_it_may_pass_over);
    tcase_add_test(tc, a_card_is_carried_along_and_checked);
    tcase_add_test(tc, refuses_another_version);
    tcase_add_loop_test(tc, signs_nothing_that_would_be_refused, 0, 32);
    tcase_add_loop_test(tc, refuses_values_out_of_range, 0, QN_LEN(values));
    tcase_add_test(tc, only_a_lab_network_lists_private_addresses);
    tcase_add_test(tc, refuses_one_byte_over_the_limit_before_reading_it);
    tcase_add_test(tc, an_error_leaves_the_result_alone);
    tcase_add_test(tc, is_valid_from_its_start_with_grace_to_its_end_without);
    tcase_add_test(tc, an_exit_names_its_ports);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(descriptor_suite)
