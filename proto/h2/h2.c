#include "h2/internal.h"

void qn_h2_fail(qn_h2 *h, qn_err err)
{
    if (h->err == QN_OK)
        h->err = err;
}

qn_err qn_h2_err_of(int nghttp2_error)
{
    switch (nghttp2_error) {
    case 0:
        return QN_OK;
    case NGHTTP2_ERR_NOMEM:
        return QN_NOMEM;
    case NGHTTP2_ERR_FLOODED:
        return QN_LIMIT;
    default:
        return QN_PROTO;
    }
}

qn_h2_exchange *qn_h2_of_stream(qn_h2 *h, int32_t stream)
{
    for (unsigned i = 0; i < QN_LEN(h->exchange) && stream > 0; i++)
        if (h->exchange[i].id != 0 && h->exchange[i].stream == stream)
            return &h->exchange[i];
    return NULL;
}

static bool graphic(qn_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] > 0x7e)
            return false;
    return s.n > 0;
}

/* ---- life ---------------------------------------------------------------------------------------
 */

static qn_err begin(qn_h2 *h)
{
    const qn_h2_profile *p = h->profile;
    nghttp2_settings_entry iv[QN_H2_SETTINGS_MAX];
    qn_err err = qn_h2_hpack_init(&h->hpack, p->plain_hpack, &h->mem);

    if (err == QN_OK)
        err = qn_h2_session_open(h);
    if (err != QN_OK)
        return err;
    for (unsigned i = 0; i < p->setting_n; i++)
        iv[i] = (nghttp2_settings_entry){p->setting[i].id, p->setting[i].value};
    err = qn_h2_err_of(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, iv, p->setting_n));
    if (err == QN_OK)
        err = qn_h2_err_of(
            nghttp2_submit_window_update(h->session, NGHTTP2_FLAG_NONE, 0, (int32_t)p->window));
    if (err == QN_OK)
        err = qn_h2_err_of(nghttp2_session_set_next_stream_id(h->session, p->first_stream));
    if (err == QN_OK) {
        qn_h2_flush(h);
        err = h->err;
    }
    return err;
}

qn_err qn_h2_new(qn_h2 **out, qn_env *env, const qn_h2_cfg *cfg)
{
    qn_h2 *h;
    qn_err err;

    if (cfg->authority.n > QN_H2_NAME_MAX)
        return QN_LIMIT;
    if (!graphic(cfg->authority))
        return QN_PROTO;
    h = qn_mem_get(&env->mem, sizeof *h);
    if (h == NULL)
        return QN_NOMEM;
    h->env = env;
    h->profile = cfg->profile;
    h->mem = qn_h2_mem(env);
    h->held = cfg->profile->waits && !cfg->resumed;
    h->authority_n = (uint8_t)cfg->authority.n;
    memcpy(h->referer, "https://", 8);
    memcpy(h->referer + 8, cfg->authority.p, cfg->authority.n);
    h->referer[8 + cfg->authority.n] = '/';
    err = begin(h);
    if (err != QN_OK) {
        qn_h2_free(h);
        return err;
    }
    *out = h;
    return QN_OK;
}

void qn_h2_free(qn_h2 *h)
{
    qn_mem *mem = &h->env->mem;

    nghttp2_session_del(h->session);
    qn_h2_hpack_clear(&h->hpack);
    qn_queue_clear(&h->out, mem);
    qn_mem_put(mem, h, sizeof *h);
}

/* ---- bytes --------------------------------------------------------------------------------------
 */

/* Hands a request to nghttp2 for its order and its stream id; write.c makes the bytes. */
static qn_err submit(qn_h2 *h, qn_h2_exchange *x)
{
    static const char name[] = ":method", value[] = "GET";
    nghttp2_nv nv = {.name = (uint8_t *)(uintptr_t)name,
                     .namelen = sizeof name - 1,
                     .value = (uint8_t *)(uintptr_t)value,
                     .valuelen = sizeof value - 1};
    int32_t stream = nghttp2_submit_request(h->session, NULL, &nv, 1, NULL, NULL);

    if (stream < 0)
        return qn_h2_err_of(stream);
    x->stream = stream;
    return QN_OK;
}

