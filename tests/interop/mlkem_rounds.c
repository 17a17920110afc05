/*
 * Rounds of ML-KEM-768 that somebody else made, on standard input, against ours: mlkem-rounds has
 * them from npm's noble, as tests/vectors/gen/mlkem_noble.mjs writes them. Prints how many agreed;
 * exit status 1 at the first that does not.
 */
#include "support/qt.h"

#include "crypto/mlkem.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct row {
    qn_mlkem_secret secret;
    uint8_t m[32], ek[QN_MLKEM_EK], dk_hash[32], ct[QN_MLKEM_CT], shared[32], rejected[32];
    unsigned changed;
} row;

static bool take(uint8_t *out, size_t n, const char *hex)
{
    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

static void read_field(row *r, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint8_t *out;
        size_t n;
    } fields[] = {
        {"d", r->secret.d, 32},      {"z", r->secret.z, 32},        {"m", r->m, 32},
        {"ek", r->ek, sizeof r->ek}, {"dk-sha256", r->dk_hash, 32}, {"c", r->ct, sizeof r->ct},
        {"K", r->shared, 32},        {"rejected", r->rejected, 32}};

    for (size_t i = 0; i < QN_LEN(fields); i++)
        if (strcmp(fields[i].name, name) == 0 && !take(fields[i].out, fields[i].n, value))
            qt_die("a value of %s is cut short", name);
    if (strcmp(name, "changed") == 0)
        r->changed = (unsigned)strtoul(value, NULL, 10) % QN_MLKEM_CT;
}

static bool agrees(qn_env *env, row *r)
{
    uint8_t ct[QN_MLKEM_CT];
    qn_mlkem_ek ek;
    qn_mlkem_dk dk;
    qn_slice dk_slice = qn_slice_of(dk.b, sizeof dk.b);
    qn_key ours, theirs, rejected;
    qn_hash h;
    bool ran = qn_mlkem_keygen(env, &r->secret, &ek, &dk) == QN_OK &&
               qn_sha256(env, &dk_slice, 1, &h) == QN_OK &&
               qn_mlkem_encaps(env, &ek, r->m, ct, &ours) == QN_OK &&
               qn_mlkem_decaps(env, &dk, r->ct, &theirs) == QN_OK;

    r->ct[r->changed] ^= 0x40;
    ran = ran && qn_mlkem_decaps(env, &dk, r->ct, &rejected) == QN_OK;
    r->ct[r->changed] ^= 0x40;
    return ran && memcmp(ek.b, r->ek, sizeof ek.b) == 0 && memcmp(h.b, r->dk_hash, 32) == 0 &&
           memcmp(ct, r->ct, sizeof ct) == 0 && memcmp(ours.b, r->shared, 32) == 0 &&
           memcmp(theirs.b, r->shared, 32) == 0 && memcmp(rejected.b, r->rejected, 32) == 0;
}

int main(void)
{
    static char line[3 * QN_MLKEM_EK];
    unsigned long rows = 0;
    char name[16];
    int at;
    row r = {0};
    qt_env t;

    qt_env_open(&t, 1);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%15[^ ] = %n", name, &at) != 1)
            continue;
        read_field(&r, name, line + at);
        if (strcmp(name, "rejected") != 0) /* the last of a row */
            continue;
        rows++;
        if (!agrees(&t.env, &r))
            qt_die("round %lu differs", rows);
    }
    qn_engine_free(t.env.engine);
    (void)printf("%lu rounds agree\n", rows);
    return rows > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
