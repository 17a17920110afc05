/*
 * RST injection. A word anywhere in what the client says first, in clear, brings a RST to both
 * ends, and for a while to every further flow between them. Source: Clayton, Murdoch and Watson,
 * "Ignoring the Great Firewall of China" (PET 2006); the words are HTTP requests' hosts and paths.
 *
 * The real thing stands beside the path and races the answer; this one always wins. Cost: a string
 * search in the first payload of every flow, 4 KiB at most.
 */
#include "censor/internal.h"

static bool fits(const censor_cfg *cfg)
{
    for (size_t i = 0; i < cfg->names_n; i++)
        if (cfg->names[i][0] == '\0')
            return false;
    return cfg->names_n > 0;
}

static bool holds(qn_slice text, const char *word)
{
    size_t n = strlen(word);

    for (size_t at = 0; at + n <= text.n; at++)
        if (memcmp(text.p + at, word, n) == 0)
            return true;
    return false;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    if (!censor_first(c, f, direction, bytes))
        return pass();
    for (size_t i = 0; i < c->cfg.names_n; i++)
        if (holds(qn_slice_of(f->first, f->first_n), c->cfg.names[i]))
            return censor_catch(c, f, CENSOR_RESET, now);
    return pass();
}

const censor_kind censor_keyword = {.name = "keyword", .fits = fits, .see = see};