/* Those that waited for the server's SETTINGS, oldest first. */
static void submit_held(qn_h2 *h)
{
    for (;;) {
        qn_h2_exchange *next = NULL;
        qn_err err;

        for (unsigned i = 0; i < QN_LEN(h->exchange); i++) {
            qn_h2_exchange *x = &h->exchange[i];

            if (x->id != 0 && x->stream == 0 && (next == NULL || x->id < next->id))
                next = x;
        }
        if (next == NULL)
            break;
        err = submit(h, next);
        if (err != QN_OK) {
            qn_h2_fail(h, err);
            return;
        }
    }
    qn_h2_flush(h);
}

qn_err qn_h2_push(qn_h2 *h, qn_slice in)
{
    bool held = h->held;
    ssize_t n;

    if (h->err != QN_OK)
        return QN_GONE;
    if (in.n == 0)
        return QN_OK;
    n = nghttp2_session_mem_recv(h->session, in.p, in.n);
    if (n < 0) {
        qn_h2_fail(h, qn_h2_err_of((int)n));
        return QN_OK;
    }
    qn_h2_flush(h);
    if (held && !h->held && h->err == QN_OK)
        submit_held(h);
    return QN_OK;
}

qn_slice qn_h2_peek(const qn_h2 *h)
{
    const qn_piece *head = qn_queue_head(&h->out);

    if (head == NULL)
        return (qn_slice){0};
    return qn_slice_of(qn_piece_data(head), head->len);
}

void qn_h2_consume(qn_h2 *h, size_t n)
{
    qn_queue_consume(&h->out, &h->env->mem, n);
}

/* ---- requests and what is told of them ----------------------------------------------------------
 */

qn_err qn_h2_request(qn_h2 *h, qn_h2_kind kind, qn_slice path, uint64_t largest, uint32_t *id)
{
    qn_h2_exchange *x = NULL;

    if (path.n > QN_H2_PATH_MAX)
        return QN_LIMIT;
    if (!graphic(path) || path.p[0] != '/')
        return QN_PROTO;
    if (h->err != QN_OK || h->going)
        return QN_GONE;
    for (unsigned i = 0; i < QN_LEN(h->exchange) && x == NULL; i++)
        if (h->exchange[i].id == 0)
            x = &h->exchange[i];
    if (x == NULL)
        return QN_BUSY;
    *x = (qn_h2_exchange){.kind = kind, .largest = largest, .path_n = (uint8_t)path.n};
    memcpy(x->path, path.p, path.n);
    if (!h->held) {
        qn_err err = submit(h, x);

        if (err != QN_OK)
            return err;
    }
    x->id = *id = ++h->last_id;
    if (!h->held)
        qn_h2_flush(h);
    return QN_OK;
}

/* Not by nghttp2_session_terminate_session(): that would say what the last stream was. */
void qn_h2_leave(qn_h2 *h)
{
    int rv;

    if (h->err != QN_OK)
        return;
    h->going = h->going_told = true;
    rv = nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    if (rv != 0)
        qn_h2_fail(h, qn_h2_err_of(rv));
    else
        qn_h2_flush(h);
}

static bool tell(qn_h2_exchange *x, qn_h2_event *ev)
{
    *ev = (qn_h2_event){.id = x->id};
    if (x->answered && !x->told) {
        x->told = true;
        ev->type = QN_H2_RESPONSE;
        ev->status = x->status;
        ev->date = x->date != 0 ? x->date + x->age : 0;
        ev->elsewhere = x->elsewhere;
        return true;
    }
    if (x->untold > 0) {
        ev->type = QN_H2_BODY;
        ev->n = x->untold;
        x->untold = 0;
        return true;
    }
    if (!x->closed)
        return false;
    ev->type = QN_H2_DONE;
    ev->err = x->err;
    *x = (qn_h2_exchange){0};
    return true;
}

bool qn_h2_next(qn_h2 *h, qn_h2_event *ev)
{
    for (unsigned i = 0; i < QN_LEN(h->exchange); i++)
        if (h->exchange[i].id != 0 && tell(&h->exchange[i], ev))
            return true;
    *ev = (qn_h2_event){0};
    if (h->going && !h->going_told) {
        h->going_told = true;
        ev->type = QN_H2_GOAWAY;
        return true;
    }
    if (h->err != QN_OK && !h->failed_told) {
        h->failed_told = true;
        ev->type = QN_H2_FAILED;
        ev->err = h->err;
        return true;
    }
    return false;
}
