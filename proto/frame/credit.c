#include "frame/credit.h"

/* Half a window in less than a second: growing pays; in more than four: it was too large. */
#define QN_CREDIT_SPAN QN_SEC
#define QN_CREDIT_AHEAD UINT32_MAX /* of what was used: no window of ours comes near */

uint64_t qn_budget_take(qn_budget *b, uint64_t want)
{
    uint64_t left = b->limit > b->used ? b->limit - b->used : 0;
    uint64_t n = QN_MIN(want, left);

    b->used += n;
    return n;
}

void qn_budget_give(qn_budget *b, uint64_t n)
{
    QN_ASSERT(n <= b->used);
    b->used -= n;
}

void qn_credit_rx_init(qn_credit_rx *rx, uint32_t base, uint32_t max, qn_time now)
{
    *rx = (qn_credit_rx){.limit = base, .granted = now, .window = base, .base = base, .max = max};
}

qn_err qn_credit_take(qn_credit_rx *rx, uint64_t n)
{
    if (n > rx->limit - rx->received)
        return QN_CREDIT;
    rx->received += n;
    return QN_OK;
}

/* What the sender may still make us hold, beyond the base everybody has. */
static uint32_t exposure(const qn_credit_rx *rx)
{
    uint64_t held = rx->limit - rx->returned;

    return held > rx->base ? (uint32_t)(held - rx->base) : 0;
}

bool qn_credit_due(const qn_credit_rx *rx)
{
    return rx->returned + rx->window >= rx->limit + rx->window / 2;
}

bool qn_credit_return(qn_credit_rx *rx, qn_budget *budget, uint64_t n)
{
    uint32_t over;

    QN_ASSERT(n <= rx->received - rx->returned);
    rx->returned += n;
    over = exposure(rx);
    if (over < rx->over) {
        if (budget != NULL)
            qn_budget_give(budget, rx->over - over);
        rx->over = over;
    }
    return qn_credit_due(rx);
}

static uint32_t next_window(const qn_credit_rx *rx, qn_time now)
{
    qn_time took = now - rx->granted;
    bool drained = rx->received - rx->returned <= rx->window / 4;

    if (took < QN_CREDIT_SPAN && drained)
        return rx->window > rx->max / 2 ? rx->max : rx->window * 2;
    if (took > 4 * QN_CREDIT_SPAN)
        return QN_MAX(rx->window / 2, rx->base);
    return rx->window;
}

uint64_t qn_credit_grant(qn_credit_rx *rx, qn_budget *budget, qn_time now)
{
    uint32_t want, got;

    rx->window = next_window(rx, now);
    rx->granted = now;
    want = rx->window - rx->base;
    if (want > rx->over) {
        got = want - rx->over;
        if (budget != NULL)
            got = (uint32_t)qn_budget_take(budget, got);
        rx->over += got;
        rx->window =
            rx->base + rx->over; /* not more than could be had; the next grant asks again */
    }
    if (rx->returned + rx->window > rx->limit)
        rx->limit = rx->returned + rx->window;
    return rx->limit;
}

void qn_credit_release(qn_credit_rx *rx, qn_budget *budget)
{
    if (budget != NULL)
        qn_budget_give(budget, rx->over);
    rx->over = 0;
}

qn_err qn_credit_raise(qn_credit_tx *tx, uint64_t limit)
{
    if (limit < tx->limit || limit - tx->used > QN_CREDIT_AHEAD)
        return QN_PROTO;
    tx->limit = limit;
    return QN_OK;
}
