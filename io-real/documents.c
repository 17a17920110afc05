#include "io-real/documents.h"

#include "io-real/names.h"

#include <string.h>

/* ---- values ---------------------------------------------------------------------------------- */

/* Takes over value; NULL (out of memory) leaves the key out. */
static void set(json_t *o, const char *key, json_t *value)
{
    (void)json_object_set_new(o, key, value);
}

/* Counters are u64 in the core and signed in JSON; they never get there. */
static void set_number(json_t *o, const char *key, uint64_t v)
{
    set(o, key, json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v));
}

static void set_text(json_t *o, const char *key, const char *text)
{
    set(o, key, json_string(text));
}

static void set_addr(json_t *o, const char *key, const qn_addr *a)
{
    char text[QN_ADDR_TEXT];

    if (a->family != 0)
        qn_addr_text(a, text);
    set(o, key, a->family != 0 ? json_string(text) : json_null());
}

static json_t *peer_id(const qn_view *v, const qn_peerid *id)
{
    char text[QN_PEERID_TEXT + 1];

    return qn_peerid_text(&v->env->env, id, text) == QN_OK ? json_string(text) : json_null();
}

static json_t *hex32(const uint8_t p[32])
{
    static const char digits[] = "0123456789abcdef";
    char text[64];

    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 15];
    }
    return json_stringn(text, sizeof text);
}

/* ---- /status --------------------------------------------------------------------------------- */

static json_t *exit_stats(const qn_counters *c)
{
    json_t *o = json_object();

    set_number(o, "requests_total", c->exit_requests);
    set_number(o, "requests_success", c->exit_ok);
    set_number(o, "requests_blocked", c->exit_blocked);
    set_number(o, "bandwidth_bytes", c->exit_bytes);
    return o;
}

/* Who answers for an exit; null for other nodes. */
static json_t *exit_answers(const qn_view *v)
{
    json_t *o;

    if (v->exit_contact[0] == '\0')
        return json_null();
    o = json_object();
    set_text(o, "contact", v->exit_contact);
    set_text(o, "notice", v->exit_notice);
    return o;
}

static json_t *counters(const qn_counters *c)
{
    json_t *o = json_object();

    set_number(o, "cells_forward", c->cells_forward);
    set_number(o, "cells_backward", c->cells_backward);
    set_number(o, "aead_bytes", c->aead_bytes);
    set_number(o, "key_exchanges", c->dh);
    set_number(o, "handshakes", c->handshakes);
    set_number(o, "app_up", c->app_up);
    set_number(o, "app_down", c->app_down);
    set_number(o, "relayed", c->relayed);
    set_number(o, "links_opened", c->links_opened);
    set_number(o, "links_resumed", c->links_resumed);
    set_number(o, "impostors", c->impostors);
    set_number(o, "circuits_built", c->circuits_built);
    set_number(o, "circuits_failed", c->circuits_failed);
    set_number(o, "circuits_refused", c->circuits_refused);
    set_number(o, "padding_cells", c->padding_cells);
    set_number(o, "padding_refused", c->padding_refused);
    set_number(o, "streams_opened", c->streams_opened);
    set_number(o, "streams_failed", c->streams_failed);
    return o;
}

/* Operators that are proven to have signed two lists of one version. */
static json_t *equivocators(const qn_view *v, const qn_status *s)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < v->network->operators_n; i++)
        if ((s->distrusted >> i & 1) != 0)
            (void)json_array_append_new(list, peer_id(v, &v->network->operators[i].id));
    return list;
}

static void set_identity(json_t *o, const qn_view *v, const qn_status *s)
{
    json_t *net = json_object();

    set(o, "peer_id", peer_id(v, &s->id));
    set_text(net, "name", v->network->name);
    set(net, "id", hex32(v->network->id));
    set_number(net, "snapshot_version", s->snapshot_version);
    set(net, "equivocators", equivocators(v, s));
    set(o, "network", net);
    set_text(o, "mode", qn_mode_name(v->mode));
    set_text(o, "helper_mode", qn_mode_name(v->mode));
    set_text(o, "route", qn_route_name(s->route));
    set_text(o, "carrier", v->carrier);
    set(o, "lab", json_boolean(v->lab));
    set_addr(o, "listen_addr", &v->link);
    set_addr(o, "socks_addr", &v->socks);
    set_addr(o, "status_addr", &v->status);
    set_addr(o, "directory_addr", &v->directory_addr);
}

