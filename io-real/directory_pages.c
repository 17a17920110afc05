#include "io-real/directory_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 26, ALL = LETTERS * LETTERS, PAGES };

typedef struct page {
    qn_pages *of;
    unsigned refs; /* the cache's, and one of each answer under way */
    char *text;
    size_t n;
} page;

struct qn_pages {
    const qn_node *node;
    qn_real_env *env;
    unsigned refs; /* its owner's, and one of each page */
    size_t bytes;  /* of all pages that live */
    qn_time until; /* what was collected is good until then */
    qn_listed *v;  /* by country, then PeerID */
    size_t n;
    page *page[PAGES]; /* of these; NULL: not asked for yet */
};

/* ---- lives ----------------------------------------------------------------------------------- */

static void pages_drop(qn_pages *p)
{
    if (--p->refs == 0)
        free(p);
}

static void page_drop(page *g)
{
    if (g == NULL || --g->refs > 0)
        return;
    g->of->bytes -= g->n;
    pages_drop(g->of);
    free(g->text);
    free(g);
}

static void forget(qn_pages *p)
{
    for (int i = 0; i < PAGES; i++) {
        page_drop(p->page[i]);
        p->page[i] = NULL;
    }
    free(p->v);
    p->v = NULL;
    p->n = 0;
}

qn_pages *qn_pages_new(const qn_node *node, qn_real_env *env)
{
    qn_pages *p = calloc(1, sizeof *p);

    if (p != NULL) {
        p->node = node;
        p->env = env;
        p->refs = 1;
    }
    return p;
}

void qn_pages_free(qn_pages *p)
{
    if (p == NULL)
        return;
    forget(p);
    pages_drop(p);
}

/* ---- collecting ------------------------------------------------------------------------------ */

static int by_country(const void *a, const void *b)
{
    const qn_listed *x = a, *y = b;
    int order = strcmp(x->country, y->country);

    return order != 0 ? order : memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

static bool collect(qn_pages *p)
{
    qn_listed *v = NULL, l;
    size_t n = 0, cap = 0;
    uint32_t cursor = 0;

    while (qn_node_listed(p->node, &cursor, &l)) {
        if (n == cap) {
            qn_listed *more = realloc(v, (cap = cap * 2 + 64) * sizeof *v);

            if (more == NULL) {
                free(v);
                return false;
            }
            v = more;
        }
        if (l.country[0] == '\0')
            memcpy(l.country, QN_PAGES_NOWHERE, sizeof QN_PAGES_NOWHERE);
        v[n++] = l;
    }
    if (n > 0)
        qsort(v, n, sizeof *v, by_country);
    forget(p);
    p->v = v;
    p->n = n;
    p->until = p->env->env.now + QN_SEC;
    return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* As the seeds write addresses: /ip4/192.0.2.1/tcp/443. */
static void put_addr(FILE *f, const qn_addr *a)
{
    char text[QN_ADDR_TEXT], *colon, *host = text;

    qn_addr_text(a, text);
    colon = strrchr(text, ':');
    *colon = '\0';
    if (a->family == 6) { /* "[v6]" */
        host++;
        colon[-1] = '\0';
    }
    (void)fprintf(f, "\"/ip%u/%s/tcp/%u\"", a->family, host, a->port);
}

static void put_country(FILE *f, const char *key, const char *country)
{
    if (country[0] != '\0')
        (void)fprintf(f, ",\"%s\":\"%s\"", key, country);
    else
        (void)fprintf(f, ",\"%s\":null", key);
}

static void put_capabilities(FILE *f, const qn_listed *l)
{
    const char *comma = "";

    (void)fputs(",\"capabilities\":[", f);
    if (l->relay) {
        (void)fputs("\"relay\"", f);
        comma = ",";
    }
    if (l->exit) {
        (void)fprintf(f, "%s\"exit\"", comma);
        comma = ",";
    }
    if (l->directory)
        (void)fprintf(f, "%s\"directory\"", comma);
    (void)fputc(']', f);
}

/* A mirror does not know when anybody was heard of. */
static void put_time(FILE *f, const char *key, int64_t at)
{
    if (at != 0)
        (void)fprintf(f, ",\"%s\":%lld", key, (long long)at);
    else
        (void)fprintf(f, ",\"%s\":null", key);
}

static void put_entry(FILE *f, const qn_pages *p, const qn_listed *l)
{
    char id[QN_PEERID_TEXT + 1];
    bool known = strcmp(l->country, QN_PAGES_NOWHERE) != 0;

    if (qn_peerid_text(&p->env->env, &l->id, id) != QN_OK)
        id[0] = '\0';
    (void)fprintf(f, "{\"peer_id\":\"%s\",\"addrs\":[", id);
    for (unsigned i = 0; i < l->addrs_n; i++) {
        if (i > 0)
            (void)fputc(',', f);
        put_addr(f, &l->addrs[i]);
    }
    (void)fputc(']', f);
    put_country(f, "country", known ? l->country : "");
    put_country(f, "country_claimed", l->claimed);
    put_capabilities(f, l);
    put_time(f, "first_seen", l->first_seen);
    put_time(f, "last_seen", l->last_seen);
    (void)fputc('}', f);
}

/* {"US":[entry,...],...} of the i-th entry to the one before the end. */
static void put_list(FILE *f, const qn_pages *p, size_t i, size_t end)
{
    (void)fputc('{', f);
    for (size_t at = i; at < end; at++) {
        bool first = at == i || strcmp(p->v[at].country, p->v[at - 1].country) != 0;

        if (first)
            (void)fprintf(f, "%s\"%s\":[", at == i ? "" : "],", p->v[at].country);
        else
            (void)fputc(',', f);
        put_entry(f, p, &p->v[at]);
    }
    (void)fputs(end > i ? "]}\n" : "}\n", f);
}

/* The first entry whose country is not before this one. */
static size_t place_of(const qn_pages *p, const char *country)
{
    size_t low = 0, high = p->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(p->v[mid].country, country) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static page *write_page(qn_pages *p, const char *country)
{
    page *g = calloc(1, sizeof *g);
    FILE *f = g != NULL ? open_memstream(&g->text, &g->n) : NULL;
    size_t i = 0, end = p->n;

    if (f == NULL) {
        free(g);
        return NULL;
    }
    if (country != NULL)
        for (i = end = place_of(p, country); end < p->n; end++)
            if (strcmp(p->v[end].country, country) != 0)
                break;
    put_list(f, p, i, end);
    if (fclose(f) != 0) {
        free(g->text);
        free(g);
        return NULL;
    }
    g->of = p;
    g->refs = 1;
    p->refs++;
    p->bytes += g->n;
    return g;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void on_sent(const void *bytes, size_t n, void *sent)
{
    (void)bytes;
    (void)n;
    page_drop(sent);
}

bool qn_pages_put(qn_pages *p, const char *country, struct evbuffer *out)
{
    int i = country != NULL ? (country[0] - 'A') * LETTERS + country[1] - 'A' : ALL;
    bool old = p->until == 0 || (p->env->env.now >= p->until && p->bytes < QN_PAGES_MAX);
    page *g;

    if (old && !collect(p))
        return false;
    if (p->page[i] == NULL)
        p->page[i] = write_page(p, country);
    g = p->page[i];
    if (g == NULL)
        return false;
    g->refs++;
    if (evbuffer_add_reference(out, g->text, g->n, on_sent, g) == 0)
        return true;
    g->refs--;
    return false;
}
