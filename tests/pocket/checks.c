#include "pocket/checks.h"

#include "base/ipjudge.h"
#include "node/internal.h"
#include "pocket/internal.h"
#include "support/qt.h"

#include <stdarg.h>
#include <stdlib.h>

void checks_broken(checks *c, const char *format, ...)
{
    va_list args;

    if (c->broken[0] != 0)
        return;
    va_start(args, format);
    (void)vsnprintf(c->broken, sizeof c->broken, format, args);
    va_end(args);
    checks_note(c, "-", c->broken);
}

bool checks_over(void *c)
{
    return ((checks *)c)->broken[0] != 0;
}

/* ---- P2: no nonce repeats under a key -------------------------------------------------------- */

typedef struct use {
    uint8_t b[24]; /* of the key, which is random, as much as tells keys apart, and the nonce */
} use;

static struct {
    use *v; /* open addressing; all zero: free */
    uint32_t n, cap;
    uint32_t again; /* uses that were there already */
} uses;

static use *use_slot(const use *u)
{
    static const use none;
    uint32_t i = qn_get32(u->b) ^ qn_get32(u->b + 12) * 2654435761u ^
                 qn_get32(u->b + 16) * 2246822519u ^ qn_get32(u->b + 20);

    for (;; i++) {
        use *at = &uses.v[i % uses.cap];

        if (memcmp(at, &none, sizeof none) == 0 || memcmp(at, u, sizeof *u) == 0)
            return at;
    }
}

static void uses_grow(void)
{
    use *old = uses.v;
    uint32_t cap = uses.cap;

    uses.cap = QN_MAX(cap * 2, 1u << 14);
    uses.v = calloc(uses.cap, sizeof *uses.v);
    QN_ASSERT(uses.v != NULL);
    for (uint32_t i = 0; i < cap; i++)
        *use_slot(&old[i]) = old[i];
    free(old);
}

static void note_use(const uint8_t *key, qn_nonce nonce)
{
    use u, *at;

    memcpy(u.b, key, 12);
    memcpy(u.b + 12, nonce.b, 12);
    if (2 * uses.n >= uses.cap)
        uses_grow();
    at = use_slot(&u);
    uses.again += memcmp(at, &u, sizeof u) == 0;
    *at = u;
    uses.n++;
}

qn_err __real_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG]);
qn_err __wrap_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG]);
qn_err __real_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out,
                             uint8_t tag[QN_TAG]);
qn_err __wrap_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out,
                             uint8_t tag[QN_TAG]);

qn_err __wrap_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    note_use(key->b, nonce);
    return __real_qn_aead_seal(env, key, nonce, ad, a, b, out, tag);
}

qn_err __wrap_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    note_use(key, nonce);
    return __real_qn_cipher_seal(env, cipher, key, nonce, ad, a, b, out, tag);
}

/* ---- the others, after each step ------------------------------------------------------------- */

static void check_fetches(checks *c)
{
    for (uint32_t i = 0; i < c->fetches_n; i++) {
        const pw_fetch *f = c->fetch[i];

        if (pw_corrupt(f))
            checks_broken(c, "P1: fetch %u got a wrong byte", i);
        if (pw_outcome(f) == PW_FAILED && pw_socks_reply(f) == 0 && pw_clean_end(f))
            checks_broken(c, "P1: fetch %u was cut and ended clean", i);
    }
}

static uint32_t place_of(checks *c, const pw_node *n)
{
    uint32_t i = 0;

    while (i < c->nodes_n && strcmp(c->node[i].name, n->name) != 0)
        i++;
    QN_ASSERT(i < CHECKS_NODES);
    if (i == c->nodes_n) {
        (void)snprintf(c->node[i].name, sizeof c->node[i].name, "%.15s", n->name);
        c->nodes_n++;
    }
    return i;
}

/* Within a life the list in use is never older than the one before, and a list that a node starts
 * with is not older than what it had stored. */
static void check_version(checks *c, pw_node *n)
{
    const qn_snapshot *s = n->core->snapshot;
    uint32_t i = place_of(c, n);
    bool born = c->node[i].life != n;
    uint64_t least = born ? c->node[i].stored : c->node[i].version;

    if (s != NULL && s->version < least)
        checks_broken(c, "P5: the list of %s went from %llu back to %llu", n->name,
                      (unsigned long long)least, (unsigned long long)s->version);
    if (born && s == NULL)
        c->node[i].stored = 0;
    c->node[i].life = n;
    c->node[i].version = s != NULL ? s->version : 0;
}

static void check_node(checks *c, pw_node *n)
{
    if (n->env.mem.used > PW_MEMORY_CAP + PW_MEMORY_CAP / 10)
        checks_broken(c, "P4: %s holds %llu bytes", n->name, (unsigned long long)n->env.mem.used);
    check_version(c, n);
}

