/*
 * How long the way through a circuit of ours is, there and back: what the last EXTEND took when it
 * was built, a PING some seconds later, and while it is used one that rides in the cell of an OPEN,
 * now and then. So relays that are far or loaded show.
 *
 * The circuits are drawn before, by weight: this only orders those that are ready, and what is
 * shown to the user (decision 26 says what that tells others).
 */
#include "node/internal.h"

#define ASK_AGAIN (10 * QN_SEC)
#define FIRST_AFTER (2 * QN_SEC) /* the first time: so long after it was built, ... */
#define FIRST_WITHIN_MS 8000     /* ... and up to so much more */

static void ask(circuit *c)
{
    c->ping_due = 0;
    c->pinged = c->n->env->now;
    c->ping_after = c->pinged + ASK_AGAIN;
    c->ping_value = qn_rng_u32(c->n->env);
    qn_apps_ping(qn_circuit_apps(&c->core), c->ping_value);
    chore_add(c->n, &c->chore);
}

/* Circuits are built together and at a busy moment, so the way is measured once more, at a time of
 * its own: exits that compare notes learn nothing by it. A lab's circuits take turns, so there is
 * nothing to know. */
void trip_begin(circuit *c)
{
    c->trip = c->core.trip;
    if (!c->n->net.lab)
        c->ping_due =
            c->n->env->now + FIRST_AFTER + qn_rng_below(c->n->env, FIRST_WITHIN_MS) * QN_MS;
}

qn_time trip_due(const circuit *c)
{
    return c->ping_due != 0 ? c->ping_due : QN_NEVER;
}

void trip_check(circuit *c)
{
    if (trip_due(c) <= c->n->env->now)
        ask(c);
}

/* Only the circuit that is given a stream is asked: a PING into another at the same moment would
 * let their exits find out together that both are one user's. */
void trip_ask(circuit *given)
{
    if (!given->n->net.lab && given->pinged == 0 && given->n->env->now >= given->ping_after)
        ask(given);
}

/* A shorter time is the way's own; a longer one may have been one moment's. What the end cannot
 * have been asked yet says nothing: it would draw all streams to itself by answering early. */
void trip_pong(circuit *c, uint64_t value)
{
    qn_time took = c->n->env->now - c->pinged;

    if (c->pinged == 0 || value != c->ping_value)
        return;
    c->trip = took < c->trip ? took : c->trip / 2 + took / 2;
    c->pinged = 0;
}

/* An answer that is still out makes it as slow as it is late. */
qn_time trip_of(const circuit *c)
{
    return QN_MAX(c->trip, c->pinged != 0 ? c->n->env->now - c->pinged : 0);
}

/* Relays favour what has rested, so one that had a stream just now counts as if it still had. */
static uint32_t load(const circuit *c)
{
    bool rested = c->first_given == 0 || c->n->env->now - c->core.apps.quiet_since >= QN_SCHED_REST;

    return 1 + QN_MAX(c->core.apps.live, rested ? 0u : 1u);
}

bool trip_is_shorter(const circuit *c, const circuit *than)
{
    qn_time mine = trip_of(c) * load(c);
    qn_time its = trip_of(than) * load(than);

    if (c->n->net.lab || mine == its)
        return c->last_given < than->last_given;
    return mine < its;
}
