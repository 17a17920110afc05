/* The ends of a link that its origin would have ended so too. docs/wire/htx.md, "Ends". */
#include "htx/peer.h"

#include "tls/numbers.h"

enum { WARNING = 1, FATAL = 2 };

/* P's last word, then both legs end. */
static void leave(qn_htx_peer *p, const uint8_t *alert, unsigned reset, qn_err err)
{
    qn_err said = QN_OK;

    if (alert != NULL && !qn_htx_peer_mute(p))
        said = qn_htx_traffic_alert(&p->bond->traffic, alert[0], alert[1], p->site->alert,
                                    qn_htx_peer_out(p));
    if (said != QN_OK) {
        qn_htx_peer_fail(p, err);
        return;
    }
    qn_htx_splice_leave(&p->visit.splice, reset, err);
    qn_htx_peer_drop(p);
    p->state = QN_HTX_PEER_RAW;
}

static const uint8_t close_notify[2] = {WARNING, QN_TLS_CLOSE_NOTIFY};

/* As the origin ends after an alert; its own answer to it is not waited for. */
static void follow(qn_htx_peer *p, const qn_htx_parting *how, bool reset_origin, qn_err err)
{
    leave(p, how->alert ? close_notify : NULL, (how->reset ? 1u : 0u) | (reset_origin ? 2u : 0u),
          err);
}

void qn_htx_peer_alerted(qn_htx_peer *p, const uint8_t alert[2])
{
    qn_err err = p->state == QN_HTX_PEER_LEAVING ? QN_OK : QN_GONE;

    if (alert[1] == QN_TLS_CLOSE_NOTIFY)
        follow(p, &p->site->after_notify, false, err);
    else
        follow(p, &p->site->after_fatal, true, err);
}

void qn_htx_peer_closed(qn_htx_peer *p)
{
    follow(p, &p->site->after_notify, false, QN_OK);
}

void qn_htx_peer_close(qn_htx_peer *p, uint16_t code)
{
    static const uint8_t unexpected[2] = {FATAL, QN_TLS_UNEXPECTED_MESSAGE};
    bool malformed = code == QN_CLOSE_MALFORMED;
    unsigned reset = (p->site->after_notify.reset ? 1u : 0u) | (malformed ? 2u : 0u);

    if (!p->bond->traffic.close_sent && (p->bond->traffic.close_got || !malformed)) {
        p->state = QN_HTX_PEER_LEAVING;
        p->bond->leave =
            p->bond->traffic.close_got ? qn_htx_peer_patience(p) : p->env->now + QN_HTX_LEAVE;
        return;
    }
    leave(p, malformed ? unexpected : close_notify, reset, QN_OK);
}

/* ---- O ends -----------------------------------------------------------------------------------
 */

void qn_htx_peer_origin_over(qn_htx_peer *p, bool reset)
{
    qn_htx_bond *b = p->bond;

    if (b->o_over)
        return;
    b->o_over = true;
    b->until = p->env->now + p->site->drain * QN_SEC;
    b->traffic.carry.reset = reset;
    qn_htx_peer_busy(p, b->busy);
}

void qn_htx_peer_busy(qn_htx_peer *p, bool open)
{
    qn_htx_bond *b = p->bond;
    qn_time now = p->env->now;

    b->busy = open;
    if (b->o_over && open && b->until > now)
        qn_htx_carry_end(&b->traffic.carry, b->traffic.carry.reset,
                         (uint16_t)((b->until - now) / QN_SEC));
}

/* What the link still has to say leaves before it ends, unless nobody reads it. */
static bool may_end(const qn_htx_peer *p)
{
    const qn_htx_bond *b = p->bond;

    return b->o_over &&
           (p->env->now >= b->until || (!b->busy && p->visit.splice.leg[0].out.bytes == 0));
}

qn_time qn_htx_peer_part_due(const qn_htx_peer *p)
{
    if (p->state == QN_HTX_PEER_LEAVING)
        return p->bond->leave;
    return may_end(p) ? p->env->now : p->bond->until;
}

void qn_htx_peer_part_tick(qn_htx_peer *p)
{
    uint8_t frame[QN_FRAME_CLOSE_SIZE];
    size_t n;
    qn_err err;

    if (p->state == QN_HTX_PEER_LEAVING && p->env->now >= p->bond->leave) {
        qn_htx_peer_closed(p);
        return;
    }
    if (p->state != QN_HTX_PEER_QNET || !may_end(p))
        return;
    /* A link in use has had its time to move; it may still go on upon another carrier. */
    n = qn_frame_put_close(frame, 0, p->bond->busy ? QN_CLOSE_MOVED : QN_CLOSE_GONE);
    (void)qn_htx_traffic_own(&p->bond->traffic, frame + n, 0,
                             false); /* nothing else in this record */
    err = qn_htx_peer_mute(p) ? QN_OK
                              : qn_htx_traffic_seal(&p->bond->traffic, qn_slice_of(frame, n),
                                                    qn_slice_of(NULL, 0), qn_htx_peer_out(p));
    if (err != QN_OK)
        qn_htx_peer_fail(p, err);
    else
        leave(p, close_notify, p->site->after_notify.reset ? 1 : 0, QN_GONE);
}
