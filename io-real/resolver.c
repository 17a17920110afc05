#include "io-real/resolver.h"

#include "io-real/dns_answer.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

enum { CLASS_IN = 1, HALVES = 2, BOGUS = 1, NXDOMAIN = 3 };

static const int half_type[HALVES] = {1, 28}; /* A, AAAA */

typedef struct query query;

/* One of the two questions of a query. */
typedef struct half {
    query *of;
    bool open; /* libunbound owes an answer */
    int id;    /* its name for that */
    unsigned n;
    qn_err why;
    qn_addr v[QN_RESOLVE_ADDRS];
} half;

struct query {
    struct qn_resolver *owner;
    query *next, **at; /* `at` is where this one is linked from */
    struct event ev;   /* the deadline; made active by hand when both answers are here */
    uint32_t number;
    uint16_t port;
    half half[HALVES];
};

struct qn_resolver {
    struct event_base *base;
    struct ub_ctx *unbound;
    qn_resolver_answer *answer;
    void *ctx;
    query *queries;
    unsigned queries_n;
};

/* ---- making one ------------------------------------------------------------------------------ */

static bool set_options(struct ub_ctx *u)
{
    static const char *const options[][2] = {
        {"use-caps-for-id:", "yes"}, /* a forged answer must guess the case too (dns0x20) */
        {"num-queries-per-thread:", "4096"},
        {"msg-cache-size:", "4m"},
        {"rrset-cache-size:", "8m"},
    };
    char fds[16];

    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
        if (ub_ctx_set_option(u, options[i][0], options[i][1]) != 0)
            return false;
    (void)snprintf(fds, sizeof fds, "%d", QN_RESOLVER_FDS);
    return ub_ctx_set_option(u, "outgoing-range:", fds) == 0;
}

/* Whoever owns a domain says where its name servers are. They are asked on the public Internet
 * only, or strangers could have this host's own services, and its network's, asked. */
static bool shun_private(struct ub_ctx *u)
{
    static const char *const nets[] = {
        "0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
        "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",   "::/8",           "100::/16",
        "2001::/32",       "2001:db8::/32",  "2002::/16",     "3fff::/20",      "5f00::/16",
        "fc00::/7",        "fe80::/9",       "ff00::/8",
    };

    for (unsigned i = 0; i < sizeof nets / sizeof nets[0]; i++)
        if (ub_ctx_set_option(u, "do-not-query-address:", nets[i]) != 0)
            return false;
    return true;
}

/* libunbound wants "address@port". */
static bool set_server(struct ub_ctx *u, const qn_addr *server)
{
    char text[QN_ADDR_TEXT], at[QN_ADDR_TEXT + 8];
    char *colon, *from = text;

    if (server->family == 0) /* a minimal container has no hosts file */
        return shun_private(u) && (access("/etc/hosts", R_OK) != 0 || ub_ctx_hosts(u, NULL) == 0);
    /* The operator may name a server on this machine; nobody else is asked then. */
    if (ub_ctx_set_option(u, "do-not-query-localhost:", "no") != 0)
        return false;
    qn_addr_text(server, text);
    colon = strrchr(text, ':');
    *colon = '\0';
    if (*from == '[') {
        from++;
        colon[-1] = '\0';
    }
    (void)snprintf(at, sizeof at, "%s@%u", from, (unsigned)server->port);
    return ub_ctx_set_fwd(u, at) == 0;
}

static void nobody_asked(void *mydata, int rcode, void *packet, int bytes, int sec, char *why,
                         int limited)
{
    (void)mydata;
    (void)rcode;
    (void)packet;
    (void)bytes;
    (void)sec;
    (void)why;
    (void)limited;
}

/* The first question makes libunbound read its configuration; this one it answers from itself. */
static struct ub_ctx *make_unbound(struct event_base *base, const qn_addr *server,
                                   const char *anchor, qn_why why)
{
    struct ub_ctx *u = ub_ctx_create_event(base);

    if (access(anchor, R_OK) != 0) {
        (void)qn_why_say(why,
                         "cannot read %s, the keys DNSSEC begins with: install dns-root-data, or "
                         "name another file with dns.anchor",
                         anchor);
    } else {
        (void)qn_why_say(why, "libunbound cannot start with the trust anchor in %s", anchor);
        /* Silent: its log would name what users ask for. */
        if (u != NULL && ub_ctx_debugout(u, NULL) == 0 && set_options(u) && set_server(u, server) &&
            ub_ctx_add_ta_file(u, anchor) == 0 &&
            ub_resolve_event(u, "localhost", half_type[0], CLASS_IN, NULL, nobody_asked, NULL) == 0)
            return u;
    }
    if (u != NULL)
        ub_ctx_delete(u);
    return NULL;
}

