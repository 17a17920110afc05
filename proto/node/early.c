/*
 * Applications that are answered before their stream is open (docs/decisions/0033).
 *
 * Only for destinations that a stream with the same isolation key reached lately, and only by a way
 * that has just been heard: all others wait for the exit's word and get it as SOCKS says it. OPEN
 * and what the application says first then leave together, which wakes every hop once. What it says
 * is kept until the exit has answered, and no more is read. When the path goes away meanwhile,
 * another one gets it if none of it has left, or if it is what may be said twice without harm; else
 * the application's socket is reset, as it is when an open stream dies.
 */
#include "node/internal.h"

#include "base/bytes.h"

bool early_may(const edge *e)
{
    const qn_node *n = e->n;

    return n->cfg.early == QN_EARLY_KNOWN &&
           knowns_have(&n->knowns, n->env, e->opening->isolation, &e->opening->dest);
}

static bool was_heard(const edge *e, qn_time at)
{
    return at != 0 && e->n->env->now - at < QN_EARLY_HEARD;
}

/* What is said now arrives, as far as one can know. */
static bool way_stands(const edge *e)
{
    const circuit *c = e->circuit;
    const neighbour *nb = c != NULL ? c->tie.nb : e->tie.nb;

    if (nb == NULL || !under_lives(nb))
        return false;
    return c != NULL ? !c->asked && was_heard(e, c->heard) : was_heard(e, nb->under.heard_at);
}

/* Room for what the application says before the exit does. False: no memory. */
static bool widen(edge *e)
{
    opening *o = e->opening;
    uint8_t *p = qn_mem_get(&e->n->env->mem, QN_EARLY_MAX);

    if (p == NULL)
        return false;
    memcpy(p, o->in, o->in_n);
    o->in = p;
    o->in_cap = QN_EARLY_MAX;
    return true;
}

void early_bound(edge *e)
{
    opening *o = e->opening;

    if (e->state != EDGE_OPENING) {
        o->held = false;
        return;
    }
    o->early = way_stands(e) && widen(e);
    if (o->early && !open_says(e, QN_APP_DONE)) {
        edge_fail(e, QN_APP_FAILED);
        return;
    }
    if (o->early)
        edge_linger(e);
    if (o->early && o->in_n == 0)
        node_timer(e->n, &e->timer, TIMER_EDGE, e->n->env->now + QN_EARLY_WAIT);
    else
        early_goes(e);
}

static bool begins(const opening *o, const char *text)
{
    size_t n = strlen(text);

    return o->in_n >= n && memcmp(o->in, text, n) == 0;
}

/* One HTTP request that asks for something and changes nothing (RFC 9110 9.2.1), and no more:
 * proxies may repeat it (9.2.2). */
static bool only_asks(const opening *o)
{
    static const char end[] = "\r\n\r\n";
    size_t n = sizeof end - 1;

    if (!begins(o, "GET ") && !begins(o, "HEAD "))
        return false;
    for (size_t i = 0; i + n < o->in_n; i++)
        if (memcmp(o->in + i, end, n) == 0)
            return false;
    return memcmp(o->in + o->in_n - n, end, n) == 0;
}

/* One TLS record of a handshake, the first: nothing is asked for yet. Early data would be another
 * record (RFC 8446 4.2.10). */
static bool only_greets(const opening *o)
{
    enum { HANDSHAKE = 22, CLIENT_HELLO = 1 };

    return o->in_n > QN_RECORD_HEADER && o->in[0] == HANDSHAKE && o->in[5] == CLIENT_HELLO &&
           o->in_n == QN_RECORD_HEADER + qn_get16(o->in + 3);
}

bool early_may_move(const edge *e)
{
    const opening *o = e->opening;

    return o->in_passed == 0 || only_asks(o) || only_greets(o);
}

void early_goes(edge *e)
{
    opening *o = e->opening;

    if (o->held)
        node_timer(e->n, &e->timer, TIMER_EDGE, e->n->env->now + QN_OPEN_TIMEOUT);
    o->held = false;
    if (e->state == EDGE_OPENING)
        open_leaves(e);
}
