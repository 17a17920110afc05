#include "io-real/directory_http.h"

#include "io-real/directory_pages.h"
#include "io-real/httpd.h"
#include "io-real/log.h"
#include "io-real/ration.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct qn_directory_http {
    qn_directory_cfg cfg;
    qn_httpd *httpd;
    qn_ration ration;
    qn_directory_counts counts;
    qn_pages *pages;
};

/* ---- answering ------------------------------------------------------------------------------- */

typedef struct evhttp_request asked;

static void head(asked *r, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(r), name, value);
}

static const char *phrase_of(unsigned code)
{
    static const struct {
        unsigned code;
        const char *phrase;
    } v[] = {{200, "OK"},
             {400, "Bad Request"},
             {401, "Unauthorized"},
             {403, "Forbidden"},
             {404, "Not Found"},
             {405, "Method Not Allowed"},
             {409, "Conflict"},
             {410, "Gone"},
             {413, "Content Too Large"},
             {415, "Unsupported Media Type"},
             {425, "Too Early"},
             {429, "Too Many Requests"},
             {503, "Service Unavailable"}};

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        if (v[i].code == code)
            return v[i].phrase;
    return "Internal Server Error";
}

/* Takes over the body (NULL: out of memory). Of an answer to HEAD evhttp would send it as well (RFC
 * 9110 section 9.3.2). */
static void send_body(asked *r, unsigned code, struct evbuffer *body)
{
    char length[24];

    head(r, "Content-Type", "application/json");
    head(r, "Cache-Control", "no-store");
    head(r, "X-Content-Type-Options", "nosniff");
    if (code == 429 || code == 503)
        head(r, "Retry-After", "1");
    if (body != NULL && evhttp_request_get_command(r) == EVHTTP_REQ_HEAD) {
        (void)snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
        head(r, "Content-Length", length);
        (void)evbuffer_drain(body, evbuffer_get_length(body));
    }
    evhttp_send_reply(r, (int)code, phrase_of(code), body);
    if (body != NULL)
        evbuffer_free(body);
}

static void send_text(asked *r, unsigned code, const char *text)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL)
        (void)evbuffer_add_printf(body, "%s\n", text);
    send_body(r, code, body);
}

static void refuse(asked *r, unsigned code, const char *sentence)
{
    char text[256];

    (void)snprintf(text, sizeof text, "{\"error\": \"%s\"}", sentence);
    send_text(r, code, text);
}

/* Takes over the document, which may be NULL. */
static void send_document(asked *r, json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;

    json_decref(document);
    if (text == NULL)
        refuse(r, 503, "out of memory");
    else
        send_text(r, 200, text);
    free(text);
}

static bool method_is(asked *r, enum evhttp_cmd_type a, enum evhttp_cmd_type b, const char *allow)
{
    enum evhttp_cmd_type got = evhttp_request_get_command(r);

    if (got == a || got == b)
        return true;
    head(r, "Allow", allow);
    refuse(r, 405, "this path has another method");
    return false;
}

/* ---- POST /api/relay/register ---------------------------------------------------------------- */

