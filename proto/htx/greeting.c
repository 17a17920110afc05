#include "htx/greeting.h"

#include "base/bytes.h"
#include "tls/hello.h"

void qn_htx_greeting_clear(qn_htx_greeting *g, qn_env *env)
{
    qn_mem_put(&env->mem, g->kept, g->cap);
    *g = (qn_htx_greeting){0};
}

/* The header is whole and fine: qn_tls_hello_find asked for more. */
static qn_err make_room(qn_htx_greeting *g, qn_env *env, const uint8_t *header)
{
    size_t cap = QN_RECORD_HEADER + (size_t)qn_get16(header + 3);

    g->kept = qn_mem_get(&env->mem, cap);
    if (g->kept == NULL)
        return QN_NOMEM;
    g->cap = cap;
    return QN_OK;
}

/* A hello that is still short, its first read: n bytes. */
static qn_err begin(qn_htx_greeting *g, qn_env *env, const uint8_t *p, size_t n)
{
    qn_err err = QN_OK;

    if (n >= QN_RECORD_HEADER)
        err = make_room(g, env, p);
    if (err != QN_OK)
        return err;
    memcpy(g->kept != NULL ? g->kept : g->head, p, n);
    g->n = n;
    return QN_SHORT;
}

/* Fills up the header. QN_OK: it is whole, and there is room for what it promises. */
static qn_err fill_header(qn_htx_greeting *g, qn_env *env, const uint8_t *p, size_t n, size_t *used)
{
    qn_slice message;
    qn_err err;

    *used = QN_MIN(n, QN_RECORD_HEADER - g->n);
    memcpy(g->head + g->n, p, *used);
    g->n += *used;
    err = qn_tls_hello_find(g->head, g->n, &message);
    if (err != QN_SHORT || g->n < QN_RECORD_HEADER)
        return err;
    err = make_room(g, env, g->head);
    if (err == QN_OK)
        memcpy(g->kept, g->head, sizeof g->head);
    return err;
}

qn_err qn_htx_greeting_feed(qn_htx_greeting *g, qn_env *env, const uint8_t *p, size_t n,
                            qn_slice *record, size_t *behind)
{
    size_t used = 0, more;
    qn_slice message;
    qn_err err;

    if (g->n == 0) {
        err = qn_tls_hello_find(p, n, &message);
        if (err == QN_SHORT)
            return begin(g, env, p, n);
        if (err != QN_OK)
            return err;
        *record = qn_slice_of(p, QN_RECORD_HEADER + message.n);
        *behind = n - record->n;
        return QN_OK;
    }
    if (g->kept == NULL) {
        err = fill_header(g, env, p, n, &used);
        if (err != QN_OK)
            return err;
    }
    more = QN_MIN(n - used, g->cap - g->n);
    memcpy(g->kept + g->n, p + used, more);
    g->n += more;
    err = qn_tls_hello_find(g->kept, g->n, &message);
    if (err != QN_OK)
        return err;
    *record = qn_slice_of(g->kept, g->n);
    *behind = n - used - more;
    return QN_OK;
}
