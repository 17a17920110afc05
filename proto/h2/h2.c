#include "h2/internal.h"

void qn_h2_fail(qn_h2 *h, qn_err err)
{
    if (h->err == QN_OK)
        h->err = err;
}

qn_h2_exchange *qn_h2_of_stream(qn_h2 *h, uint32_t stream)
{
    for (unsigned i = 0; i < QN_LEN(h->exchange) && stream > 0; i++) {
        qn_h2_exchange *x = h->exchange[i];

        if (x != NULL && x->stream == stream && !x->closed)
            return x;
    }
    return NULL;
}

void qn_h2_close(qn_h2_exchange *x, qn_err err)
{
    x->closed = true;
    x->err = err;
}

uint32_t qn_h2_setting_of(const qn_h2_profile *p, uint16_t id, uint32_t otherwise)
{
    for (unsigned i = 0; i < p->setting_n; i++)
        if (p->setting[i].id == id)
            return p->setting[i].value;
    return otherwise;
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

static size_t size_of(size_t authority_n)
{
    return sizeof(qn_h2) + authority_n + sizeof "https:///" - 1;
}

static void set_up(qn_h2 *h, qn_env *env, const qn_h2_cfg *cfg)
{
    h->env = env;
    h->profile = cfg->profile;
    h->mem = qn_h2_mem(env);
    h->held = cfg->profile->waits && !cfg->resumed;
    h->next_stream = (uint32_t)cfg->profile->first_stream;
    h->streams_max = QN_H2_REQUESTS_MAX;
    h->last_stream = UINT32_MAX;
    h->credited = NGHTTP2_INITIAL_WINDOW_SIZE;
    h->authority_n = (uint8_t)cfg->authority.n;
    memcpy(h->referer, "https://", 8);
    memcpy(h->referer + 8, cfg->authority.p, cfg->authority.n);
    h->referer[8 + cfg->authority.n] = '/';
    qn_h2_hpack_init(&h->hpack, cfg->profile->plain_hpack, &env->mem);
}

qn_err qn_h2_new(qn_h2 **out, qn_env *env, const qn_h2_cfg *cfg)
{
    qn_h2 *h;

    if (cfg->authority.n > QN_H2_NAME_MAX)
        return QN_LIMIT;
    if (!graphic(cfg->authority))
        return QN_PROTO;
    h = qn_mem_get(&env->mem, size_of(cfg->authority.n));
    if (h == NULL)
        return QN_NOMEM;
    set_up(h, env, cfg);
    qn_h2_say_first(h);
    if (h->err != QN_OK) {
        qn_err err = h->err;

        qn_h2_free(h);
        return err;
    }
    *out = h;
    return QN_OK;
}

static void exchange_free(qn_h2 *h, unsigned i)
{
    qn_h2_exchange *x = h->exchange[i];

    h->exchange[i] = NULL;
    if (x != NULL)
        qn_mem_put(&h->env->mem, x, sizeof *x + x->path_n);
}

void qn_h2_free(qn_h2 *h)
{
    qn_mem *mem = &h->env->mem;

    for (unsigned i = 0; i < QN_LEN(h->exchange); i++)
        exchange_free(h, i);
    if (h->inflater != NULL)
        nghttp2_hd_inflate_del(h->inflater);
    qn_h2_hpack_clear(&h->hpack);
    qn_queue_clear(&h->out, mem);
    qn_mem_put(mem, h, size_of(h->authority_n));
}

/* ---- bytes --------------------------------------------------------------------------------------
 */

qn_err qn_h2_push(qn_h2 *h, qn_slice in)
{
    if (h->err != QN_OK)
        return QN_GONE;
    qn_h2_burst(h);
    qn_h2_read(h, in);
    qn_h2_burst(h);
    qn_h2_ask(h);
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

static qn_err exchange_new(qn_h2 *h, qn_h2_exchange **at, qn_slice path)
{
    qn_h2_exchange *x = qn_mem_get(&h->env->mem, sizeof *x + path.n);

    if (x == NULL)
        return QN_NOMEM;
    x->path_n = (uint8_t)path.n;
    memcpy(x->path, path.p, path.n);
    *at = x;
    return QN_OK;
}

qn_err qn_h2_request(qn_h2 *h, qn_h2_kind kind, qn_slice path, uint64_t largest, uint32_t *id)
{
    unsigned i = 0;
    qn_err err;

    if (path.n > QN_H2_PATH_MAX)
        return QN_LIMIT;
    if (!graphic(path) || path.p[0] != '/')
        return QN_PROTO;
    if (h->err != QN_OK || h->going)
        return QN_GONE;
    while (i < QN_LEN(h->exchange) && h->exchange[i] != NULL)
        i++;
    if (i == QN_LEN(h->exchange))
        return QN_BUSY;
    err = exchange_new(h, &h->exchange[i], path);
    if (err != QN_OK)
        return err;
    h->exchange[i]->kind = kind;
    h->exchange[i]->largest = largest;
    h->exchange[i]->id = *id = ++h->last_id;
    qn_h2_burst(h);
    qn_h2_ask(h);
    return QN_OK;
}

void qn_h2_leave(qn_h2 *h)
{
    if (h->err != QN_OK)
        return;
    h->going = h->going_told = true;
    qn_h2_burst(h);
    qn_h2_say_goaway(h, NGHTTP2_NO_ERROR);
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
    return true;
}

bool qn_h2_next(qn_h2 *h, qn_h2_event *ev)
{
    for (unsigned i = 0; i < QN_LEN(h->exchange); i++)
        if (h->exchange[i] != NULL && tell(h->exchange[i], ev)) {
            if (ev->type == QN_H2_DONE)
                exchange_free(h, i);
            return true;
        }
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
