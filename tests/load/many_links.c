/*
 * qnet-many-links: a client with MANY_LINKS links to one relay, each a visit of its own that became
 * one, for tests of what links cost the relay.
 *
 * It is the whole program, linked with two functions wrapped (ld --wrap): whenever the node looks
 * at its timers, more links are dialled. Over each that is up a list is fetched, so that it has
 * carried something, and its stream is closed; then it stays idle. Tests only; never installed.
 */
#include "node/internal.h"

#include <stdlib.h>

enum { UNDER_WAY = 64, STATES = 65536 };
#define STEP (20 * QN_MS)
#define STREAM_LIFE QN_SEC

qn_time __real_qn_node_due(const qn_node *n);
qn_time __wrap_qn_node_due(const qn_node *n);
void __real_qn_node_tick(qn_node *n);
void __wrap_qn_node_tick(qn_node *n);

static struct {
    uint64_t serial;
    uint32_t stream;
    qn_time asked; /* 0: not yet */
    bool done;
} state[STATES];
static qn_time next_step;

static uint32_t wanted(void)
{
    const char *text = getenv("MANY_LINKS");

    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static const qn_relay *target(const qn_node *n)
{
    for (uint32_t i = 0; n->snapshot != NULL && i < n->snapshot->relays_n; i++)
        if (n->snapshot->relays[i].d.roles == QN_ROLE_RELAY)
            return &n->snapshot->relays[i];
    return NULL;
}

static bool is_ours(const neighbour *nb)
{
    return state[nb->serial % STATES].serial == nb->serial && !nb->over;
}

static bool dial_one(qn_node *n, const qn_descriptor *d)
{
    neighbour *nb = neighbour_dial_back(n, d);

    if (nb == NULL)
        return false;
    nb->dial_back = false; /* it stays */
    state[nb->serial % STATES].serial = nb->serial;
    return true;
}

/* The whole list, whatever is held already. */
static void ask(neighbour *nb)
{
    const qn_dir_message m = {.type = QN_DIR_LIST};
    uint8_t head[QN_DIR_HEAD_MAX];
    uint32_t *stream = &state[nb->serial % STATES].stream;

    if (qn_link_open(&nb->link, QN_KIND_DIRECTORY, NULL, stream) == QN_OK &&
        qn_link_send_bytes(&nb->link, *stream, head, qn_dir_message_head(&m, head), false) == QN_OK)
        state[nb->serial % STATES].asked = nb->n->env->now;
    neighbour_touch(nb);
}

static void tend(neighbour *nb)
{
    qn_time now = nb->n->env->now, asked = state[nb->serial % STATES].asked;

    if (asked == 0) {
        ask(nb);
    } else if (!state[nb->serial % STATES].done && now - asked > STREAM_LIFE) {
        state[nb->serial % STATES].done = true;
        qn_link_close(&nb->link, state[nb->serial % STATES].stream, QN_CLOSE_DONE);
        neighbour_touch(nb);
    }
}

static void step(qn_node *n)
{
    const qn_relay *r = target(n);
    uint32_t up = 0, coming = 0;

    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next) {
        if (!is_ours(nb))
            continue;
        up += nb->under.up;
        coming += !nb->under.up;
        if (nb->under.up)
            tend(nb);
    }
    if (n->visits != NULL)
        n->visits->idle = 24 * 3600 * QN_SEC; /* no browser's patience: they are to stay */
    while (r != NULL && coming < UNDER_WAY && up + coming < wanted() && dial_one(n, &r->d))
        coming++;
}

qn_time __wrap_qn_node_due(const qn_node *n)
{
    return QN_MIN(__real_qn_node_due(n), QN_MAX(next_step, n->env->now));
}

void __wrap_qn_node_tick(qn_node *n)
{
    if (n->env->now >= next_step && !n->stopping) {
        next_step = n->env->now + STEP;
        step(n);
    }
    __real_qn_node_tick(n);
}
