/*
 * Throttling by policing. Flows whose hello names a listed site, or all flows when none is listed,
 * pass a token bucket each way, and what finds it empty is lost. Source: Xue et al., "Throttling
 * Twitter: An Emerging Censorship Technique in Russia" (IMC 2021), who measured 130 to 150 kbit/s,
 * in packets lost above that rate and none delayed. They say nothing of the bucket's depth.
 *
 * A piece larger than the bucket passes when that is full, and is paid for afterwards: simulated
 * messages are. Cost: two buckets per flow, and the first payload when names are listed.
 */
#include "censor/internal.h"

enum { BURST_MIN = 1500 };

static bool fits(const censor_cfg *cfg)
{
    const uint64_t most = UINT64_C(1) << 33; /* bits, so that no product overflows */

    return cfg->rate > 0 && cfg->rate <= most && cfg->burst >= BURST_MIN && cfg->burst <= most / 8;
}

/* What a bucket of `room` bits holds after `passed` more; it never lacks so much that this takes
 * longer than an hour to say, so seconds and the rest are counted apart. */
static int64_t fill(int64_t tokens, int64_t room, uint64_t rate, qn_time passed)
{
    uint64_t seconds = QN_MIN(passed / QN_SEC, (qn_time)3600);
    uint64_t bits = seconds * rate + passed % QN_SEC / 1000 * rate / (QN_SEC / 1000);

    return bits >= (uint64_t)(room - tokens) ? room : tokens + (int64_t)bits;
}

static qn_time time_for(int64_t bits, uint64_t rate)
{
    uint64_t n = (uint64_t)bits;

    return n / rate * QN_SEC + (n % rate * QN_SEC + rate - 1) / rate;
}

censor_verdict censor_police(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                             size_t n)
{
    int64_t room = (int64_t)c->cfg.burst * 8, need = QN_MIN((int64_t)n * 8, room);
    int64_t *tokens = &f->tokens[direction];
    qn_time *filled = &f->filled[direction], ahead = *filled > now ? *filled - now : 0;

    if (ahead == 0) { /* else what waited has been paid for in advance */
        *tokens = *filled == 0 ? room : fill(*tokens, room, c->cfg.rate, now - *filled);
        *filled = now;
    }
    if (ahead == 0 && *tokens >= need) {
        *tokens -= (int64_t)n * 8;
        return pass();
    }
    c->stats.lost++;
    return (censor_verdict){
        .act = CENSOR_LOSE,
        .wait = ahead + (*tokens < need ? time_for(need - *tokens, c->cfg.rate) + QN_US : 0)};
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    censor_hello h;
    censor_read read;

    (void)now;
    if (f->judged)
        return pass();
    f->slow = c->cfg.names_n == 0;
    if (!f->slow) {
        if (!censor_first(c, f, direction, bytes))
            return pass();
        read = censor_hello_read(&h, qn_slice_of(f->first, f->first_n));
        if (read == CENSOR_MORE)
            return pass();
        f->slow = read == CENSOR_HELLO && censor_names(&c->cfg, h.name);
    }
    f->judged = true;
    c->stats.slowed += f->slow;
    return pass(); /* its bytes are counted by censor_police */
}

const censor_kind censor_throttle = {.name = "throttle", .fits = fits, .see = see};
