#include "htx/greeting.h"

#include "tls/hello.h"

enum { KEPT = QN_RECORD_HEADER + QN_TLS_HELLO_MAX };

void qn_htx_greeting_clear(qn_htx_greeting *g, qn_env *env)
{
    qn_mem_put(&env->mem, g->kept, KEPT);
    *g = (qn_htx_greeting){0};
}

static qn_err keep(qn_htx_greeting *g, qn_env *env, const uint8_t *p, size_t n)
{
    if (g->kept == NULL)
        g->kept = qn_mem_get(&env->mem, KEPT);
    if (g->kept == NULL)
        return QN_NOMEM;
    memcpy(g->kept + g->n, p, n);
    g->n += n;
    return QN_OK;
}

qn_err qn_htx_greeting_feed(qn_htx_greeting *g, qn_env *env, const uint8_t *p, size_t n,
                            qn_slice *record, size_t *behind)
{
    size_t before = g->n, fits = QN_MIN(n, KEPT - before), size;
    bool all_here = before == 0;
    qn_slice message;
    qn_err err;

    if (!all_here) {
        err = keep(g, env, p, fits);
        if (err != QN_OK)
            return err;
    }
    err = all_here ? qn_tls_hello_find(p, n, &message) : qn_tls_hello_find(g->kept, g->n, &message);
    if (err == QN_SHORT && all_here) {
        qn_err kept = keep(g, env, p, n); /* a hello still short is shorter than the longest */

        return kept == QN_OK ? QN_SHORT : kept;
    }
    if (err != QN_OK)
        return err;
    size = QN_RECORD_HEADER + message.n;
    *record = qn_slice_of(message.p - QN_RECORD_HEADER, size);
    *behind = n - (size - before);
    return QN_OK;
}
