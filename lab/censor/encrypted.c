/*
 * Fully encrypted traffic. A flow is blocked when its first payload looks like nothing known: five
 * rules exempt what has few or many set bits, begins with six printable bytes, is printable by more
 * than half, holds a run of more than 20 printable bytes, or begins like TLS or HTTP. Source: Wu et
 * al., "How the Great Firewall of China Detects and Blocks Fully Encrypted Traffic" (USENIX
 * Security 2023), algorithm 1; there 26.3 % of matching connections were blocked (`share`), for
 * 180 s (`penalty`). The rules are those of tools/probe-lab too.
 *
 * The paper's rule for TLS exempts flows that begin with application data (0x17), which no TLS
 * client does: the bare carrier's record shells pass by it. `strict` wants a handshake record
 * there.
 *
 * The paper's censor looks at the first TCP segment and only at addresses of some hosting networks.
 * Cost: one pass over at most 1,448 bytes per flow, no state but the verdict.
 */
#include "base/env.h"
#include "censor/internal.h"

enum { SEGMENT = 1448, RUN = 20 };

static bool fits(const censor_cfg *cfg)
{
    return cfg->share > 0 && cfg->share <= 1000;
}

static bool printable(uint8_t b)
{
    return b >= 0x20 && b <= 0x7e;
}

static bool begins_like_a_protocol(qn_slice s, bool strict)
{
    static const char *const words[] = {"GET ", "PUT ", "POST ", "HEAD "};

    for (size_t i = 0; i < QN_LEN(words); i++)
        if (s.n >= strlen(words[i]) && memcmp(s.p, words[i], strlen(words[i])) == 0)
            return true;
    return s.n >= 3 && (s.p[0] == 0x16 || (s.p[0] == 0x17 && !strict)) && s.p[1] == 3 &&
           s.p[2] <= 9;
}

static bool looks_printable(qn_slice s)
{
    size_t all = 0, run = 0, longest = 0, start = 0;

    for (size_t i = 0; i < s.n; i++) {
        run = printable(s.p[i]) ? run + 1 : 0;
        all += run > 0;
        start += run == i + 1;
        longest = QN_MAX(longest, run);
    }
    return start >= 6 || all * 2 > s.n || longest > RUN;
}

static bool bits_stand_out(qn_slice s)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < s.n; i++)
        bits += (uint64_t)__builtin_popcount(s.p[i]);
    return bits * 10 <= s.n * 34 || bits * 10 >= s.n * 46;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    qn_slice first = qn_slice_of(bytes.p, QN_MIN(bytes.n, (size_t)SEGMENT));

    if (f->judged || first.n == 0)
        return pass();
    f->judged = true;
    if (direction == CENSOR_DOWN)
        return pass(); /* a server that speaks first is not what the paper's censor looks for */
    censor_inspected(c, f, first.n);
    if (begins_like_a_protocol(first, c->cfg.strict) || bits_stand_out(first) ||
        looks_printable(first) || qn_rng_below(c->env, 1000) >= c->cfg.share)
        return pass();
    return censor_catch(c, f, CENSOR_DROP, now);
}

const censor_kind censor_encrypted = {.name = "encrypted", .fits = fits, .see = see};
