/*
 * How many circuits somebody may begin here. Answering a CREATE costs two or three X25519, passing
 * an EXTEND on costs the next node as many, and asking costs nothing; so each link has a budget,
 * and all links of strangers from one address have one together. What is beyond it is refused
 * before anything is computed.
 *
 * The table of addresses holds those that asked last. Who evicts others by coming from more
 * addresses than it holds gains what the addresses gave him anyway; who comes first to a full one
 * takes the place that owes least.
 */
#include "node/internal.h"

enum { ADDRESSES = 256 };

struct births {
    struct {
        uint8_t prefix[QN_BIRTHS_PREFIX];
        uint8_t family; /* 0: free */
        qn_rate rate;
    } at[ADDRESSES];
};

static const qn_grant of_link = {QN_BIRTHS_LINK, QN_BIRTHS_PERIOD};
static const qn_grant of_address = {QN_BIRTHS_ADDRESS, QN_BIRTHS_PERIOD};
static const qn_grant of_relay = {QN_BIRTHS_RELAY, QN_BIRTHS_RELAY_PERIOD};

void births_clear(qn_node *n)
{
    qn_mem_put(&n->env->mem, n->births, sizeof *n->births);
    n->births = NULL;
}

/* The whole of an IPv4 address, the network of an IPv6 one: its owner has all the rest. */
static void prefix_of(const qn_addr *a, uint8_t out[QN_BIRTHS_PREFIX])
{
    memset(out, 0, QN_BIRTHS_PREFIX);
    memcpy(out, a->ip, a->family == 4 ? 4 : QN_BIRTHS_PREFIX);
}

static qn_rate *rate_at(struct births *b, const qn_addr *a, qn_time now)
{
    uint8_t prefix[QN_BIRTHS_PREFIX];
    unsigned least = 0;

    prefix_of(a, prefix);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        if (b->at[i].family == a->family && memcmp(b->at[i].prefix, prefix, sizeof prefix) == 0)
            return &b->at[i].rate;
        (void)qn_rate_wait(&b->at[i].rate, &of_address, now); /* brings what it owes up to date */
        if (b->at[i].rate.used < b->at[least].rate.used)
            least = i;
    }
    b->at[least].family = a->family;
    memcpy(b->at[least].prefix, prefix, sizeof prefix);
    b->at[least].rate = (qn_rate){0};
    return &b->at[least].rate;
}

/* NULL: no memory for a table, so the link's own budget must do. */
static qn_rate *address_rate(neighbour *nb)
{
    qn_node *n = nb->n;

    if (n->births == NULL)
        n->births = qn_mem_get(&n->env->mem, sizeof *n->births);
    return n->births != NULL ? rate_at(n->births, &nb->under.leg_addr[0], n->env->now) : NULL;
}

bool births_allow(neighbour *nb)
{
    bool listed = neighbour_known(nb);
    const qn_grant *grant = listed ? &of_relay : &of_link;
    qn_time now = nb->n->env->now;
    qn_rate *together;

    if (qn_rate_wait(&nb->births, grant, now) != 0)
        return false;
    together = listed ? NULL : address_rate(nb);
    if (together != NULL && qn_rate_wait(together, &of_address, now) != 0)
        return false;
    qn_rate_spend(&nb->births, grant, 1);
    if (together != NULL)
        qn_rate_spend(together, &of_address, 1);
    return true;
}
