/*
 * One node and a world that is the test: it says what happens, in the order it likes, and every
 * action is counted and its promises checked. Nothing answers by itself.
 */
#ifndef NODE_SOLO_H
#define NODE_SOLO_H

#include "support/qt.h"

#include "carrier/carrier.h"
#include "qnet/node.h"

#include <string.h>

enum { SOLO_ACTIONS = QN_ACT_STOPPED + 1 };

static qt_env t;
static qn_network net;
static qn_node *node;
static unsigned acts[SOLO_ACTIONS];  /* how many of each type came */
static qn_action last[SOLO_ACTIONS]; /* and the newest of each */
static qn_conn resets[64];           /* conns the node has reset */
static unsigned resets_n;
static const char *const abuse = "abuse@example.org";

static inline qn_secret32 solo_secret(uint8_t kind)
{
    return (qn_secret32){{kind, 0x5a}};
}

/* A lab network with one operator, whose address nobody answers at. */
static inline void solo_network(bool lab)
{
    qn_secret32 founder = solo_secret('f'), signer = solo_secret('o'), link = solo_secret('l');
    qn_keys keys = {.identity = solo_secret('I'), .link = link};
    qn_addr addr = {.family = 4, .ip = {8, 8, 8, 8}, .port = 4433};
    uint8_t file[4096];
    size_t n;

    net = (qn_network){
        .name = "solo", .lab = lab, .created = QT_EPOCH, .threshold = 1, .operators_n = 1};
    qt_assert_err(qn_operator_of(&t.env, &keys, &signer, &addr, &net.operators[0]), QN_OK);
    qt_assert_err(qn_network_encode(&net, &t.env, &founder, file, sizeof file, &n), QN_OK);
}

static inline qn_node_cfg solo_cfg(qn_mode mode)
{
    qn_node_cfg cfg = {.mode = mode,
                       .lab = true,
                       .socks = mode == QN_CLIENT,
                       .carrier = &qn_carrier_bare,
                       .network = &net,
                       .keys = {solo_secret('i'), solo_secret('k'), solo_secret('n')}};

    if (mode != QN_CLIENT)
        cfg.listen = (qn_addr){.family = 4, .ip = {9, 9, 9, 9}, .port = 4433};
    if (mode == QN_EXIT || mode == QN_SUPER)
        memcpy(cfg.contact, abuse, strlen(abuse));
    if (mode == QN_BOOTSTRAP || mode == QN_SUPER) {
        cfg.has_operator = true;
        cfg.operator_seed = solo_secret('o');
    }
    return cfg;
}

/* The law of qnet/node.h, after something happened. */
static inline void solo_drain(void)
{
    qn_action a;

    while (qn_node_next(node, &a)) {
        acts[a.type]++;
        last[a.type] = a;
        if (a.type == QN_ACT_RESET)
            resets[resets_n++ % QN_LEN(resets)] = a.conn;
    }
    ck_assert_msg(qn_node_due(node) >= t.env.now, "due lies in the past");
}

static inline bool solo_was_reset(qn_conn c)
{
    for (size_t i = 0; i < QN_LEN(resets); i++)
        if (resets[i] == c)
            return true;
    return false;
}

static inline void solo_pass(qn_time by)
{
    qn_time end = t.env.now + by;

    while (t.env.now < end) {
        qn_time due = qn_node_due(node);

        qt_env_step(&t, QN_MIN(due > t.env.now ? due - t.env.now : 0, end - t.env.now));
        if (qn_node_due(node) <= t.env.now) {
            qn_node_tick(node);
            solo_drain();
            ck_assert_msg(qn_node_due(node) > t.env.now, "a tick left something due");
        }
    }
}

static inline void solo_start(const qn_node_cfg *cfg)
{
    char why[160] = "";

    memset(acts, 0, sizeof acts);
    memset(last, 0, sizeof last);
    memset(resets, 0, sizeof resets);
    resets_n = 0;
    ck_assert_msg(qn_node_new(&node, cfg, &t.env, why) == QN_OK, "%s", why);
    solo_drain();
}

static inline void solo_open(void)
{
    qt_env_open(&t, 1);
    solo_network(true);
    node = NULL;
}

static inline void solo_close(void)
{
    qn_node_free(node);
    node = NULL;
    qt_env_close(&t);
}

static inline qn_conn solo_accept(qn_listener purpose)
{
    static const qn_addr from = {.family = 4, .ip = {127, 0, 0, 1}, .port = 40000};
    qn_conn c = qn_node_accepted(node, purpose, &from, &from);

    solo_drain();
    return c;
}

/* Bytes arrive on a conn; returns how many the node had room for. */
static inline size_t solo_say(qn_conn c, const void *p, size_t n)
{
    qn_span v[8];
    unsigned k = qn_node_space(node, c, v, QN_LEN(v));
    size_t done = 0;

    for (unsigned i = 0; i < k && done < n; i++) {
        size_t part = QN_MIN(v[i].n, n - done);

        memcpy(v[i].p, (const uint8_t *)p + done, part);
        done += part;
    }
    if (k > 0)
        qn_node_commit(node, c, done);
    solo_drain();
    return done;
}

/* Everything the node wants to write to a conn. */
static inline qn_slice solo_hear(qn_conn c)
{
    static uint8_t heard[1 << 16];
    size_t n = 0;
    qn_slice v[8];
    unsigned k;

    while ((k = qn_node_peek(node, c, v, QN_LEN(v))) > 0) {
        size_t part = 0;

        for (unsigned i = 0; i < k; i++) {
            ck_assert_uint_le(n + part + v[i].n, sizeof heard);
            memcpy(heard + n + part, v[i].p, v[i].n);
            part += v[i].n;
        }
        qn_node_consume(node, c, part);
        n += part;
    }
    solo_drain();
    return qn_slice_of(heard, n);
}

static inline qn_status solo_status(void)
{
    qn_status s;

    qn_node_status(node, &s);
    return s;
}

#endif
