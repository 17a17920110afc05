#include "browser/browser.h"

#include "crypto/x509.h"
#include "h2/h2.h"
#include "tls/client.h"

#include <stdlib.h>
#include <string.h>

struct lab_guise {
    qn_tls_profile tls;
    qn_h2_profile h2;
    qn_roots *roots;
    uint8_t profile[]; /* tls and h2 point into it */
};

struct lab_browser {
    const lab_guise *guise;
    qn_env *env;
    const char *name;
    const char *const *paths;
    unsigned paths_n, asked;
    qn_tls *tls;
    qn_h2 *h2;    /* NULL before the handshake is over */
    bool healthy; /* the answer that is coming */
    lab_browser_state state;
};

static const uint64_t page_max = 1 << 24;

lab_guise *lab_guise_new(qn_env *env, qn_slice profile, qn_slice roots)
{
    lab_guise *g = calloc(1, sizeof *g + profile.n);
    qn_slice copy;

    if (g == NULL)
        return NULL;
    memcpy(g->profile, profile.p, profile.n);
    copy = qn_slice_of(g->profile, profile.n);
    if (qn_tls_profile_read(&g->tls, env, copy) != QN_OK ||
        qn_h2_profile_read(&g->h2, g->tls.http2) != QN_OK ||
        qn_roots_new(&g->roots, roots) != QN_OK) {
        lab_guise_free(g);
        return NULL;
    }
    return g;
}

void lab_guise_free(lab_guise *g)
{
    if (g != NULL)
        qn_roots_free(g->roots);
    free(g);
}

lab_browser *lab_browser_new(const lab_guise *g, qn_env *env, const char *name,
                             const char *const *paths, unsigned paths_n)
{
    qn_tls_cfg cfg = {
        .profile = &g->tls, .roots = g->roots, .name = qn_slice_of(name, strlen(name))};
    lab_browser *b = calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    *b = (lab_browser){.guise = g, .env = env, .name = name, .paths = paths, .paths_n = paths_n};
    if (qn_tls_create(&b->tls, env, &cfg) != QN_OK || qn_tls_start(b->tls, NULL) != QN_OK) {
        lab_browser_free(b);
        return NULL;
    }
    return b;
}

void lab_browser_free(lab_browser *b)
{
    if (b == NULL)
        return;
    if (b->h2 != NULL)
        qn_h2_free(b->h2);
    qn_tls_destroy(b->tls);
    free(b);
}

/* One request after another, as one who follows links. */
static void ask(lab_browser *b)
{
    const char *path;
    uint32_t id;

    if (b->asked == b->paths_n || b->asked > b->state.answers)
        return;
    path = b->paths[b->asked++];
    if (qn_h2_request(b->h2, QN_H2_DOCUMENT, qn_slice_of(path, strlen(path)), page_max, &id) !=
        QN_OK)
        b->state.over = true;
}

static void hear(lab_browser *b)
{
    qn_h2_event ev;

    while (b->h2 != NULL && qn_h2_next(b->h2, &ev)) {
        if (ev.type == QN_H2_RESPONSE)
            b->healthy = qn_h2_healthy(ev.status);
        else if (ev.type == QN_H2_BODY)
            b->state.bytes += ev.n;
        else if (ev.type == QN_H2_DONE && ev.err == QN_OK && b->healthy)
            b->state.answers++;
        else
            b->state.over = true;
        if (!b->state.over)
            ask(b);
    }
}

static void begin(lab_browser *b)
{
    qn_h2_cfg cfg = {.profile = &b->guise->h2, .authority = qn_slice_of(b->name, strlen(b->name))};

    if (qn_h2_new(&b->h2, b->env, &cfg) != QN_OK) {
        b->h2 = NULL;
        b->state.over = true;
        return;
    }
    ask(b);
}

static void take(lab_browser *b, const qn_tls_event *ev)
{
    if (ev->type == QN_TLS_ESTABLISHED) {
        begin(b);
    } else if (ev->type == QN_TLS_BYTES) {
        qn_slice bytes = qn_slice_of(qn_piece_data(&ev->piece), ev->piece.len);

        if (b->h2 != NULL && qn_h2_push(b->h2, bytes) != QN_OK)
            b->state.over = true;
        qn_block_drop(ev->piece.block);
        hear(b);
    } else if (ev->type == QN_TLS_ENDED) {
        b->state.over = true;
    }
}

static void settle(lab_browser *b)
{
    qn_tls_event ev;
    qn_slice write;

    while (qn_tls_next(b->tls, &ev))
        take(b, &ev);
    while (b->h2 != NULL && !b->state.over && (write = qn_h2_peek(b->h2)).n > 0) {
        if (qn_tls_send(b->tls, write) != QN_OK)
            break;
        qn_h2_consume(b->h2, write.n);
    }
}

void lab_browser_push(lab_browser *b, qn_slice bytes)
{
    while (bytes.n > 0) {
        qn_span room = qn_tls_space(b->tls);
        size_t n = QN_MIN(room.n, bytes.n);

        if (n == 0)
            return;
        memcpy(room.p, bytes.p, n);
        qn_tls_commit(b->tls, n);
        bytes = qn_slice_of(bytes.p + n, bytes.n - n);
        settle(b);
    }
}

void lab_browser_eof(lab_browser *b)
{
    qn_tls_eof(b->tls);
    settle(b);
    b->state.over = true;
}

qn_slice lab_browser_peek(const lab_browser *b)
{
    qn_slice s = {0};

    (void)qn_tls_peek(b->tls, &s, 1);
    return s;
}

void lab_browser_consume(lab_browser *b, size_t n)
{
    qn_tls_consume(b->tls, n);
    settle(b);
}

lab_browser_state lab_browser_look(const lab_browser *b)
{
    return b->state;
}
