/*
 * A whole circuit in memory: a client, two or three hops, and wires between them that carry cells
 * one at a time, each copied into a block of its own at an odd offset, as a link would deliver it.
 * A tap sees and may change, drop or repeat any cell on any wire.
 */
#ifndef QT_CIRCUIT_CHAIN_H
#define QT_CIRCUIT_CHAIN_H

#include "pair.h"

#include "circuit/circuit.h"
#include "circuit/hop.h"

enum { CHAIN_WIRE = 64 }; /* cells waiting on one wire and direction */

typedef struct wire {
    qn_piece v[CHAIN_WIRE];
    unsigned n;
} wire;

typedef struct chain chain;

typedef enum verdict { PASS, DROP, TWICE } verdict;
/* wire at = 0 lies before the entry. */
typedef verdict chain_tap(chain *x, unsigned at, bool forward, uint8_t *cell, size_t n);

struct chain {
    qt_env t;
    qn_budget budget;
    qn_circuits at_client, at_hop[3];
    qn_circuit circuit;
    qn_hop hop[3];
    unsigned hops;
    wire forward[3], backward[3]; /* [i] lies before hop i */
    side client, exit;
    bool built, ended;
    qn_err why, hop_why[3];
    uint8_t failed;
    bool hop_dead[3], extends[3]; /* extends: EXTEND was asked of hop i */
    bool hold_extend;             /* do not answer EXTEND */
    qn_err refuse_extend;         /* answer it with this */
    unsigned closes;              /* DEAD and ENDED events */
    bool opaque;                  /* app events are not checked, only counted */
    unsigned app_events;
    chain_tap *tap;
    unsigned tap_count;
};

static inline void chain_id(qn_peerid *id, unsigned i)
{
    memset(id->b, (int)(0x11 * (i + 1)), sizeof id->b);
}

static inline void chain_open(chain *x, unsigned hops)
{
    qn_hop_key keys[3];

    *x = (chain){.hops = hops, .budget = {.limit = QN_CREDIT_BUDGET}};
    qt_env_open(&x->t, 7);
    x->at_client = (qn_circuits){.env = &x->t.env, .budget = &x->budget};
    memset(x->at_client.network, 0x4e, 32);
    memset(x->at_client.self.b, 0xcc, 32);
    for (unsigned i = 0; i < hops; i++) {
        qn_dh_secret secret;

        x->at_hop[i] = x->at_client;
        chain_id(&x->at_hop[i].self, i);
        memset(secret.b, (int)(0x51 + i), sizeof secret.b);
        x->at_hop[i].keys_n = 1;
        qt_assert_err(qn_onion_key_init(&x->t.env, &secret, &x->at_hop[i].keys[0]), QN_OK);
        keys[i] = (qn_hop_key){.id = x->at_hop[i].self, .onion = x->at_hop[i].keys[0].pub};
        qn_hop_init(&x->hop[i], &x->at_hop[i], i > 0 ? &x->at_hop[i - 1].self : NULL);
    }
    qn_circuit_init(&x->circuit, &x->at_client, keys, hops);
    x->client = (side){.client = true, .apps = qn_circuit_apps(&x->circuit)};
    x->exit = (side){0};
}

static inline void wire_clear(wire *w)
{
    for (unsigned i = 0; i < w->n; i++)
        qn_block_drop(w->v[i].block);
    w->n = 0;
}

static inline void chain_close(chain *x)
{
    for (unsigned i = 0; i < 3; i++) {
        wire_clear(&x->forward[i]);
        wire_clear(&x->backward[i]);
        qn_hop_clear(&x->hop[i]);
    }
    qn_circuit_clear(&x->circuit);
    ck_assert_uint_eq(x->budget.used, 0);
    qt_env_close(&x->t);
}

/* A wire that can not get its copy's block is out of memory itself: that is no machine's business,
 * so the copy is made with failing allocations switched off by the caller's design (keep = 0). */
static inline void put_copy(chain *x, wire *w, const uint8_t *p, size_t n)
{
    qn_piece copy = {.off = (uint32_t)(9 + n % 5), .len = (uint32_t)n};

    ck_assert_uint_lt(w->n, CHAIN_WIRE);
    copy.block = qn_block_get(&x->t.env, copy.off + n);
    if (copy.block == NULL) /* an allocation made to fail, met here: take the one after it */
        copy.block = qn_block_get(&x->t.env, copy.off + n);
    ck_assert_ptr_nonnull(copy.block);
    memcpy(qn_piece_data(&copy), p, n);
    w->v[w->n++] = copy;
}

static inline void carry(chain *x, unsigned i, bool forward, qn_piece cell)
{
    wire *w = forward ? &x->forward[i] : &x->backward[i];
    uint8_t *p = qn_piece_data(&cell);
    verdict v = x->tap != NULL ? x->tap(x, i, forward, p, cell.len) : PASS;

    for (unsigned k = 0; k < (unsigned)(v == PASS ? 1 : v == DROP ? 0 : 2); k++)
        put_copy(x, w, p, cell.len);
}

