#include "exit/rate.h"

#include "base/bytes.h"

/* Fills by whole tokens and keeps the rest of the time, so that no rounding adds up. */
static void fill(qn_rate *r, const qn_grant *g, qn_time now)
{
    qn_time past = now - r->at;
    uint64_t tokens;

    if (r->at == 0 || past >= g->period) {
        r->used -= QN_MIN(r->used, r->at == 0 ? r->used : past / g->period * g->amount);
        past %= g->period;
        r->at = now - past;
    }
    tokens = past * g->amount / g->period;
    r->used -= QN_MIN(r->used, tokens);
    r->at += tokens * g->period / g->amount;
    if (r->used == 0)
        r->at = now;
}

qn_time qn_rate_wait(qn_rate *r, const qn_grant *g, qn_time now)
{
    uint64_t debt;

    if (g->amount == 0)
        return 0;
    fill(r, g, now);
    if (r->used < g->amount)
        return 0;
    debt = QN_MIN(r->used - g->amount + 1, g->amount);
    return r->at + (debt * g->period + g->amount - 1) / g->amount;
}

void qn_rate_spend(qn_rate *r, const qn_grant *g, uint64_t n)
{
    if (g->amount != 0)
        r->used += n;
}
