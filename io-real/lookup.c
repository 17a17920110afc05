#include "io-real/lookup.h"

#include "io-real/sockets.h"

#include <event2/dns.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

typedef struct query {
    struct qn_lookup *owner;
    struct query *next, **at; /* `at` is where this one is linked from */
    struct event ev;          /* the deadline; made active by hand when the answer is here */
    struct evdns_getaddrinfo_request *asked;
    uint32_t number;
    uint16_t port;
    unsigned n;
    qn_addr v[QN_LOOKUP_ADDRS];
} query;

struct qn_lookup {
    struct event_base *base;
    struct evdns_base *dns;
    qn_lookup_answer *answer;
    void *ctx;
    query *queries;
    unsigned queries_n;
};

static struct evdns_base *nameservers(struct event_base *base, const qn_addr *server)
{
    int flags = EVDNS_BASE_DISABLE_WHEN_INACTIVE;
    struct evdns_base *dns;
    qn_sockaddr sa;

    if (server == NULL)
        flags |= EVDNS_BASE_INITIALIZE_NAMESERVERS;
    dns = evdns_base_new(base, flags);
    if (dns == NULL || server == NULL)
        return dns;
    sa = qn_sockaddr_of(server);
    if (evdns_base_nameserver_sockaddr_add(dns, &sa.u.any, sa.len, 0) == 0)
        return dns;
    evdns_base_free(dns, 0);
    return NULL;
}

qn_lookup *qn_lookup_new(struct event_base *base, const qn_addr *server, qn_lookup_answer *answer,
                         void *ctx)
{
    qn_lookup *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->base = base;
    r->answer = answer;
    r->ctx = ctx;
    r->dns = nameservers(base, server);
    if (r->dns == NULL) {
        free(r);
        return NULL;
    }
    evdns_base_search_clear(r->dns);
    (void)evdns_base_set_option(r->dns, "randomize-case", "0");
    return r;
}

static void query_free(query *q)
{
    q->owner->queries_n--;
    (void)event_del(&q->ev);
    *q->at = q->next;
    if (q->next != NULL)
        q->next->at = q->at;
    free(q);
}

/* evdns may call this from inside evdns_getaddrinfo (names in /etc/hosts): so it only takes notes.
 */
static void on_answer(int result, struct evutil_addrinfo *list, void *arg)
{
    query *q = arg;

    q->asked = NULL;
    for (struct evutil_addrinfo *i = list; result == 0 && i != NULL; i = i->ai_next) {
        qn_addr a = qn_addr_of(i->ai_addr);

        if (a.family == 0 || q->n == QN_LOOKUP_ADDRS)
            continue;
        a.port = q->port;
        q->v[q->n++] = a;
    }
    if (list != NULL)
        evutil_freeaddrinfo(list);
    event_active(&q->ev, EV_READ, 0);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    query *q = arg;
    qn_lookup *r = q->owner;

    (void)fd;
    (void)what;
    if (q->asked != NULL) { /* the deadline: on_answer follows, without addresses */
        evdns_getaddrinfo_cancel(q->asked);
        return;
    }
    if (r->answer != NULL)
        r->answer(r->ctx, q->number, q->v, q->n);
    query_free(q);
}

bool qn_lookup_ask(qn_lookup *r, uint32_t number, const qn_dest *dest)
{
    static const struct timeval deadline = {.tv_sec = QN_LOOKUP_SECONDS};
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    query *q = r->queries_n < QN_LOOKUPS_MAX ? calloc(1, sizeof *q) : NULL;

    if (q == NULL)
        return false;
    q->owner = r;
    r->queries_n++;
    q->number = number;
    q->port = dest->port;
    q->next = r->queries;
    q->at = &r->queries;
    if (q->next != NULL)
        q->next->at = &q->next;
    r->queries = q;
    (void)evtimer_assign(&q->ev, r->base, on_due, q);
    (void)evtimer_add(&q->ev, &deadline);
    q->asked = evdns_getaddrinfo(r->dns, dest->name, NULL, &hints, on_answer, q);
    return true;
}

void qn_lookup_free(qn_lookup *r)
{
    for (query *q = r->queries; q != NULL; q = q->next)
        if (q->asked != NULL)
            evdns_getaddrinfo_cancel(q->asked);
    evdns_base_free(r->dns, 1);
    r->answer = NULL;
    (void)event_base_loop(r->base, EVLOOP_NONBLOCK); /* lets evdns hand back what it holds */
    while (r->queries != NULL)
        query_free(r->queries);
    free(r);
}