static bool is_json(asked *r)
{
    static const char json[] = "application/json";
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(r), "Content-Type");
    size_t n = sizeof json - 1;

    return type != NULL && strncasecmp(type, json, n) == 0 &&
           (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static json_t *read_body(asked *r)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(r);
    size_t n = evbuffer_get_length(in);
    const char *text = n > 0 ? (const char *)evbuffer_pullup(in, (ev_ssize_t)n) : NULL;

    return text != NULL ? json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

typedef struct signed_object {
    uint8_t bytes[QN_HTTPD_BODY_MAX];
    size_t n;
} signed_object;

/* Base64 of RFC 4648 section 4, padded; an absent key leaves it empty. */
static bool get_signed(const json_t *body, const char *key, signed_object *out)
{
    const json_t *value = json_object_get(body, key);

    out->n = 0;
    if (value == NULL)
        return true;
    return json_is_string(value) &&
           sodium_base642bin(out->bytes, sizeof out->bytes, json_string_value(value),
                             json_string_length(value), NULL, &out->n, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           out->n > 0;
}

static void do_register(qn_directory_http *d, asked *r, const signed_object *descriptor,
                        const signed_object *heartbeat)
{
    bool fresh = false;
    qn_err err;

    d->cfg.enter(d->cfg.world);
    err = qn_node_register(d->cfg.node, (qn_slice){descriptor->bytes, descriptor->n},
                           (qn_slice){heartbeat->bytes, heartbeat->n}, &fresh);
    d->cfg.settle(d->cfg.world);
    if (err == QN_OK) {
        d->counts.registered++;
        send_document(r, json_pack("{sb sb}", "registered", 1, "is_new", fresh));
        return;
    }
    d->counts.refused++;
    refuse(r, qn_directory_code(err), qn_err_text(err));
}

static void on_register(qn_directory_http *d, asked *r)
{
    static signed_object descriptor, heartbeat; /* too large for a stack; there is one thread */
    json_t *body;

    if (!method_is(r, EVHTTP_REQ_POST, EVHTTP_REQ_POST, "POST"))
        return;
    if (qn_node_directory(d->cfg.node) != QN_DIRECTORY_OPERATOR) {
        refuse(r, 404, "this directory mirrors the operators' list: register with an operator");
        return;
    }
    if (!is_json(r)) {
        refuse(r, 415, "a registration is application/json");
        return;
    }
    body = read_body(r);
    if (!json_is_object(body) || !get_signed(body, "descriptor", &descriptor) ||
        !get_signed(body, "heartbeat", &heartbeat) || descriptor.n + heartbeat.n == 0) {
        d->counts.refused++;
        refuse(r, 400, "not an object with descriptor, heartbeat or both in base64");
    } else {
        do_register(d, r, &descriptor, &heartbeat);
    }
    json_decref(body);
}

/* ---- GET /api/relays/by-country -------------------------------------------------------------- */

static bool is_country(const char *c)
{
    return strlen(c) == 2 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z';
}

static void send_page(qn_directory_http *d, asked *r, const char *country)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL && qn_pages_put(d->pages, country, body)) {
        send_body(r, 200, body);
        return;
    }
    if (body != NULL)
        evbuffer_free(body);
    refuse(r, 503, "out of memory");
}

static void on_by_country(qn_directory_http *d, asked *r)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r));
    struct evkeyvalq pairs = {0};
    const char *country = NULL;

    if (!method_is(r, EVHTTP_REQ_GET, EVHTTP_REQ_HEAD, "GET, HEAD"))
        return;
    if (query != NULL && evhttp_parse_query_str(query, &pairs) == 0)
        country = evhttp_find_header(&pairs, "country");
    if (query != NULL && (country == NULL || !is_country(country))) {
        refuse(r, 400, "the query is country=CC, two capital letters, or there is none");
    } else {
        d->counts.listings++;
        send_page(d, r, country);
    }
    evhttp_clear_headers(&pairs);
}

/* ---- GET /api/relays/prune ------------------------------------------------------------------- */

static bool has_token(const qn_directory_http *d, asked *r)
{
    static const char scheme[] = "Bearer ";
    const char *said = evhttp_find_header(evhttp_request_get_input_headers(r), "Authorization");
    uint8_t token[32];
    size_t n = 0;
    bool same;

    if (said == NULL || strncasecmp(said, scheme, sizeof scheme - 1) != 0)
        return false;
    said += sizeof scheme - 1;
    same = sodium_hex2bin(token, sizeof token, said, strlen(said), NULL, &n, NULL) == 0 &&
           n == sizeof token && sodium_memcmp(token, d->cfg.token.b, sizeof token) == 0;
    sodium_memzero(token, sizeof token);
    return same;
}