static void step(void *ctx)
{
    checks *c = ctx;

    check_fetches(c);
    for (uint32_t i = 0; i < c->m->w->nodes_n; i++)
        if (!c->m->w->node[i]->dead)
            check_node(c, c->m->w->node[i]);
    if (uses.again > 0)
        checks_broken(c, "P2: a nonce was used twice under a key");
}

/* ---- what nodes do --------------------------------------------------------------------------- */

static bool is_link(const pw_world *w, const qn_addr *to)
{
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (w->node[i]->listen.family != 0 && qn_addr_equal(&w->node[i]->listen, to))
            return true;
    return false;
}

static void check_outside(checks *c, const pw_node *n, const qn_action *a)
{
    bool client = n->core->cfg.mode == QN_CLIENT;

    if (a->type == QN_ACT_RESOLVE && client) /* bare links have no site whose name to ask for */
        checks_broken(c, "P9: %s asks for a name outside of its links", n->name);
    if (a->type != QN_ACT_DIAL || is_link(c->m->w, &a->addr))
        return;
    if (client)
        checks_broken(c, "P9: %s dials what is no node", n->name);
    if (!qn_ip_global(&a->addr))
        checks_broken(c, "P6: %s dials an address that is not global", n->name);
}

static const char *event_name(qn_event_type t)
{
    static const char *const names[PW_EVENT_TYPES] = {[QN_EV_LINK_UP] = "link up",
                                                      [QN_EV_LINK_DOWN] = "link down",
                                                      [QN_EV_SNAPSHOT] = "list taken",
                                                      [QN_EV_CIRCUIT_BUILT] = "circuit built",
                                                      [QN_EV_CIRCUIT_ENDED] = "circuit ended",
                                                      [QN_EV_STREAM_OPENED] = "stream opened",
                                                      [QN_EV_STREAM_FIRST] = "stream's first byte",
                                                      [QN_EV_STREAM_ENDED] = "stream ended",
                                                      [QN_EV_EXIT] = "exit's request over",
                                                      [QN_EV_CLOCK] = "clock is wrong"};

    return names[t];
}

static const char *peer_name(const pw_world *w, const qn_peerid *id)
{
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (!w->node[i]->dead && qn_peerid_equal(&w->node[i]->core->id, id))
            return w->node[i]->name;
    return "somebody";
}

static void trace_event(checks *c, const pw_node *n, const qn_event *e)
{
    static const char *const objects[PW_EVENT_TYPES] = {
        [QN_EV_LINK_UP] = "link",          [QN_EV_LINK_DOWN] = "link",
        [QN_EV_CIRCUIT_BUILT] = "circuit", [QN_EV_CIRCUIT_ENDED] = "circuit",
        [QN_EV_STREAM_OPENED] = "stream",  [QN_EV_STREAM_FIRST] = "stream",
        [QN_EV_STREAM_ENDED] = "stream"};
    char text[160];
    int at = snprintf(text, sizeof text, "%s", event_name(e->type));

    if (objects[e->type] != NULL)
        at += snprintf(text + at, sizeof text - (size_t)at, ", %s %llu", objects[e->type],
                       (unsigned long long)e->id);
    if (e->circuit != 0)
        at += snprintf(text + at, sizeof text - (size_t)at, " on circuit %llu",
                       (unsigned long long)e->circuit);
    if (e->type == QN_EV_LINK_UP || e->type == QN_EV_LINK_DOWN)
        at +=
            snprintf(text + at, sizeof text - (size_t)at, " with %s", peer_name(c->m->w, &e->peer));
    if (e->err != QN_OK)
        (void)snprintf(text + at, sizeof text - (size_t)at, ": %s", qn_err_name(e->err));
    checks_note(c, n->name, text);
}

static void action(void *ctx, const pw_node *n, const qn_action *a)
{
    checks *c = ctx;

    check_outside(c, n, a);
    if (a->type == QN_ACT_EVENT && c->trace != NULL)
        trace_event(c, n, &a->event);
    if (a->type == QN_ACT_STORE && strcmp(a->name, "snapshot") == 0 && n->broken_file == NULL &&
        n->core->snapshot != NULL)
        c->node[place_of(c, n)].stored = n->core->snapshot->version;
}

void checks_note(checks *c, const char *who, const char *text)
{
    if (c->trace != NULL)
        fprintf(c->trace, "%10.3f s  %-8s %s\n", (double)pw_now(c->m->w) / 1e9, who, text);
}

void checks_fetch(checks *c, pw_fetch *f)
{
    QN_ASSERT(c->fetches_n < CHECKS_FETCHES);
    c->fetch[c->fetches_n++] = f;
}

void checks_begin(checks *c, mesh *m, FILE *trace)
{
    *c = (checks){.m = m, .trace = trace, .watcher = {.step = step, .action = action}};
    c->watcher.ctx = c;
    uses.again = uses.n = 0;
    if (uses.v != NULL)
        memset(uses.v, 0, uses.cap * sizeof *uses.v);
    pw_watch(m->w, &c->watcher);
}

void checks_end(checks *c)
{
    pw_watch(c->m->w, NULL);
}