static inline qn_piece wire_take(wire *w)
{
    qn_piece first = w->v[0];

    memmove(w->v, w->v + 1, --w->n * sizeof *w->v);
    return first;
}

static inline void chain_app(chain *x, side *me, const side *other, const qn_app_event *ev)
{
    x->app_events++;
    if (!x->opaque)
        side_event(me, other, ev);
}

static inline void close_hop(chain *x, unsigned i, qn_err why)
{
    if (i < x->hops && !x->hop_dead[i])
        qn_hop_closed(&x->hop[i], qn_circuit_close_err(qn_circuit_close_code(why)));
}

static inline void drain_client(chain *x)
{
    qn_circuit_event ev;

    while (qn_circuit_next(&x->circuit, &ev)) {
        ck_assert(!x->ended);
        switch (ev.type) {
        case QN_CIRCUIT_EV_BUILT:
            ck_assert(!x->built);
            x->built = true;
            break;
        case QN_CIRCUIT_EV_APP:
            chain_app(x, &x->client, &x->exit, &ev.app);
            break;
        case QN_CIRCUIT_EV_ENDED:
            x->ended = true;
            x->closes++;
            x->why = ev.why;
            x->failed = ev.hop;
            close_hop(x, 0, ev.why);
            break;
        }
    }
}

static inline void on_extend(chain *x, unsigned i, const qn_peerid *id)
{
    x->extends[i] = true;
    ck_assert(i + 1 < x->hops && qn_peerid_equal(id, &x->at_hop[i + 1].self));
    if (x->refuse_extend != QN_OK)
        qn_hop_extend_failed(&x->hop[i], x->refuse_extend);
    else if (!x->hold_extend)
        qn_hop_extend_ok(&x->hop[i]);
}

static inline void drain_hop(chain *x, unsigned i)
{
    qn_hop_event ev;

    while (qn_hop_next(&x->hop[i], &ev)) {
        ck_assert(!x->hop_dead[i]);
        switch (ev.type) {
        case QN_HOP_EV_FORWARD:
            carry(x, i + 1, true, ev.piece);
            break;
        case QN_HOP_EV_BACKWARD:
            carry(x, i, false, ev.piece);
            break;
        case QN_HOP_EV_EXTEND:
            on_extend(x, i, &ev.id);
            break;
        case QN_HOP_EV_APP:
            x->exit.apps = qn_hop_apps(&x->hop[i]);
            chain_app(x, &x->exit, &x->client, &ev.app);
            break;
        case QN_HOP_EV_DEAD:
            x->hop_dead[i] = true;
            x->closes++;
            x->hop_why[i] = ev.why;
            close_hop(x, i + 1, ev.why);
            if (i > 0)
                close_hop(x, i - 1, ev.why);
            else if (!x->ended)
                qn_circuit_closed(&x->circuit, qn_circuit_close_err(qn_circuit_close_code(ev.why)));
            break;
        }
    }
}

static inline void drain_all(chain *x)
{
    unsigned before;

    do { /* an end here may be an end there */
        before = x->closes;
        drain_client(x);
        for (unsigned i = 0; i < x->hops; i++)
            drain_hop(x, i);
    } while (x->closes != before);
}

/* One cell leaves a machine. */
static inline bool step_out(chain *x)
{
    qn_piece cell;

    if (x->forward[0].n < CHAIN_WIRE / 2 && qn_circuit_output(&x->circuit, &cell) == QN_OK) {
        carry(x, 0, true, cell);
        qn_block_drop(cell.block);
        return true;
    }
    for (unsigned i = 0; i < x->hops; i++)
        if (x->backward[i].n < CHAIN_WIRE / 2 && qn_hop_output(&x->hop[i], &cell) == QN_OK) {
            carry(x, i, false, cell);
            qn_block_drop(cell.block);
            return true;
        }
    return false;
}

/* One cell arrives at a machine. */
static inline bool step_in(chain *x)
{
    qn_piece cell;

    for (unsigned i = 0; i < x->hops; i++) {
        if (x->forward[i].n > 0) {
            cell = wire_take(&x->forward[i]);
            qn_hop_forward(&x->hop[i], cell);
        } else if (x->backward[i].n > 0) {
            cell = wire_take(&x->backward[i]);
            if (i > 0)
                qn_hop_backward(&x->hop[i - 1], cell);
            else
                qn_circuit_input(&x->circuit, cell);
        } else {
            continue;
        }
        drain_all(x);
        qn_block_drop(cell.block);
        return true;
    }
    return false;
}

/* One cell moves, or nothing is left to move. */
static inline bool chain_step(chain *x)
{
    bool moved = step_out(x);

    drain_all(x);
    return moved || step_in(x);
}

static inline void chain_run(chain *x)
{
    drain_all(x);
    while (chain_step(x))
        ;
}

static inline uint32_t chain_stream(chain *x)
{
    qn_dest dest = {.type = 3, .name_len = 11, .port = 443, .name = "example.com"};
    uint32_t sid = 0;

    qt_assert_err(qn_circuit_open(&x->circuit, &dest, &x->client.s[x->client.apps->last + 1], &sid),
                  QN_OK);
    return sid;
}

#endif
