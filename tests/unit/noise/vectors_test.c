/*
 * Every published vector of the suite, both roles, handshake and transport, with the patterns the
 * product does not use written out as data; and XKpsk0, for which tests/vectors/gen has our own
 * second implementation.
 */
#include "support/json.h"

#include "noise/noise.h"

#include <stdio.h>

static qt_env t;
static json_t *cacophony, *xkpsk0;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* ---- patterns -------------------------------------------------------------------------------- */

typedef struct pattern {
    qn_noise_pattern p;
    bool one_way; /* all transport messages go from initiator to responder */
} pattern;

/* Noise 7.4, 7.5 and 18.1. Keys known beforehand ("i", "r", "ir"), then the messages. */
static const struct {
    const char *name, *known, *messages;
} table[] = {
    {"N", "r", "e es"},
    {"K", "ir", "e es ss"},
    {"X", "r", "e es s ss"},
    {"NN", "", "e, e ee"},
    {"NK", "r", "e es, e ee"},
    {"NX", "", "e, e ee s es"},
    {"XN", "", "e, e ee, s se"},
    {"XK", "r", "e es, e ee, s se"},
    {"XX", "", "e, e ee s es, s se"},
    {"KN", "i", "e, e ee se"},
    {"KK", "ir", "e es ss, e ee se"},
    {"KX", "i", "e, e ee se s es"},
    {"IN", "", "e s, e ee se"},
    {"IK", "r", "e es s ss, e ee se"},
    {"IX", "", "e s, e ee se s es"},
    {"NK1", "r", "e, e ee es"},
    {"NX1", "", "e, e ee s, es"},
    {"X1N", "", "e, e ee, s, se"},
    {"X1K", "r", "e es, e ee, s, se"},
    {"XK1", "r", "e, e ee es, s se"},
    {"X1K1", "r", "e, e ee es, s, se"},
    {"X1X", "", "e, e ee s es, s, se"},
    {"XX1", "", "e, e ee s, es s se"},
    {"X1X1", "", "e, e ee s, es s, se"},
    {"K1N", "i", "e, e ee, se"},
    {"K1K", "ir", "e es, e ee, se"},
    {"KK1", "ir", "e, e ee se es"},
    {"K1K1", "ir", "e, e ee es, se"},
    {"K1X", "i", "e, e ee s es, se"},
    {"KX1", "i", "e, e ee se s, es"},
    {"K1X1", "i", "e, e ee s, se es"},
    {"I1N", "", "e s, e ee, se"},
    {"I1K", "r", "e es s, e ee, se"},
    {"IK1", "r", "e s, e ee se es"},
    {"I1K1", "r", "e s, e ee es, se"},
    {"I1X", "", "e s, e ee s es, se"},
    {"IX1", "", "e s, e ee se s, es"},
    {"I1X1", "", "e s, e ee s, se es"},
};

static uint8_t token_of(const char *word, size_t n)
{
    static const char *const words[] = {"", "e", "s", "ee", "es", "se", "ss"};

    for (uint8_t i = QN_NOISE_E; i <= QN_NOISE_SS; i++)
        if (strlen(words[i]) == n && strncmp(words[i], word, n) == 0)
            return i;
    qt_die("no token '%.*s'", (int)n, word);
}

static void add_token(qn_noise_pattern *p, unsigned message, uint8_t token)
{
    unsigned i = 0;

    while (p->message[message][i] != QN_NOISE_END)
        i++;
    if (message >= QN_NOISE_MESSAGES || i + 1 >= QN_NOISE_TOKENS)
        qt_die("%s does not fit qn_noise_pattern", p->name);
    p->message[message][i] = token;
}

/* psk0 opens the first message, pskN closes the N-th (Noise 9.4). */
static void add_tokens(qn_noise_pattern *p, const char *messages, int psk)
{
    unsigned message = 0;

    if (psk == 0)
        add_token(p, 0, QN_NOISE_PSK);
    for (const char *word = messages;; word++) {
        size_t n = strcspn(word, " ,");

        add_token(p, message, token_of(word, n));
        word += n;
        if (*word != ' ' && psk == (int)message + 1)
            add_token(p, message, QN_NOISE_PSK);
        if (*word == '\0')
            break;
        if (*word == ',') {
            message++;
            word++;
        }
    }
    p->messages = (uint8_t)(message + 1);
    p->has_psk = psk >= 0;
}

