/*
 * Whether a carrier that says nothing still carries. A link knows what it may expect: whatever it
 * sealed is acknowledged, and a ping is answered. How long that takes is learned as TCP does
 * (RFC 6298), without its variance: a carrier that is left too early costs a dial, no byte.
 */
#include "link/internal.h"

/* A record that has begun goes on, and a ping is answered, whatever the peer is busy with: TCP has
 * repeated a lost segment thrice by then. An acknowledgement may wait for the peer's pace. */
#define PATIENCE_FIRST (5 * QN_SEC)
#define PATIENCE_MIN (3 * QN_SEC)
#define PATIENCE_MAX (15 * QN_SEC)

void qn_stall_begin(qn_link *l)
{
    l->unacked_at = QN_NEVER;
    l->timed = 0;
}

void qn_stall_sealed(qn_link *l)
{
    if (l->log.pos.units == l->log.heard)
        return;
    if (l->unacked_at == QN_NEVER)
        l->unacked_at = l->env->now;
    if (l->timed == 0) {
        l->timed = l->log.pos.units;
        l->timed_at = l->env->now;
    }
}

void qn_stall_acked(qn_link *l)
{
    qn_time took = l->env->now - l->timed_at;

    l->unacked_at = l->log.pos.units == l->log.heard ? QN_NEVER : l->env->now;
    if (l->timed == 0 || l->log.heard < l->timed)
        return;
    l->srtt = l->srtt == 0 ? took : l->srtt - l->srtt / 8 + took / 8;
    l->timed = 0;
}

static qn_time for_acknowledgement(const qn_link *l)
{
    qn_time p = l->srtt == 0 ? PATIENCE_FIRST : 4 * l->srtt;

    return QN_MIN(QN_MAX(p, PATIENCE_MIN + l->pace.after), PATIENCE_MAX);
}

static qn_time later(qn_time since, qn_time heard, qn_time patience)
{
    return since == QN_NEVER ? QN_NEVER : QN_MAX(since, heard) + patience;
}

qn_time qn_link_stalls_at(const qn_link *l, qn_time heard, bool midway)
{
    qn_time at;

    if (l->carrier == NULL || l->over)
        return QN_NEVER;
    if (midway)
        return heard + PATIENCE_MIN;
    at = later(l->unacked_at, heard, for_acknowledgement(l));
    return QN_MIN(at, later(l->ping_at, heard, QN_MAX(PATIENCE_MIN, l->srtt)));
}
