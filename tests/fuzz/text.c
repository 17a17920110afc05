/* Whatever people type: addresses, destinations, PeerIDs. The first byte says which. */
#include "fuzz.h"

#include "base/addr.h"
#include "base/base32.h"
#include "crypto/crypto.h"
#include "qnet/id.h"

enum { ADDR, DEST, BASE32, PEERID, TEXTS };

/* Text as a caller has it: bytes and a NUL. */
static const char *text_of(qn_slice s)
{
    static char *kept;

    free(kept);
    kept = calloc(1, s.n + 1);
    FZ_CHECK(kept != NULL);
    if (s.n > 0)
        memcpy(kept, s.p, s.n);
    return kept;
}

static void try_addr(qn_slice s)
{
    qn_addr untouched, a, again;
    char out[QN_ADDR_TEXT];
    qn_err err;

    memset(&a, 0xa5, sizeof a);
    untouched = a;
    err = qn_addr_parse(&a, text_of(s));
    if (err != QN_OK) {
        FZ_CHECK(err == QN_PROTO && memcmp(&a, &untouched, sizeof a) == 0);
        return;
    }
    FZ_CHECK((a.family == 4 || a.family == 6) && a.port != 0);
    qn_addr_text(&a, out);
    FZ_CHECK(strlen(out) < sizeof out);
    FZ_CHECK(qn_addr_parse(&again, out) == QN_OK && qn_addr_equal(&a, &again));
}

/* Any cut of the bytes: SHORT until they are all there, then always the same answer. */
static void try_dest(qn_slice s)
{
    qn_dest d, again;
    size_t used = 0, used_again = 0;
    qn_err err = qn_dest_get(&d, s.p, s.n, &used);
    uint8_t wire[QN_DEST_WIRE_MAX];
    char out[QN_DEST_TEXT];

    FZ_CHECK(err == QN_OK || err == QN_SHORT || err == QN_PROTO);
    for (size_t n = 0; n < QN_MIN(s.n, (size_t)QN_DEST_WIRE_MAX); n++) {
        qn_err cut = qn_dest_get(&again, fz_exact(qn_slice_of(s.p, n)).p, n, &used_again);

        FZ_CHECK(cut == QN_SHORT || (cut == QN_PROTO && err == QN_PROTO) ||
                 (err == QN_OK && n >= used && cut == QN_OK && used_again == used));
    }
    if (err != QN_OK)
        return;
    FZ_CHECK(used <= s.n && used <= QN_DEST_WIRE_MAX);
    FZ_CHECK(qn_dest_put(&d, wire) == used && memcmp(wire, s.p, used) == 0);
    qn_dest_text(&d, out);
    FZ_CHECK(strlen(out) < sizeof out);
}

static void try_base32(qn_slice s)
{
    uint8_t bytes[64], n = s.n > 0 ? s.p[0] % sizeof bytes : 0;
    char out[QN_BASE32_LEN(sizeof bytes) + 1];

    s = s.n > 0 ? qn_slice_of(s.p + 1, s.n - 1) : s;
    s = fz_exact(s);
    if (qn_base32_decode(bytes, n, (const char *)s.p, s.n) != QN_OK)
        return;
    FZ_CHECK(s.n == (size_t)QN_BASE32_LEN(n));
    qn_base32_encode(out, bytes, n);
    for (size_t i = 0; i < s.n; i++) /* the same text, in lower case */
        FZ_CHECK(out[i] == (s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
}

static void try_peerid(qn_slice s)
{
    qn_peerid id, untouched;
    char out[QN_PEERID_TEXT + 1];
    fz_env t;
    qn_err err;

    fz_env_open(&t, 0);
    memset(&id, 0xa5, sizeof id);
    untouched = id;
    s = fz_exact(s);
    err = qn_peerid_parse(&t.env, (const char *)s.p, s.n, &id);
    if (err == QN_OK) {
        FZ_CHECK(s.n == QN_PEERID_TEXT);
        FZ_CHECK(qn_peerid_text(&t.env, &id, out) == QN_OK);
        for (size_t i = 0; i < s.n; i++)
            FZ_CHECK(out[i] == (s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
    } else {
        FZ_CHECK((err == QN_PROTO || err == QN_AUTH) && qn_peerid_equal(&id, &untouched));
    }
    fz_env_close(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const tries[TEXTS])(qn_slice s) = {try_addr, try_dest, try_base32, try_peerid};
    fz_in in = {p, n};
    unsigned which = fz_below(&in, TEXTS);

    tries[which](qn_slice_of(in.p, in.n));
    return 0;
}

static void seed(const char *name, unsigned which, const void *p, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, which);
    fz_out_bytes(o, p, n);
    fz_out_seed(o, name);
}

static void seed_dest(const char *name, const qn_dest *d)
{
    uint8_t wire[QN_DEST_WIRE_MAX];

    seed(name, DEST, wire, qn_dest_put(d, wire));
}

void fz_seeds(void)
{
    static const char *const addrs[] = {"127.0.0.1:80",
                                        "255.255.255.255:65535",
                                        "[::1]:443",
                                        "[2001:db8::8:800:200c:417a]:1",
                                        "[::ffff:102:304]:80",
                                        "[1:2:3:4:5:6:7:8]:8",
                                        "[1::]:9"};
    static const uint8_t key[32] = {1, 2, 3};
    qn_dest name = {.type = 3, .port = 443, .name_len = 11, .name = "example.com"};
    qn_dest v4 = {.type = 1, .port = 80, .ip = {93, 184, 216, 34}};
    qn_dest v6 = {.type = 4, .port = 80, .ip = {0x20, 1, 0xd, 0xb8}};
    char text[QN_PEERID_TEXT + 1], file[16];
    qn_peerid id;
    fz_env t;

    for (size_t i = 0; i < QN_LEN(addrs); i++) {
        (void)snprintf(file, sizeof file, "addr-%zu", i);
        seed(file, ADDR, addrs[i], strlen(addrs[i]));
    }
    seed_dest("dest-name", &name);
    seed_dest("dest-v4", &v4);
    seed_dest("dest-v6", &v6);
    seed("base32", BASE32,
         "\x05"
         "mfrggzdf",
         9);
    fz_env_open(&t, 0);
    FZ_CHECK(qn_peerid_of(&t.env, key, &id) == QN_OK);
    FZ_CHECK(qn_peerid_text(&t.env, &id, text) == QN_OK);
    seed("peerid", PEERID, text, QN_PEERID_TEXT);
    fz_env_close(&t);
}
