/* A small network with one operator and some relays, for the targets of the directory layer. */
#ifndef FUZZ_DIRNET_H
#define FUZZ_DIRNET_H

#include "fuzz.h"

#include "dir/descriptor.h"

static inline qn_secret32 fz_secret(uint8_t kind, uint8_t i)
{
    return (qn_secret32){{kind, i, 0x5a}};
}

static inline void fz_draft_network(qn_network *net, bool lab)
{
    qn_secret32 seed = fz_secret('o', 0);
    qn_operator *o = &net->operators[0];
    qn_sign_secret secret;
    qn_sign_public pub;

    *net = (qn_network){
        .name = "fuzz", .lab = lab, .created = FZ_EPOCH - 1000, .threshold = 1, .operators_n = 1};
    memcpy(secret.seed, seed.b, sizeof secret.seed);
    qn_sign_derive(&secret, &pub);
    memcpy(o->sign_key, pub.b, sizeof o->sign_key);
    memset(o->id.b, 0x10, sizeof o->id.b);
    memset(o->link_key, 0x40, sizeof o->link_key);
    o->addr = (qn_addr){.family = 4, .ip = {9, 9, 9, 9}, .port = 443};
}

static inline qn_dated_key fz_dated(uint8_t kind, uint8_t i)
{
    qn_dated_key k = {.not_before = FZ_EPOCH - 86400, .not_after = FZ_EPOCH + 6 * 86400};

    memset(k.key.b, kind, sizeof k.key.b);
    k.key.b[0] = i;
    return k;
}

/* Relay i's description, an exit when i is odd. */
static inline qn_descriptor fz_relay(uint8_t i)
{
    qn_descriptor d = {.sequence = 7,
                       .roles = QN_ROLE_RELAY,
                       .addrs_n = 1,
                       .onions_n = 1,
                       .valid_after = FZ_EPOCH - 3600,
                       .valid_until = FZ_EPOCH + 86400,
                       .addrs = {{.family = 4, .ip = {8, 8, 8, 8}, .port = 443}},
                       .link = fz_dated('l', i),
                       .onion = {fz_dated('n', i)},
                       .country = "IS"};

    d.addrs[0].ip[3] = i;
    if (i % 2 == 1) {
        d.roles |= QN_ROLE_EXIT;
        d.ports_n = 2;
        d.ports[0] = 80;
        d.ports[1] = 443;
        memcpy(d.contact, "abuse@example.org", 18);
    }
    return d;
}

#endif
