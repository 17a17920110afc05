/*
 * Volume freeze. A TLS flow to servers of certain networks abroad stalls for good once the server
 * has sent about 16 KiB; nobody is told, and the client's own bytes stop too. Source: reports from
 * Russia since 2025, net4people/bbs issues 490 and 546, with limits from 15 to 20 KB.
 *
 * It does not ask what the flow is: browsers freeze like everything else at those addresses, which
 * is the collateral damage. Cost: a counter per flow.
 */
#include "censor/internal.h"

static bool fits(const censor_cfg *cfg)
{
    return cfg->limit > 0;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    if (!f->judged && direction == CENSOR_UP && bytes.n > 0) {
        f->judged = true;
        censor_inspected(c, f, 1);
        f->tls =
            bytes.p[0] == 0x16 && (c->cfg.addresses_n == 0 ||
                                   censor_lists_address(&c->cfg, &f->server) < c->cfg.addresses_n);
    }
    if (f->tls && direction == CENSOR_DOWN && f->bytes[CENSOR_DOWN] + bytes.n > c->cfg.limit)
        return censor_catch(c, f, CENSOR_DROP, now);
    return pass();
}

const censor_kind censor_freeze = {.name = "freeze", .fits = fits, .see = see};