/* From "Noise_IKpsk2_25519_ChaChaPoly_SHA256". */
static pattern pattern_of(const char *protocol)
{
    const char *base = protocol + strlen("Noise_");
    const char *modifier = strstr(base, "psk");
    size_t n = strcspn(base, "_");
    int psk = -1;

    if (modifier != NULL) {
        psk = modifier[3] - '0';
        n = (size_t)(modifier - base);
    }
    for (size_t i = 0; i < QN_LEN(table); i++) {
        pattern out = {.p = {.name = protocol}, .one_way = n == 1};

        if (strlen(table[i].name) != n || strncmp(table[i].name, base, n) != 0)
            continue;
        out.p.initiator_known = strchr(table[i].known, 'i') != NULL;
        out.p.responder_known = strchr(table[i].known, 'r') != NULL;
        add_tokens(&out.p, table[i].messages, psk);
        return out;
    }
    qt_die("no pattern for %s", protocol);
}

/* ---- one vector ------------------------------------------------------------------------------ */

static qn_slice optional_hex(const json_t *v, const char *key)
{
    return json_object_get(v, key) != NULL ? qt_json_hex(v, key) : (qn_slice){0};
}

/* The keys of one side; `side` is "init" or "resp". */
static void start(qn_noise *x, const json_t *v, const char *side, const qn_noise_pattern *p)
{
    char s[32], e[32], rs[32], prologue[32], psks[32];
    qn_dh_secret s_key, e_key;
    qn_dh_public rs_key;
    qn_key psk;
    qn_noise_cfg cfg = {.pattern = p, .initiator = strcmp(side, "init") == 0};

    (void)snprintf(s, sizeof s, "%s_static", side);
    (void)snprintf(e, sizeof e, "%s_ephemeral", side);
    (void)snprintf(rs, sizeof rs, "%s_remote_static", side);
    (void)snprintf(prologue, sizeof prologue, "%s_prologue", side);
    (void)snprintf(psks, sizeof psks, "%s_psks", side);
    cfg.prologue = qt_json_hex(v, prologue);
    if (optional_hex(v, s).n > 0) {
        memcpy(s_key.b, optional_hex(v, s).p, sizeof s_key.b);
        cfg.s = &s_key;
    }
    if (optional_hex(v, rs).n > 0) {
        memcpy(rs_key.b, optional_hex(v, rs).p, sizeof rs_key.b);
        cfg.rs = &rs_key;
    }
    if (optional_hex(v, e).n > 0) {
        memcpy(e_key.b, optional_hex(v, e).p, sizeof e_key.b);
        cfg.e = &e_key;
    }
    if (p->has_psk) {
        qt_hex_into(psk.b, sizeof psk.b,
                    json_string_value(json_array_get(qt_json_get(v, psks), 0)));
        cfg.psk = &psk;
    }
    qt_assert_err(qn_noise_init(x, &t.env, &cfg), QN_OK);
}

static void check_handshake_message(qn_noise *from, qn_noise *to, qn_slice payload, qn_slice wire)
{
    uint8_t out[2048], back[2048];
    size_t n = SIZE_MAX;

    ck_assert_uint_eq(qn_noise_size(from, payload.n), wire.n);
    ck_assert_uint_le(wire.n, sizeof out);
    ck_assert(qn_noise_my_turn(from) && !qn_noise_my_turn(to));
    qt_assert_err(qn_noise_write(from, &t.env, payload, out), QN_OK);
    qt_assert_bytes(out, wire.n, wire);
    qt_assert_err(qn_noise_read(to, &t.env, wire, back, &n), QN_OK);
    qt_assert_bytes(back, n, payload);
    ck_assert_mem_eq(qn_noise_hash(from)->b, qn_noise_hash(to)->b, sizeof(qn_hash));
}

static void check_transport(const qn_key *key, uint64_t counter, qn_slice payload, qn_slice wire)
{
    static const qn_slice none = {0};
    uint8_t out[2048], back[2048];

    ck_assert_uint_eq(wire.n, payload.n + QN_TAG);
    ck_assert_uint_le(wire.n, sizeof out);
    qt_assert_err(
        qn_aead_seal(&t.env, key, qn_nonce_le(counter), none, payload, none, out, out + payload.n),
        QN_OK);
    qt_assert_bytes(out, wire.n, wire);
    qt_assert_err(qn_aead_open(&t.env, key, qn_nonce_le(counter), none, wire.p, payload.n,
                               wire.p + payload.n, back),
                  QN_OK);
    qt_assert_bytes(back, payload.n, payload);
}

