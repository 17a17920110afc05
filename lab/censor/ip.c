/*
 * IP blocklist. Packets to listed addresses are dropped at a router (null routing), established
 * flows included, once the list has reached it: listing takes hours to weeks in practice, which
 * `delay` stands for, counted from the address's first day. Source: the common core of all national
 * systems; how listed addresses behave, Hoang et al., "How Great is the Great Firewall?" (USENIX
 * Security 2021), and for the time it takes Fifield and Tsai, "Censors' Delay in Blocking
 * Circumvention Proxies" (FOCI 2016): 2 to 36 days in China.
 *
 * Collateral damage is whatever else lives at the address. Cost: a routing entry per address.
 */
#include "censor/internal.h"

static bool fits(const censor_cfg *cfg)
{
    return cfg->addresses_n > 0;
}

static bool in_force(const censor *c, const censor_flow *f, qn_time now)
{
    size_t i = censor_lists_address(&c->cfg, &f->server);
    qn_time since = i < c->cfg.addresses_n && c->cfg.since != NULL ? c->cfg.since[i] : 0;

    return i < c->cfg.addresses_n && now >= c->began + since + c->cfg.delay;
}

static censor_verdict open(censor *c, censor_flow *f, qn_time now)
{
    return in_force(c, f, now) ? censor_catch(c, f, CENSOR_DROP, now) : pass();
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    (void)direction;
    (void)bytes;
    return open(c, f, now);
}

const censor_kind censor_ip = {.name = "ip", .fits = fits, .open = open, .see = see};
