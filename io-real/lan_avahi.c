/*
 * Looking around in the local network through Avahi's daemon, on a thread of its own: the library
 * waits for answers on the system bus. Without bus or daemon it tries again every minute.
 *
 * Each name that is found is looked up and followed as long as it is announced, QN_LAN_NAMES at
 * most. The service has a host name of its own with the node's address alone, because the machine's
 * may have others.
 */
#include "io-real/lan_search.h"

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/domain.h>
#include <avahi-common/error.h>
#include <avahi-common/simple-watch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "_qnet._tcp"

enum { RETRY_MS = 60000 };

typedef struct found { /* a name that somebody announces */
    struct found *next;
    AvahiProtocol protocol; /* of the announcement: each comes by IPv4 and by IPv6 */
    AvahiServiceResolver *resolver;
    char name[AVAHI_LABEL_MAX];
} found;

typedef struct searching {
    qn_lan_search s;
    AvahiSimplePoll *poll;
    AvahiWatch *watch;
    AvahiClient *client;
    AvahiServiceBrowser *browser;
    AvahiEntryGroup *group;
    found *names;
    unsigned names_n;
    bool lost, over; /* the daemon is gone; our loop is */
    qn_lan_note ours, note;
} searching;

/* ---- what we announce ------------------------------------------------------------------------ */

static void tell(searching *x, bool announced)
{
    x->note = (qn_lan_note){.announced = announced};
    (void)qn_lan_send(x->s.fd, &x->note);
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *arg)
{
    searching *x = arg;

    (void)group;
    if (state == AVAHI_ENTRY_GROUP_ESTABLISHED)
        tell(x, true);
    else if (state == AVAHI_ENTRY_GROUP_COLLISION || state == AVAHI_ENTRY_GROUP_FAILURE)
        tell(x, false);
}

static AvahiStringList *strings(const searching *x)
{
    qn_lan_string v[QN_LAN_STRINGS];
    unsigned n = qn_lan_write((qn_slice){x->ours.bytes, x->ours.n}, x->s.tag, v);
    AvahiStringList *list = NULL;

    for (unsigned i = 0; i < n; i++)
        list = avahi_string_list_add_arbitrary(list, v[i].b, v[i].len);
    return list;
}

static AvahiAddress address(const qn_addr *from)
{
    AvahiAddress a = {.proto = from->family == 4 ? AVAHI_PROTO_INET : AVAHI_PROTO_INET6};

    if (from->family == 4)
        memcpy(&a.data.ipv4.address, from->ip, 4);
    else
        memcpy(a.data.ipv6.address, from->ip, 16);
    return a;
}

static bool announce(searching *x, AvahiStringList *txt)
{
    AvahiAddress a = address(&x->s.self);
    char host[sizeof x->s.name + 8];

    (void)snprintf(host, sizeof host, "%s.local", x->s.name);
    return txt != NULL &&
           avahi_entry_group_add_address(x->group, x->s.link, AVAHI_PROTO_UNSPEC,
                                         AVAHI_PUBLISH_NO_REVERSE, host, &a) == AVAHI_OK &&
           avahi_entry_group_add_service_strlst(x->group, x->s.link, AVAHI_PROTO_UNSPEC, 0,
                                                x->s.name, SERVICE, NULL, host, x->s.self.port,
                                                txt) == AVAHI_OK &&
           avahi_entry_group_commit(x->group) == AVAHI_OK;
}

static void publish(searching *x)
{
    AvahiStringList *txt;

    if (x->client == NULL || avahi_client_get_state(x->client) != AVAHI_CLIENT_S_RUNNING)
        return;
    if (x->group != NULL)
        (void)avahi_entry_group_reset(x->group);
    else
        x->group = avahi_entry_group_new(x->client, on_group, x);
    txt = x->group != NULL && x->ours.n > 0 ? strings(x) : NULL;
    if (!announce(x, txt))
        tell(x, false);
    avahi_string_list_free(txt);
}

/* ---- what others announce -------------------------------------------------------------------- */

static bool read_record(const searching *x, AvahiStringList *txt, qn_lan_record *r)
{
    *r = (qn_lan_record){0};
    for (; txt != NULL; txt = avahi_string_list_get_next(txt))
        if (!qn_lan_read(r, x->s.tag, avahi_string_list_get_text(txt),
                         avahi_string_list_get_size(txt)))
            return false;
    return qn_lan_whole(r);
}

static void on_resolved(AvahiServiceResolver *resolver, AvahiIfIndex link, AvahiProtocol protocol,
                        AvahiResolverEvent event, const char *name, const char *type,
                        const char *domain, const char *host, const AvahiAddress *a, uint16_t port,
                        AvahiStringList *txt, AvahiLookupResultFlags flags, void *arg)
{
    searching *x = arg;
    qn_lan_record r;

    (void)resolver, (void)link, (void)protocol, (void)name;
    (void)type, (void)domain, (void)host, (void)flags;
    if (event != AVAHI_RESOLVER_FOUND || a == NULL || !read_record(x, txt, &r))
        return;
    x->note = (qn_lan_note){.announced = x->group != NULL && !avahi_entry_group_is_empty(x->group),
                            .at = {.family = a->proto == AVAHI_PROTO_INET ? 4 : 6, .port = port},
                            .n = (uint16_t)r.n};
    if (a->proto == AVAHI_PROTO_INET)
        memcpy(x->note.at.ip, &a->data.ipv4.address, 4);
    else
        memcpy(x->note.at.ip, a->data.ipv6.address, 16);
    memcpy(x->note.bytes, r.bytes, r.n);
    (void)qn_lan_send(x->s.fd, &x->note);
}

