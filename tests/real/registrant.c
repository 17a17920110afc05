/*
 * registrant: what made-up nodes would send to a directory, signed; for tests and the bench.
 *
 *     registrant NETWORK COUNT ADDR:PORT [OPERATOR-STATE | -]
 *
 * One JSON object a line, the body of POST /api/relay/register, for each of COUNT relays; the i-th
 * has the PORT + i. Their keys are the same each time. They claim to be in Iceland. With
 * OPERATOR-STATE also makes a list of them, signed by the operator whose key is there, and leaves
 * it as that node's stored snapshot: the operator takes it up when it starts, as if it had dialled
 * them all. With "-" prints an invitation to each instead. Never installed.
 */
#include "io-real/store.h"

#include "dir/descriptor.h"
#include "dir/heartbeat.h"
#include "dir/offer.h"
#include "dir/registry.h"
#include "dir/snapshot.h"
#include "io-real/env.h"
#include "qnet/invitation.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR = 3600, COUNT_MAX = 4096, BASE64_MAX = QN_DESCRIPTOR_MAX * 2 };

static qn_real_env real;
static qn_network net;

static _Noreturn void stop(const char *sentence)
{
    (void)fprintf(stderr, "registrant: %s\n", sentence);
    exit(1);
}

static void need(bool ok, const char *what)
{
    if (!ok)
        stop(what);
}

static qn_dated_key key_of(uint8_t kind, unsigned i)
{
    int64_t wall = real.env.wall;
    qn_dh_secret secret = {{kind, (uint8_t)(i >> 8), (uint8_t)i, 1}};
    qn_dated_key k = {.not_before = wall - HOUR, .not_after = wall + 24 * HOUR};

    qn_dh_derive(&secret, &k.key);
    return k;
}

static qn_secret32 identity_of(unsigned i)
{
    return (qn_secret32){{'i', (uint8_t)(i >> 8), (uint8_t)i, 1}};
}

static size_t describe(unsigned i, const qn_addr *first, uint8_t out[QN_DESCRIPTOR_MAX])
{
    int64_t wall = real.env.wall;
    qn_secret32 identity = identity_of(i);
    qn_descriptor d = {.sequence = (uint64_t)wall,
                       .valid_after = wall - HOUR,
                       .valid_until = wall + 24 * HOUR,
                       .roles = QN_ROLE_RELAY,
                       .addrs_n = 1,
                       .onions_n = 1,
                       .country = "IS",
                       .link = key_of('l', i)};
    size_t n;

    d.addrs[0] = *first;
    d.addrs[0].port = (uint16_t)(first->port + i);
    d.onion[0] = key_of('o', i);
    need(qn_descriptor_sign(&d, &real.env, &net, &identity, out, &n) == QN_OK, "cannot sign");
    return n;
}

static size_t beat(unsigned i, uint8_t out[QN_HEARTBEAT_MAX])
{
    qn_secret32 identity = identity_of(i);
    qn_heartbeat h = {.descriptor = (uint64_t)real.env.wall, .time = real.env.wall, .load = 100};
    size_t n;

    need(qn_heartbeat_sign(&h, &real.env, &net, &identity, out, &n) == QN_OK, "cannot sign");
    return n;
}

static const char *base64(const uint8_t *p, size_t n, char out[BASE64_MAX])
{
    return sodium_bin2base64(out, BASE64_MAX, p, n, sodium_base64_VARIANT_ORIGINAL);
}

static void leave_snapshot(const qn_registry *r, const char *state)
{
    qn_blob body, list, verified, kept;
    qn_snapshot_signature signature;
    qn_secret32 seed;
    qn_store store;
    qn_why why;
    int64_t wall = real.env.wall;

    need(qn_store_open(&store, state, why), "cannot open the state directory");
    need(qn_store_read_key(&store, "operator", &seed, why) == QN_FOUND, "no operator key there");
    need(qn_snapshot_build(&body, r, wall - 60, wall + HOUR, (qn_slice){0}) == QN_OK &&
             qn_snapshot_sign(&signature, &real.env, &net, (qn_slice){body.p, body.n}, &seed) ==
                 QN_OK &&
             qn_snapshot_join(&list, &real.env, (qn_slice){body.p, body.n}, &signature, 1) ==
                 QN_OK &&
             qn_offer_signatures(&verified, r, (qn_slice){body.p, body.n}) == QN_OK &&
             qn_offer_write(&kept, &real.env, (qn_slice){list.p, list.n},
                            (qn_slice){verified.p, verified.n}) == QN_OK,
         "cannot make a list");
    need(qn_store_write(&store, "snapshot", (qn_slice){kept.p, kept.n}, why), "cannot write it");
    qn_blob_clear(&kept, &real.env.mem);
    qn_blob_clear(&verified, &real.env.mem);
    qn_blob_clear(&body, &real.env.mem);
    qn_blob_clear(&list, &real.env.mem);
    qn_store_close(&store);
}

static void invite(unsigned i, const qn_addr *first)
{
    uint8_t descriptor[QN_DESCRIPTOR_MAX];
    char text[QN_INVITATION_TEXT];
    qn_secret32 psk = identity_of(i);
    size_t n = describe(i, first, descriptor);

    need(qn_invitation_make(&real.env, &net, (qn_slice){descriptor, n}, &psk, text) == QN_OK,
         "cannot invite");
    (void)puts(text);
}

static void say(qn_registry *r, unsigned i, const qn_addr *first)
{
    static char descriptor64[BASE64_MAX], heartbeat64[BASE64_MAX];
    uint8_t descriptor[QN_DESCRIPTOR_MAX], heartbeat[QN_HEARTBEAT_MAX];
    size_t descriptor_n = describe(i, first, descriptor), heartbeat_n = beat(i, heartbeat);

    need(qn_registry_register(r, (qn_slice){descriptor, descriptor_n}, NULL) == QN_OK &&
             qn_registry_heartbeat(r, (qn_slice){heartbeat, heartbeat_n}) == QN_OK,
         "no registry would take this: too many of one prefix?");
    (void)printf("{\"descriptor\": \"%s\", \"heartbeat\": \"%s\"}\n",
                 base64(descriptor, descriptor_n, descriptor64),
                 base64(heartbeat, heartbeat_n, heartbeat64));
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    bool invitations = argc == 5 && strcmp(argv[4], "-") == 0;
    char reason[160];
    qn_registry r;
    qn_span file;
    qn_addr first;
    qn_why why;

    if ((argc != 4 && argc != 5) || count < 1 || count > COUNT_MAX ||
        qn_addr_parse(&first, argv[3]) != QN_OK) {
        (void)fputs("usage: registrant NETWORK COUNT ADDR:PORT [OPERATOR-STATE | -]\n", stderr);
        return 2;
    }
    need(qn_real_env_open(&real, QN_LOG_WARN, UINT64_MAX), "out of memory");
    need(qn_file_read(argv[1], &file, why) == QN_FOUND &&
             qn_network_decode(&net, &real.env, file.p, file.n, reason) == QN_OK,
         "that is no network file");
    qn_registry_init(&r, &real.env, &net);
    for (unsigned i = 0; i < (unsigned)count; i++) {
        if (invitations)
            invite(i, &first);
        else
            say(&r, i, &first);
    }
    if (argc == 5 && !invitations)
        leave_snapshot(&r, argv[4]);
    qn_registry_clear(&r);
    free(file.p);
    qn_real_env_close(&real);
    return 0;
}
