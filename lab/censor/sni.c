/*
 * SNI filter with residual penalty. Reads server_name of the ClientHello and drops the flow, or
 * resets it, when the name or one above it is listed; then client and server (address and port) are
 * kept apart for a while, whatever they say. Source: Chai et al., "On the Importance of
 * Encrypted-SNI (ESNI) to Censorship Circumvention" (FOCI 2019); residual blocking of 60 to 180 s
 * after Bock et al., "Your Censor is My Censor" (WOOT 2021).
 *
 * Cost: the first payload of every flow is reassembled, 4 KiB at most.
 */
#include "censor/internal.h"

static bool fits(const censor_cfg *cfg)
{
    return cfg->names_n > 0;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    censor_hello h;

    if (f->judged || !censor_first(c, f, direction, bytes))
        return pass();
    switch (censor_hello_read(&h, qn_slice_of(f->first, f->first_n))) {
    case CENSOR_MORE:
        return pass();
    case CENSOR_HELLO:
        if (censor_names(&c->cfg, h.name))
            return censor_catch(c, f, c->cfg.reset ? CENSOR_RESET : CENSOR_DROP, now);
        break;
    case CENSOR_NONE:
        break;
    }
    f->judged = true;
    return pass();
}

const censor_kind censor_sni = {.name = "sni", .fits = fits, .see = see};