static void on_prune(qn_directory_http *d, asked *r)
{
    qn_pruned p = {0};
    qn_err err;

    if (!method_is(r, EVHTTP_REQ_GET, EVHTTP_REQ_POST, "GET, POST"))
        return;
    if (qn_node_directory(d->cfg.node) != QN_DIRECTORY_OPERATOR) {
        refuse(r, 404, "this directory mirrors the operators' list: there is nothing to prune");
        return;
    }
    if (!d->cfg.has_token) {
        refuse(r, 403, "this operator has no admin token");
        return;
    }
    if (!has_token(d, r)) {
        head(r, "WWW-Authenticate", "Bearer realm=\"qnet\"");
        refuse(r, 401, "send the admin token: Authorization: Bearer TOKEN");
        return;
    }
    d->cfg.enter(d->cfg.world);
    err = qn_node_prune(d->cfg.node, &p);
    d->cfg.settle(d->cfg.world);
    if (err != QN_OK)
        refuse(r, qn_directory_code(err), qn_err_text(err));
    else
        send_document(r, json_pack("{si si si}", "pruned", (int)p.removed, "active_peers",
                                   (int)p.active, "total_peers", (int)p.total));
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static void answer(void *ctx, asked *r, const qn_addr *from)
{
    static const struct {
        const char *path;
        void (*go)(qn_directory_http *d, asked *r);
    } endpoints[] = {{"/api/relay/register", on_register},
                     {"/api/relays/by-country", on_by_country},
                     {"/api/relays/prune", on_prune}};
    qn_directory_http *d = ctx;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r));

    qn_real_env_stamp(d->cfg.env);
    if (!qn_ration_take(&d->ration, from, d->cfg.env->env.now)) {
        d->counts.rationed++;
        refuse(r, 429, "too many requests from this address");
        return;
    }
    /* No page needs this, and none shall post here from a browser that may reach us (P7). */
    if (evhttp_find_header(evhttp_request_get_input_headers(r), "Origin") != NULL) {
        refuse(r, 403, "the directory answers no web page");
        return;
    }
    if (qn_node_directory(d->cfg.node) == QN_DIRECTORY_NONE) {
        refuse(r, 404, "only bootstrap and super nodes have a directory");
        return;
    }
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (path != NULL && strcmp(path, endpoints[i].path) == 0) {
            endpoints[i].go(d, r);
            return;
        }
    refuse(r, 404, "there are /api/relay/register, /api/relays/by-country and /api/relays/prune");
}

static qn_time now(void *ctx)
{
    const qn_directory_http *d = ctx;

    qn_real_env_stamp(d->cfg.env);
    return d->cfg.env->env.now;
}

qn_directory_http *qn_directory_http_new(struct event_base *base, int fd,
                                         const qn_directory_cfg *cfg)
{
    qn_directory_http *d = calloc(1, sizeof *d);

    if (d == NULL) {
        evutil_closesocket(fd);
        return NULL;
    }
    d->cfg = *cfg;
    d->pages = qn_pages_new(cfg->node, cfg->env);
    qn_ration_init(&d->ration, cfg->rate, QN_DIRECTORY_BURST, &cfg->env->env.rng);
    d->httpd = qn_httpd_new(base, fd, now, answer, d);
    if (d->httpd == NULL || d->pages == NULL) {
        qn_directory_http_free(d);
        return NULL;
    }
    return d;
}

void qn_directory_http_free(qn_directory_http *d)
{
    if (d == NULL)
        return;
    qn_httpd_free(d->httpd);
    sodium_memzero(&d->cfg.token, sizeof d->cfg.token);
    qn_pages_free(d->pages);
    free(d);
}

void qn_directory_http_counts(const qn_directory_http *d, qn_directory_counts *out)
{
    const qn_httpd_counts *c = qn_httpd_counted(d->httpd);

    *out = d->counts;
    out->connections = c->connections;
    out->accepted = c->accepted;
    out->made_way = c->made_way;
    out->late = c->late;
    out->requests = c->requests;
}
