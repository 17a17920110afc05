/*
 * Throttling. Flows whose hello names a listed site, or all flows when none is listed, get no more
 * than `rate` each way. Source: Xue et al., "Throttling Twitter: An Emerging Censorship Technique
 * in Russia" (IMC 2021), which measured 130 to 150 kbit/s by a policer that drops what is above.
 *
 * Here bytes wait, and none is lost: congestion control sees a thin link, not a lossy one, so a
 * flow fares somewhat better than under the real policer. Cost: two counters per flow, and the
 * first payload when names are listed.
 */
#include "censor/internal.h"

static bool fits(const censor_cfg *cfg)
{
    return cfg->rate > 0;
}

static censor_verdict slow(censor_flow *f, uint64_t rate, censor_direction direction, qn_time now,
                           size_t n)
{
    qn_time *free_at = &f->free_at[direction];
    uint64_t bits = (uint64_t)n * 8;

    *free_at = QN_MAX(*free_at, now) + bits / rate * QN_SEC + bits % rate * QN_SEC / rate;
    return (censor_verdict){.act = CENSOR_PASS, .wait = *free_at - now};
}

static void judge(censor *c, censor_flow *f, censor_direction direction, qn_slice bytes)
{
    censor_hello h;
    censor_read read;

    if (f->judged)
        return;
    f->slow = c->cfg.names_n == 0;
    if (!f->slow) {
        if (!censor_first(c, f, direction, bytes))
            return;
        read = censor_hello_read(&h, qn_slice_of(f->first, f->first_n));
        if (read == CENSOR_MORE)
            return;
        f->slow = read == CENSOR_HELLO && censor_names(&c->cfg, h.name);
    }
    f->judged = true;
    c->stats.slowed += f->slow;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    judge(c, f, direction, bytes);
    return f->slow ? slow(f, c->cfg.rate, direction, now, bytes.n) : pass();
}

const censor_kind censor_throttle = {.name = "throttle", .fits = fits, .see = see};
