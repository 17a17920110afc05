#include "tls/tickets.h"

#include "tls/hello.h"
#include "tls/keys.h"

enum { EACH = 2 }; /* of one place: what both browsers keep */

typedef struct entry {
    qn_hash key;
    qn_tls_ticket ticket;
} entry;

/* Oldest first. Each by itself: most clients know few places, and all of them at once are 40 KiB.
 */
struct qn_tls_tickets {
    qn_mem *mem;
    unsigned n;
    entry *v[QN_TLS_CACHE_MAX];
};

qn_err qn_tls_tickets_new(qn_tls_tickets **out, qn_env *env)
{
    *out = qn_mem_get(&env->mem, sizeof **out);
    if (*out == NULL)
        return QN_NOMEM;
    (*out)->mem = &env->mem;
    return QN_OK;
}

void qn_tls_tickets_free(qn_tls_tickets *s, qn_env *env)
{
    if (s == NULL)
        return;
    qn_tls_tickets_clear(s);
    qn_mem_put(&env->mem, s, sizeof *s);
}

static void forget(qn_tls_tickets *s, entry *e)
{
    qn_wipe(e, sizeof *e);
    qn_mem_put(s->mem, e, sizeof *e);
}

void qn_tls_tickets_clear(qn_tls_tickets *s)
{
    while (s->n > 0)
        forget(s, s->v[--s->n]);
}

unsigned qn_tls_tickets_count(const qn_tls_tickets *s)
{
    return s->n;
}

qn_err qn_tls_tickets_key(qn_env *env, qn_slice peer, const qn_tls_profile *profile, qn_slice name,
                          qn_hash *key)
{
    uint8_t sizes[4];
    qn_slice parts[] = {qn_slice_of(sizes, sizeof sizes), peer,
                        qn_slice_of(profile->id.b, sizeof profile->id.b), name};

    qn_put32(sizes, (uint32_t)peer.n); /* so that no two places have one text */
    return qn_sha256(env, parts, QN_LEN(parts), key);
}

static bool is(const entry *e, const qn_hash *key)
{
    return memcmp(e->key.b, key->b, sizeof key->b) == 0;
}

static void drop(qn_tls_tickets *s, unsigned i)
{
    forget(s, s->v[i]);
    memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof s->v[0]);
    s->n--;
}

void qn_tls_tickets_put(qn_tls_tickets *s, const qn_hash *key, const qn_tls_ticket *ticket)
{
    unsigned same = 0, oldest = 0;
    entry *e;

    for (unsigned i = s->n; i-- > 0;)
        if (is(s->v[i], key)) {
            same++;
            oldest = i;
        }
    if (same == EACH)
        drop(s, oldest);
    else if (s->n == QN_LEN(s->v))
        drop(s, 0);
    e = qn_mem_get(s->mem, sizeof *e);
    if (e == NULL)
        return;
    *e = (entry){.key = *key, .ticket = *ticket};
    s->v[s->n++] = e;
}

bool qn_tls_tickets_take(qn_tls_tickets *s, const qn_hash *key, const qn_tls_profile *profile,
                         qn_time now, qn_tls_ticket *out)
{
    for (unsigned i = s->n; i-- > 0;) {
        const qn_tls_ticket *ticket = &s->v[i]->ticket;
        const qn_tls_suite *suite = qn_tls_suite_of(ticket->suite);
        bool fits;

        if (!is(s->v[i], key))
            continue;
        fits = suite != NULL && qn_tls_ticket_fits(profile, ticket, qn_md_size(suite->md), now);
        if (fits)
            *out = *ticket;
        drop(s, i); /* used, or of no more use */
        if (fits)
            return true;
    }
    return false;
}
