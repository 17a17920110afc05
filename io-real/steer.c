/*
 * Which loop takes a conn that was accepted. Whoever comes back should find the loop where what he
 * left behind waits, so an address has a home; but one address may be a whole town's, or a tunnel's
 * end on this machine, so a home that is much fuller than another loop takes nobody more.
 */
#include "io-real/loops.h"
#include "io-real/sockets.h"

#include <string.h>

enum { HOME_SLACK = 16 }; /* conns by which a home may be ahead of the emptiest loop, beside 1/4 */

static uint32_t load(const loop *l)
{
    return atomic_load_explicit(&l->used, memory_order_relaxed) + l->given -
           atomic_load_explicit(&l->arrived, memory_order_relaxed);
}

static bool is_loopback(const qn_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};

    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

/* FNV-1a over the prefix that quotas count by (docs/decisions/0020), IPv4 /24 and IPv6 /48, so that
 * who holds one meets one loop's quota; and its bits mixed, since neighbours differ in few
 * (MurmurHash3's last steps). */
static unsigned home_of(const qn_loops *l, const qn_addr *a)
{
    uint32_t h = UINT32_C(2166136261) ^ l->seed;

    for (unsigned i = 0; i < (a->family == 4 ? 3 : 6); i++)
        h = (h ^ a->ip[i]) * UINT32_C(16777619);
    h = (h ^ h >> 16) * UINT32_C(0x85ebca6b);
    h = (h ^ h >> 13) * UINT32_C(0xc2b2ae35);
    return (h ^ h >> 16) % l->n;
}

static bool takes(const qn_loops *l, unsigned i)
{
    return (l->shut >> i & 1) == 0 && l->v[i].running && load(&l->v[i]) < l->v[i].world->conns_max;
}

qn_world *qn__loops_pick(qn_world *w, const qn_addr *from)
{
    const qn_loops *l = w->loops;
    const loop *least = NULL, *home;

    if (l == NULL)
        return w->conns.used < w->conns_max ? w : NULL;
    for (unsigned i = 0; i < l->n; i++)
        if (takes(l, i) && (least == NULL || load(&l->v[i]) < load(least)))
            least = &l->v[i];
    if (least == NULL)
        return NULL;
    home = &l->v[home_of(l, from)];
    if (!is_loopback(from) && takes(l, home->world->place) &&
        load(home) <= load(least) + load(least) / 4 + HOME_SLACK)
        return home->world;
    return least->world;
}

bool qn__loops_full(const qn_world *w)
{
    const qn_loops *l = w->loops;

    if (l == NULL)
        return w->conns.used >= w->conns_max;
    for (unsigned i = 0; i < l->n; i++)
        if (takes(l, i))
            return false;
    return true;
}

void qn__loops_hand(qn_world *to, int fd, const qn_addr *from, const qn_addr *local)
{
    loop *l = &to->loops->v[to->place];

    l->given++;
    if (!qn__loops_post(to,
                        &(qn_mail){.kind = QN_MAIL_CONN, .fd = fd, .from = *from, .local = *local}))
        l->given--;
}

bool qn__loops_shut(qn_world *w, unsigned place, bool on)
{
    qn_loops *l = w->loops;
    uint32_t bit = UINT32_C(1) << place;

    if (l == NULL)
        return on;
    l->shut = on ? l->shut | bit : l->shut & ~bit;
    return l->shut == (UINT32_C(1) << l->n) - 1;
}
