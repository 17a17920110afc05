/*
 * Port whitelist and shutdown. `ports` lets flows pass to a few server ports only, whatever they
 * say: Iran in 2022 left 80, 443 and little else open on some networks (Aryan et al., "Internet
 * Censorship in Iran: A First Look", FOCI 2013, describe protocol whitelists; reports of 2022,
 * net4people/bbs issue 125). `shutdown` lets nothing pass: what stays inside the border works, as
 * in Iran in November 2019 and in Kazakhstan in January 2022 (Padmanabhan et al., "A Multi-
 * perspective View of Internet Censorship in Myanmar", FOCI 2021, for the pattern).
 *
 * Everything beyond the border is the collateral damage of a shutdown. Cost: none per flow.
 */
#include "censor/internal.h"

static bool ports_fit(const censor_cfg *cfg)
{
    return cfg->ports_n > 0;
}

static censor_verdict ports_open(censor *c, censor_flow *f, qn_time now)
{
    for (size_t i = 0; i < c->cfg.ports_n; i++)
        if (c->cfg.ports[i] == f->server.port)
            return pass();
    return censor_catch(c, f, CENSOR_DROP, now);
}

const censor_kind censor_ports = {.name = "ports", .fits = ports_fit, .open = ports_open};

static bool always(const censor_cfg *cfg)
{
    (void)cfg;
    return true;
}

static censor_verdict shut_open(censor *c, censor_flow *f, qn_time now)
{
    return censor_catch(c, f, CENSOR_DROP, now);
}

static censor_verdict shut_see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                               qn_slice bytes)
{
    (void)direction;
    (void)bytes;
    return censor_catch(c, f, CENSOR_DROP, now);
}

const censor_kind censor_shutdown = {
    .name = "shutdown", .fits = always, .open = shut_open, .see = shut_see};