static void forget(searching *x, found **at)
{
    found *f = *at;

    *at = f->next;
    x->names_n--;
    if (f->resolver != NULL)
        (void)avahi_service_resolver_free(f->resolver);
    free(f);
}

static void come(searching *x, AvahiProtocol protocol, const char *name, const char *domain)
{
    AvahiProtocol family = x->s.self.family == 4 ? AVAHI_PROTO_INET : AVAHI_PROTO_INET6;
    found *f;

    if (strcmp(name, x->s.name) == 0 || strlen(name) >= sizeof f->name ||
        x->names_n == QN_LAN_NAMES)
        return;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return;
    f->protocol = protocol;
    memcpy(f->name, name, strlen(name) + 1);
    f->next = x->names;
    x->names = f;
    x->names_n++;
    f->resolver = avahi_service_resolver_new(x->client, x->s.link, protocol, name, SERVICE, domain,
                                             family, 0, on_resolved, x);
}

static void go(searching *x, AvahiProtocol protocol, const char *name)
{
    for (found **at = &x->names; *at != NULL; at = &(*at)->next)
        if ((*at)->protocol == protocol && strcmp((*at)->name, name) == 0) {
            forget(x, at);
            return;
        }
}

static void on_browsed(AvahiServiceBrowser *browser, AvahiIfIndex link, AvahiProtocol protocol,
                       AvahiBrowserEvent event, const char *name, const char *type,
                       const char *domain, AvahiLookupResultFlags flags, void *arg)
{
    searching *x = arg;

    (void)browser, (void)link, (void)type, (void)flags;
    if (event == AVAHI_BROWSER_NEW)
        come(x, protocol, name, domain);
    else if (event == AVAHI_BROWSER_REMOVE)
        go(x, protocol, name);
    else if (event == AVAHI_BROWSER_FAILURE)
        x->lost = true;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

/* The first call comes before avahi_client_new has returned. */
static void on_client(AvahiClient *client, AvahiClientState state, void *arg)
{
    searching *x = arg;

    x->client = client;
    if (state == AVAHI_CLIENT_FAILURE) {
        x->lost = true;
        return;
    }
    if (state != AVAHI_CLIENT_S_RUNNING)
        return;
    if (x->browser == NULL)
        x->browser = avahi_service_browser_new(client, x->s.link, AVAHI_PROTO_UNSPEC, SERVICE, NULL,
                                               0, on_browsed, x);
    x->lost |= x->browser == NULL;
    publish(x);
}

/* What belongs to a client goes with it. */
static void leave(searching *x)
{
    while (x->names != NULL) {
        x->names->resolver = NULL;
        forget(x, &x->names);
    }
    if (x->client != NULL)
        avahi_client_free(x->client);
    x->client = NULL;
    x->browser = NULL;
    x->group = NULL;
    x->lost = false;
    tell(x, false);
}

static void enter(searching *x)
{
    AvahiClient *client =
        avahi_client_new(avahi_simple_poll_get(x->poll), AVAHI_CLIENT_NO_FAIL, on_client, x, NULL);

    if (client == NULL) { /* it has freed what on_client saw */
        x->client = NULL;
        x->lost = false;
    }
}

static void on_told(AvahiWatch *watch, int fd, AvahiWatchEvent event, void *arg)
{
    searching *x = arg;
    int got = qn_lan_receive(fd, &x->note);

    (void)watch, (void)event;
    x->over = got < 0;
    if (got <= 0)
        return;
    x->ours = x->note;
    publish(x);
}

static void search(searching *x)
{
    const AvahiPoll *api = avahi_simple_poll_get(x->poll);
    int status = 0;

    x->watch = api->watch_new(api, x->s.fd, AVAHI_WATCH_IN, on_told, x);
    if (x->watch == NULL)
        return;
    enter(x);
    while (!x->over && status == 0) {
        bool was = x->client != NULL;

        status = avahi_simple_poll_iterate(x->poll, was ? -1 : RETRY_MS);
        if (x->lost)
            leave(x);
        else if (!was && !x->over)
            enter(x);
    }
    leave(x);
    api->watch_free(x->watch);
}

bool qn_lan_can_search(void)
{
    return true;
}

void *qn_lan_search_run(void *arg)
{
    qn_lan_search *s = arg;
    searching *x = calloc(1, sizeof *x);
    int fd = s->fd;

    if (x != NULL) {
        x->s = *s;
        x->poll = avahi_simple_poll_new();
    }
    free(s);
    if (x != NULL && x->poll != NULL) {
        search(x);
        avahi_simple_poll_free(x->poll);
    }
    free(x);
    (void)close(fd);
    return NULL;
}