static void set_health(json_t *o, const qn_view *v, const qn_status *s)
{
    qn_time now = v->env->env.now;

    set_text(o, "state", qn_state_name(s->state));
    set_text(o, "phase", s->phase);
    set_text(o, "advice", s->advice);
    set_text(o, "last_error", s->last_error == QN_OK ? "" : qn_err_text(s->last_error));
    /* null: nothing has reached an exit yet */
    if (s->last_probe == 0)
        set(o, "last_checked_ms_ago", json_null());
    else
        set_number(o, "last_checked_ms_ago", (now - s->last_probe) / QN_MS);
    set_number(o, "uptime_secs", (now - v->since) / QN_SEC);
}

/* The site behind us; null where nobody dials. */
static json_t *origin(const qn_view *v, const qn_status *s)
{
    json_t *o;

    if (v->origin == NULL)
        return json_null();
    o = json_object();
    set_text(o, "name", v->origin);
    set(o, "down", json_boolean(s->origin_down));
    set(o, "measured", json_integer(v->origin_measured));
    set_text(o, "advice", v->origin_advice);
    return o;
}

/* What a carrier with a disguise plays; null for one without. */
static json_t *disguise(const qn_view *v, const qn_status *s)
{
    json_t *o;

    if (v->profile == NULL)
        return json_null();
    o = json_object();
    set_text(o, "profile", v->profile);
    set(o, "profile_until", json_integer(s->profile_until));
    set_text(o, "advice", v->profile_advice);
    set(o, "clock_ahead_secs", json_integer(s->clock_ahead));
    set(o, "origin", origin(v, s));
    return o;
}

/* The directory over HTTP; null where it is not offered. */
static json_t *directory(const qn_view *v)
{
    static const char *const roles[] = {"none", "mirror", "operator"};
    qn_directory_counts c;
    json_t *o;

    if (v->directory == NULL)
        return json_null();
    qn_directory_http_counts(v->directory, &c);
    o = json_object();
    set_text(o, "role", roles[qn_node_directory(v->node)]);
    set_number(o, "connections", c.connections);
    set_number(o, "accepted", c.accepted);
    set_number(o, "made_way", c.made_way);
    set_number(o, "late", c.late);
    set_number(o, "requests", c.requests);
    set_number(o, "registered", c.registered);
    set_number(o, "refused", c.refused);
    set_number(o, "listings", c.listings);
    set_number(o, "rationed", c.rationed);
    return o;
}

/* The local network; null where nobody looks around in it. */
static json_t *lan(const qn_view *v)
{
    qn_lan_counts c;
    json_t *o;

    if (v->lan == NULL)
        return json_null();
    qn_lan_count(v->lan, &c);
    o = json_object();
    set(o, "announced", json_boolean(c.announced));
    set_number(o, "heard", c.heard);
    set_number(o, "taken", c.taken);
    set_number(o, "refused", c.refused);
    return o;
}

/* What an operator knows of what relays carry; others measure nobody. */
static json_t *capacity(const qn_view *v, const qn_status *s)
{
    json_t *o;

    if (qn_node_directory(v->node) != QN_DIRECTORY_OPERATOR)
        return json_null();
    o = json_object();
    set_number(o, "measured", s->measured);
    set_number(o, "oldest", s->measured_oldest / QN_SEC);
    return o;
}