qn_resolver *qn_resolver_new(struct event_base *base, const qn_addr *server, const char *anchor,
                             qn_resolver_answer *answer, void *ctx, qn_why why)
{
    qn_resolver *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->base = base;
    r->answer = answer;
    r->ctx = ctx;
    r->unbound = make_unbound(base, server, anchor, why);
    if (r->unbound == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

/* ---- answering ------------------------------------------------------------------------------- */

static void query_free(query *q)
{
    for (unsigned i = 0; i < HALVES; i++)
        if (q->half[i].open)
            (void)ub_cancel(q->owner->unbound, q->half[i].id);
    q->owner->queries_n--;
    (void)event_del(&q->ev);
    *q->at = q->next;
    if (q->next != NULL)
        q->next->at = q->at;
    free(q);
}

/* libunbound may call this from inside ask (what it knows by itself): so it only takes notes. */
static void on_half(void *mydata, int rcode, void *packet, int bytes, int sec, char *why_bogus,
                    int limited)
{
    half *h = mydata;
    query *q = h->of;
    int n = -1;

    (void)why_bogus;
    (void)limited;
    h->open = false;
    h->why = sec == BOGUS ? QN_FORGED : QN_RESOLVE;
    if (rcode == 0 && sec != BOGUS && bytes > 0)
        n = qn_dns_addresses(packet, (size_t)bytes, q->port, h->v, QN_RESOLVE_ADDRS);
    if (n > 0) {
        h->n = (unsigned)n;
        h->why = QN_OK;
    }
    if (!q->half[0].open && !q->half[1].open)
        event_active(&q->ev, EV_READ, 0);
}

/* A forged half spoils the other: whoever could forge one chose what the other says. */
static qn_err join(const query *q, qn_addr v[QN_RESOLVE_ADDRS], unsigned *n)
{
    qn_err why = QN_RESOLVE;

    *n = 0;
    for (unsigned i = 0; i < HALVES; i++) {
        const half *h = &q->half[i];

        if (h->why == QN_FORGED)
            why = QN_FORGED;
        else if (h->open && why != QN_FORGED)
            why = QN_TIMEOUT;
        for (unsigned k = 0; k < h->n && *n < QN_RESOLVE_ADDRS; k++)
            v[(*n)++] = h->v[k];
    }
    if (why == QN_FORGED)
        *n = 0;
    return *n > 0 ? QN_OK : why;
}

/* Both answers are here, or it is late. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
    query *q = arg;
    qn_resolver *r = q->owner;
    uint32_t number = q->number;
    qn_addr v[QN_RESOLVE_ADDRS];
    unsigned n;
    qn_err why = join(q, v, &n);

    (void)fd;
    (void)what;
    query_free(q);
    r->answer(r->ctx, number, v, n, why);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static query *query_new(qn_resolver *r, uint32_t number, uint16_t port)
{
    static const struct timeval deadline = {.tv_sec = QN_RESOLVE_SECONDS};
    query *q = r->queries_n < QN_RESOLVES_MAX ? calloc(1, sizeof *q) : NULL;

    if (q == NULL)
        return NULL;
    q->owner = r;
    r->queries_n++;
    q->number = number;
    q->port = port;
    q->next = r->queries;
    q->at = &r->queries;
    if (q->next != NULL)
        q->next->at = &q->next;
    r->queries = q;
    (void)evtimer_assign(&q->ev, r->base, on_due, q);
    (void)evtimer_add(&q->ev, &deadline);
    return q;
}

bool qn_resolver_ask(qn_resolver *r, uint32_t number, const qn_dest *dest)
{
    query *q;

    /* A backslash would let a name be written otherwise than the exit's rules know it. */
    if (memchr(dest->name, '\\', dest->name_len) != NULL)
        return false;
    q = query_new(r, number, dest->port);
    if (q == NULL)
        return false;
    for (unsigned i = 0; i < HALVES; i++)
        q->half[i] = (half){.of = q, .open = true, .why = QN_RESOLVE};
    for (unsigned i = 0; i < HALVES; i++) {
        half *h = &q->half[i];

        if (ub_resolve_event(r->unbound, dest->name, half_type[i], CLASS_IN, h, on_half, &h->id) !=
            0) {
            h->open = false;
            query_free(q);
            return false;
        }
    }
    return true;
}

void qn_resolver_cancel(qn_resolver *r, uint32_t number)
{
    query *q = r->queries;

    while (q != NULL && q->number != number)
        q = q->next;
    if (q != NULL)
        query_free(q);
}

void qn_resolver_free(qn_resolver *r)
{
    while (r->queries != NULL)
        query_free(r->queries);
    ub_ctx_delete(r->unbound);
    free(r);
}