static void check_vector(const json_t *v)
{
    pattern p = pattern_of(qt_json_text(v, "protocol_name"));
    const json_t *messages = qt_json_get(v, "messages"), *m;
    qn_noise side[2];
    qn_key key[2], again[2];
    uint64_t counter[2] = {0};
    size_t i;

    start(&side[0], v, "init", &p.p);
    start(&side[1], v, "resp", &p.p);
    json_array_foreach(messages, i, m)
    {
        qn_slice payload = qt_json_hex(m, "payload"), wire = qt_json_hex(m, "ciphertext");
        unsigned from = p.one_way ? 0 : i % 2;

        if (i < p.p.messages) {
            check_handshake_message(&side[from], &side[!from], payload, wire);
            continue;
        }
        if (i == p.p.messages) {
            qt_assert_err(qn_noise_split(&side[0], &t.env, &key[0], &key[1]), QN_OK);
            qt_assert_err(qn_noise_split(&side[1], &t.env, &again[0], &again[1]), QN_OK);
            ck_assert_mem_eq(key, again, sizeof key);
            qt_assert_bytes(qn_noise_hash(&side[0])->b, sizeof(qn_hash),
                            qt_json_hex(v, "handshake_hash"));
        }
        check_transport(&key[from], counter[from]++, payload, wire);
    }
    ck_assert_uint_gt(i, p.p.messages);
    ck_assert(qn_noise_done(&side[0]) && qn_noise_done(&side[1]));
}

static bool in_suite(const char *protocol)
{
    return strstr(protocol, "_25519_ChaChaPoly_SHA256") != NULL;
}

START_TEST(cacophony_rows)
{
    const json_t *v = json_array_get(cacophony, (size_t)_i);

    if (in_suite(qt_json_text(v, "protocol_name")))
        check_vector(v);
}
END_TEST

START_TEST(every_cacophony_row_is_run_or_excluded_by_its_hash)
{
    const json_t *v;
    size_t i;
    unsigned run = 0, blake2s = 0;

    json_array_foreach(cacophony, i, v)
    {
        const char *name = qt_json_text(v, "protocol_name");

        run += in_suite(name);
        blake2s += strstr(name, "_25519_ChaChaPoly_BLAKE2s") != NULL;
    }
    ck_assert_uint_eq(run, 59);
    ck_assert_uint_eq(blake2s, 59);
    ck_assert_uint_eq(json_array_size(cacophony), 118);
}
END_TEST

START_TEST(xkpsk0_rows)
{
    check_vector(json_array_get(xkpsk0, (size_t)_i));
}
END_TEST

START_TEST(the_patterns_in_use_are_those_of_the_specification)
{
    static const qn_noise_pattern *const used[] = {&qn_noise_xk, &qn_noise_xkpsk0, &qn_noise_nk};
    const qn_noise_pattern *p = used[_i];
    pattern want = pattern_of(p->name);

    ck_assert_int_eq(p->initiator_known, want.p.initiator_known);
    ck_assert_int_eq(p->responder_known, want.p.responder_known);
    ck_assert_int_eq(p->has_psk, want.p.has_psk);
    ck_assert_uint_eq(p->messages, want.p.messages);
    ck_assert_mem_eq(p->message, want.p.message, sizeof p->message);
}
END_TEST

static Suite *vectors_suite(void)
{
    Suite *s = suite_create("noise/vectors");
    TCase *tc = tcase_create("vectors");

    cacophony = qt_json_get(qt_vector_json("noise/cacophony-25519-chachapoly.json"), "vectors");
    xkpsk0 = qt_json_get(qt_vector_json("noise/xkpsk0.json"), "vectors");
    if (json_array_size(xkpsk0) != 4)
        qt_die("xkpsk0.json should have 4 vectors");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, cacophony_rows, 0, (int)json_array_size(cacophony));
    tcase_add_test(tc, every_cacophony_row_is_run_or_excluded_by_its_hash);
    tcase_add_loop_test(tc, xkpsk0_rows, 0, (int)json_array_size(xkpsk0));
    tcase_add_loop_test(tc, the_patterns_in_use_are_those_of_the_specification, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(vectors_suite)
