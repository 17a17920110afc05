#include "link/delay.h"

#include "base/bytes.h"

#define STEP_MIN (10 * QN_US)

void qn_delay_queued(qn_delay *d, uint32_t stream, uint64_t mark, qn_time now)
{
    if (d->stream != 0)
        return;
    d->stream = stream;
    d->mark = mark;
    d->since = now;
}

/* A step up for each that is longer and a 99th of one down for each that is not: they balance where
 * one in a hundred is longer (Ma, Muthukrishnan and Sandler, Frugal Streaming, 2014). */
static void track_high(qn_delay *d, qn_time took)
{
    qn_time step = d->high / 16 + STEP_MIN;

    if (took > d->high)
        d->high = QN_MIN(d->high + step, took);
    else
        d->high -= QN_MIN(d->high, step / 99);
}

void qn_delay_sent(qn_delay *d, uint32_t stream, uint64_t sent, qn_time now)
{
    qn_time took = now - d->since;

    if (d->stream != stream || sent < d->mark)
        return;
    d->stream = 0;
    d->mean = d->mean - d->mean / 8 + took / 8;
    track_high(d, took);
}

void qn_delay_forget(qn_delay *d, uint32_t stream)
{
    if (d->stream == stream)
        d->stream = 0;
}
