#include "htx/watch.h"

#include "tls/numbers.h"

#define ARMED_FOR (60 * QN_SEC) /* as long as C tries: docs/wire/htx.md, "C's side" */
#define DATA_MIN 17             /* an application record is an inner type and a tag at least */

void qn_htx_watch_init(qn_htx_watch *w, const qn_htx_watch_cfg *cfg)
{
    *w = (qn_htx_watch){.cfg = *cfg, .state = QN_HTX_ANSWER};
}

static void untie(qn_htx_watch *w)
{
    w->state = QN_HTX_UNTIED;
}

void qn_htx_watch_ended(qn_htx_watch *w)
{
    untie(w);
}

/* ---- C ----------------------------------------------------------------------------------------
 */

static bool client_head(qn_htx_watch *w)
{
    uint16_t size = qn_htx_boundary_size(&w->c);

    if (!qn_htx_boundary_sound(&w->c))
        return false;
    if (qn_htx_boundary_type(&w->c) == QN_TLS_CCS) {
        bool first = !w->c_ccs && w->done == 0 && size == 1;

        w->c_ccs = true;
        return first;
    }
    return qn_htx_boundary_type(&w->c) == QN_TLS_DATA && size >= DATA_MIN;
}

static void client_data(qn_htx_watch *w, qn_time now, uint16_t size)
{
    if (w->done < UINT8_MAX)
        w->done++;
    if (w->state == QN_HTX_REQUEST && w->done >= w->cfg.requests) {
        w->state = QN_HTX_PAGE;
    } else if (w->state == QN_HTX_SECOND && w->c_began == QN_HTX_SECOND && size == w->cfg.second) {
        w->state = QN_HTX_ARMED;
        w->armed = now;
    }
}

static bool client_part(qn_htx_watch *w, qn_time now, const qn_htx_part *part)
{
    if (part->head)
        return client_head(w);
    if (part->body.n == 0) /* within a header */
        return true;
    if (qn_htx_boundary_type(&w->c) == QN_TLS_CCS)
        return part->body.p[0] == 1;
    if (part->end)
        client_data(w, now, qn_htx_boundary_size(&w->c));
    return true;
}

void qn_htx_watch_client(qn_htx_watch *w, qn_time now, const uint8_t *p, size_t n)
{
    while (n > 0 && w->state != QN_HTX_UNTIED) {
        qn_htx_part part;
        size_t took;

        if (w->state < QN_HTX_REQUEST) { /* no browser speaks before it has seen the flight */
            untie(w);
            return;
        }
        if (w->c.head_n == 0)
            w->c_began = w->state;
        took = qn_htx_boundary_step(&w->c, p, n, &part);
        p += took;
        n -= took;
        if (!client_part(w, now, &part))
            untie(w);
    }
}

/* ---- O ----------------------------------------------------------------------------------------
 */

static bool origin_head(qn_htx_watch *w)
{
    uint16_t size = qn_htx_boundary_size(&w->o);
    bool first;

    if (!qn_htx_boundary_sound(&w->o))
        return false;
    switch (qn_htx_boundary_type(&w->o)) {
    case QN_TLS_HANDSHAKE:
        return w->state == QN_HTX_ANSWER;
    case QN_TLS_CCS:
        first = w->state == QN_HTX_FLIGHT && !w->o_ccs && !w->o_data && size == 1;
        w->o_ccs = true;
        return first;
    case QN_TLS_DATA:
        w->o_data = true;
        return w->state != QN_HTX_ANSWER && size >= DATA_MIN && size != w->cfg.alert;
    default:
        return false;
    }
}

/* The row is done once C has been sent everything heard so far. */
static void wait_sent(qn_htx_watch *w)
{
    if (w->must_send == 0)
        w->must_send = w->heard;
}

static void origin_data(qn_htx_watch *w, uint16_t size)
{
    if (w->state == QN_HTX_FLIGHT) {
        w->flown += size;
        if (w->flown >= (w->hello.resumed ? w->cfg.flight_r : w->cfg.flight))
            wait_sent(w);
    } else if (w->state == QN_HTX_PAGE && w->o_began == QN_HTX_PAGE && size >= QN_HTX_PROOF_MIN) {
        wait_sent(w);
    }
}

static bool origin_part(qn_htx_watch *w, const qn_htx_part *part)
{
    uint16_t size = qn_htx_boundary_size(&w->o);

    if (part->head)
        return origin_head(w);
    if (part->body.n == 0)
        return true;
    switch (qn_htx_boundary_type(&w->o)) {
    case QN_TLS_HANDSHAKE:
        if (!qn_htx_server_hello_feed(&w->hello, w->cfg.session_id, size, part->body))
            return false;
        if (part->end)
            w->state = QN_HTX_FLIGHT;
        return !part->end || qn_htx_server_hello_sound(&w->hello);
    case QN_TLS_CCS:
        return part->body.p[0] == 1;
    default:
        if (part->end)
            origin_data(w, size);
        return true;
    }
}

/* ARMED, between records: R must not have begun to leave when it is to be replaced. */
static qn_htx_word look_ahead(const uint8_t *p, size_t n, size_t *record)
{
    qn_htx_boundary b = {0};
    qn_htx_part part;

    (void)qn_htx_boundary_step(&b, p, n, &part);
    if (!part.head)
        return QN_HTX_HOLD;
    if (!qn_htx_boundary_sound(&b) || qn_htx_boundary_type(&b) != QN_TLS_DATA ||
        qn_htx_boundary_size(&b) < QN_HTX_PROOF_MIN)
        return QN_HTX_PASS;
    *record = (size_t)QN_RECORD_HEADER + qn_htx_boundary_size(&b);
    return n < *record ? QN_HTX_HOLD : QN_HTX_PROVE;
}

qn_htx_word qn_htx_watch_origin(qn_htx_watch *w, qn_time now, const uint8_t *p, size_t n,
                                size_t *used, size_t *record)
{
    size_t at = 0;

    while (at < n && w->state != QN_HTX_UNTIED) {
        qn_htx_part part;
        size_t took;

        if (w->o.head_n == 0 && w->state == QN_HTX_ARMED) {
            qn_htx_word word;

            if (now - w->armed > ARMED_FOR) {
                untie(w);
                break;
            }
            word = look_ahead(p + at, n - at, record);
            *used = at;
            if (word != QN_HTX_PASS)
                return word;
        }
        if (w->o.head_n == 0)
            w->o_began = w->state;
        took = qn_htx_boundary_step(&w->o, p + at, n - at, &part);
        at += took;
        w->heard += took;
        if (!origin_part(w, &part))
            untie(w);
    }
    *used = n;
    return QN_HTX_PASS;
}

void qn_htx_watch_sent(qn_htx_watch *w, uint64_t n)
{
    w->sent += n;
    if (w->must_send == 0 || w->sent < w->must_send)
        return;
    w->must_send = 0;
    if (w->state == QN_HTX_FLIGHT)
        w->state = QN_HTX_REQUEST;
    else if (w->state == QN_HTX_PAGE)
        w->state = QN_HTX_SECOND;
}