/* The tables that say where nodes are. */
static json_t *atlas(const qn_view *v)
{
    json_t *list = json_array();

    for (unsigned i = 0; v->atlas != NULL && i < v->atlas->n; i++) {
        json_t *o = json_object();

        set_text(o, "file", v->atlas->path[i]);
        set(o, "made", json_integer(qn_atlas_made(v->atlas, i)));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static const char *reach_name(qn_reach reach)
{
    static const char *const names[] = {"unknown", "direct", "behind"};

    return names[reach];
}

static json_t *status(const qn_view *v)
{
    json_t *o = json_object(), *mem = json_object();
    qn_status s;

    qn_node_status(v->node, &s);
    set_number(o, "schema", 1);
    set_text(o, "version", QNET_VERSION);
    set_identity(o, v, &s);
    set_health(o, v, &s);
    set(o, "disguise", disguise(v, &s));
    set(o, "listed", json_boolean(s.listed));
    set(o, "directory", directory(v));
    set(o, "capacity", capacity(v, &s));
    set(o, "atlas", atlas(v));
    set_number(o, "invited_by", s.invited_by);
    set_number(o, "peers_online", s.peers_known);
    set_number(o, "peers_heard", s.heard);
    set(o, "lan", lan(v));
    set_text(o, "reach", reach_name(s.reach));
    set_number(o, "active_links", s.links);
    set_number(o, "active_circuits", s.circuits);
    set_number(o, "active_streams", s.streams);
    set_number(o, "active_connections", v->conns);
    set_number(o, "relay_packets_relayed", s.counters.cells_forward + s.counters.cells_backward);
    set_number(o, "bytes_in", v->bytes_in);
    set_number(o, "bytes_out", v->bytes_out);
    set(o, "exit", exit_answers(v));
    set(o, "exit_stats", exit_stats(&s.counters));
    set(o, "counters", counters(&s.counters));
    set_number(mem, "used", s.mem_used);
    set_number(mem, "peak", s.mem_peak);
    set_number(mem, "limit", v->env->env.mem.limit);
    set(o, "memory", mem);
    return o;
}

/* ---- the lists ------------------------------------------------------------------------------- */

/* Why a hop is where it is; nothing is drawn for it here. */
static json_t *hop_choice(const qn_hop_info *h)
{
    json_t *o = json_object();

    set(o, "reason", json_string(h->reason));
    set(o, "country", h->country[0] != '\0' ? json_string(h->country) : json_null());
    set_number(o, "fitting", h->fitting);
    set(o, "share", json_real(h->share / 1e6));
    set(o, "effective", json_real(h->effective / 10.0));
    set_number(o, "other_circuits", h->others);
    set(o, "guard_since", h->guard_since != 0 ? json_integer(h->guard_since) : json_null());
    return o;
}

/* What two of its hops have in common. */
static json_t *in_common(uint8_t alike)
{
    static const char *const words[] = {"family", "prefix", "as", "country"};
    json_t *list = json_array();

    for (unsigned i = 0; i < 4; i++)
        if (alike >> i & 1)
            (void)json_array_append_new(list, json_string(words[i]));
    return list;
}

static json_t *circuit(const qn_view *v, const qn_circuit_info *c)
{
    json_t *o = json_object(), *hops = json_array(), *why = json_array();

    for (unsigned i = 0; i < c->hops_len; i++) {
        (void)json_array_append_new(hops, peer_id(v, &c->hop[i]));
        if (c->why[i].reason != NULL)
            (void)json_array_append_new(why, hop_choice(&c->why[i]));
    }
    set_number(o, "id", c->id);
    set(o, "hops", hops);
    set(o, "choice", why);
    set(o, "in_common", in_common(c->alike));
    set(o, "tired", json_boolean(c->tired));
    set_number(o, "used_ms", c->used / QN_MS);
    set(o, "built", json_boolean(c->built));
    set_number(o, "streams", c->streams);
    set_number(o, "age_ms", c->age / QN_MS);
    set_number(o, "trip_ms", c->trip / QN_MS);
    set_number(o, "up", c->up);
    set_number(o, "down", c->down);
    return o;
}

static json_t *peer(const qn_view *v, const qn_peer_info *p)
{
    json_t *o = json_object();

    set(o, "peer_id", p->known ? peer_id(v, &p->id) : json_null());
    set(o, "outbound", json_boolean(p->outbound));
    set(o, "up", json_boolean(p->up));
    set_number(o, "streams", p->streams);
    set_number(o, "bytes_in", p->in);
    set_number(o, "bytes_out", p->out);
    set_number(o, "age_ms", p->age / QN_MS);
    set_number(o, "queue_mean_us", p->queue_mean / QN_US);
    set_number(o, "queue_high_us", p->queue_high / QN_US);
    set_number(o, "resumes", p->resumes);
    return o;
}

static json_t *list_of(const char *key, json_t *items, bool truncated)
{
    json_t *o = json_object();

    set_number(o, "schema", 1);
    set(o, key, items);
    set(o, "truncated", json_boolean(truncated));
    return o;
}

static json_t *circuits(const qn_view *v)
{
    json_t *items = json_array();
    qn_circuit_info c;
    uint32_t i = 0;

    for (; i < QN_LIST_MAX && qn_node_circuit(v->node, i, &c); i++)
        (void)json_array_append_new(items, circuit(v, &c));
    return list_of("circuits", items, i == QN_LIST_MAX && qn_node_circuit(v->node, i, &c));
}

static json_t *peers(const qn_view *v)
{
    json_t *items = json_array();
    qn_peer_info p;
    uint32_t i = 0;

    for (; i < QN_LIST_MAX && qn_node_peer(v->node, i, &p); i++)
        (void)json_array_append_new(items, peer(v, &p));
    return list_of("peers", items, i == QN_LIST_MAX && qn_node_peer(v->node, i, &p));
}

static json_t *ping(const qn_view *v)
{
    json_t *o = json_object();

    set(o, "ok", json_true());
    set(o, "ts", json_integer(v->env->env.wall));
    return o;
}

json_t *qn_document(const qn_view *v, const char *path)
{
    if (strcmp(path, "/status") == 0)
        return status(v);
    if (strcmp(path, "/circuits") == 0)
        return circuits(v);
    if (strcmp(path, "/peers") == 0)
        return peers(v);
    return strcmp(path, "/ping") == 0 ? ping(v) : NULL;
}
