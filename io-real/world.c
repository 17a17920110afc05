/*
 * The law of qnet/node.h on libevent. Every callback from libevent begins with qn__enter(), does
 * one thing, and ends with qn__settle(). What is to be sent waits for qn__flush(), which runs once
 * after all the callbacks of one wake-up: 32 requests that are readable together leave in one write
 * and not in 32. That is all the control flow there is.
 */
#include "io-real/internal.h"
#include "io-real/log.h"
#include "io-real/loops.h"
#include "io-real/sockets.h"

#include <stdlib.h>
#include <string.h>

const qn_log *qn__log(const qn_world *w)
{
    return &w->env->env.log;
}

/* ---- actions --------------------------------------------------------------------------------- */

static void resolve_from_hosts(qn_world *w, const qn_action *a)
{
    qn_addr v[QN_LOOKUP_ADDRS];
    unsigned n = qn_hosts_find(w->cfg.hosts, &a->dest, v, QN_LOOKUP_ADDRS);

    qn_node_resolved(w->node, a->query, v, n, n > 0 ? QN_OK : QN_RESOLVE);
}

static void looked_up(void *ctx, uint32_t query, const qn_addr *v, unsigned n)
{
    qn__resolved(ctx, query, v, n, n > 0 ? QN_OK : QN_RESOLVE);
}

static bool look_up(qn_world *w, const qn_action *a)
{
    if (w->visits == NULL)
        w->visits = qn_lookup_new(w->base, NULL, looked_up, w);
    if (w->visits != NULL && qn_lookup_ask(w->visits, a->query, &a->dest))
        return true;
    qn_log_say(qn__log(w), QN_LOG_WARN, "dns", "cannot ask for a site's name");
    return false;
}

static void resolve(qn_world *w, const qn_action *a)
{
    bool asked;

    if (a->visit && w->cfg.hosts != NULL) {
        resolve_from_hosts(w, a);
        return;
    }
    if (a->visit)
        asked = look_up(w, a);
    else
        asked = w->resolver != NULL && qn_resolver_ask(w->resolver, a->query, &a->dest);
    if (!asked)
        qn_node_resolved(w->node, a->query, NULL, 0, QN_RESOLVE);
}

/* The state directory is the leader's; what its node keeps the followers are told. */
static void store(qn_world *w, const qn_action *a)
{
    qn_why why;
    bool ok;

    qn__loops_told(w, a->name, a->bytes);
    if (w->place != 0)
        return;
    if (a->append)
        ok = qn_store_append(w->cfg.store, a->name, a->bytes, why);
    else if (strcmp(a->name, "mirror-keys") == 0 || strcmp(a->name, "invited") == 0)
        ok = qn_store_write_secret(w->cfg.store, a->name, a->bytes, why);
    else
        ok = qn_store_write(w->cfg.store, a->name, a->bytes, why);
    if (ok)
        return;
    qn_log_say(qn__log(w), QN_LOG_ERROR, "store", "%s", why);
    qn_node_store_failed(w->node, a->name);
}

static void perform_on(conn *c, const qn_action *a)
{
    switch (a->type) {
    case QN_ACT_SEND:
        qn__conn_queue(c);
        break;
    case QN_ACT_READ:
        qn__conn_want_read(c, true);
        break;
    case QN_ACT_FINISH:
        c->finish = true;
        qn__conn_queue(c);
        break;
    case QN_ACT_RESET:
        qn__leave_reset(c, a->drain);
        break;
    case QN_ACT_CLOSE:
        qn__leave_close(c);
        break;
    case QN_ACT_LINGER_RESET:
        c->lingers = a->on;
        qn_socket_linger_reset(c->fd, a->on);
        break;
    default:
        break;
    }
}

static void perform(qn_world *w, const qn_action *a)
{
    conn *c;

    switch (a->type) {
    case QN_ACT_DIAL:
        qn__conn_dial(w, a->conn, &a->addr);
        break;
    case QN_ACT_RESOLVE:
        resolve(w, a);
        break;
    case QN_ACT_PAUSE_ACCEPT:
        qn__door_pause(w, a->purpose, a->on);
        break;
    case QN_ACT_STORE:
        store(w, a);
        break;
    case QN_ACT_STOPPED:
        w->stopped = true;
        break;
    case QN_ACT_EVENT:
        if (a->event.type == QN_EV_EXIT)
            qn__loops_exit(w, &a->event);
        break;
    default:
        c = qn__table_find(&w->conns, a->conn);
        if (c != NULL) /* it may have been reset in the meantime */
            perform_on(c, a);
        else if (a->type == QN_ACT_RESET && w->resolver != NULL)
            qn_resolver_cancel(w->resolver, a->conn); /* whose name was still being asked for */
    }
}

/* ---- the law --------------------------------------------------------------------------------- */

void qn__bury(qn_world *w)
{
    while (w->graves != NULL) {
        conn *c = w->graves;

        w->graves = c->hash_next;
        free(c);
    }
}

void qn__enter(qn_world *w)
{
    if (w->send_head == NULL)
        qn__bury(w);
    qn_real_env_stamp(w->env);
}

static conn *next_to_send(qn_world *w)
{
    conn *c = w->send_head;

    if (c == NULL)
        return NULL;
    w->send_head = c->queue_next;
    if (w->send_head == NULL)
        w->send_tail = NULL;
    c->queued = false;
    return c;
}

static void arm_timer(qn_world *w)
{
    qn_time due = qn_node_due(w->node), now = w->env->env.now, in;
    struct timeval tv;

    if (due == w->armed)
        return;
    w->armed = due;
    if (due == QN_NEVER) {
        (void)evtimer_del(&w->timer);
        return;
    }
    in = due > now ? due - now : 0;
    tv.tv_sec = (time_t)(in / QN_SEC);
    tv.tv_usec = (suseconds_t)(in % QN_SEC / QN_US);
    (void)evtimer_add(&w->timer, &tv);
}

static void drain_actions(qn_world *w)
{
    qn_action a;

    while (qn_node_next(w->node, &a))
        perform(w, &a);
}

void qn__settle(qn_world *w)
{
    drain_actions(w);
    if (w->send_head != NULL)
        event_active(&w->flush, 0, 0);
    arm_timer(w);
    w->view.conns = w->conns.used;
    if (w->loops != NULL)
        atomic_store_explicit(&w->loops->v[w->place].used, w->conns.used, memory_order_relaxed);
    if (w->stopped && w->conns.used == 0)
        (void)event_base_loopbreak(w->base);
}

void qn__flush(qn_world *w)
{
    conn *c;

    qn_real_env_stamp(w->env);
    while ((c = next_to_send(w)) != NULL) {
        qn__conn_send(c);
        drain_actions(w);
    }
    qn__settle(w);
}

void qn__on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    qn__flush(arg);
}

void qn__on_timer(evutil_socket_t fd, short what, void *arg)
{
    qn_world *w = arg;

    (void)fd;
    (void)what;
    w->armed = QN_NEVER;
    qn__enter(w);
    qn_node_tick(w->node);
    qn__settle(w);
}

void qn__resolved(void *ctx, uint32_t query, const qn_addr *v, unsigned n, qn_err why)
{
    qn_world *w = ctx;

    if (why == QN_FORGED)
        qn_log_say(qn__log(w), QN_LOG_WARN, "dns", "an answer did not validate: it was dropped");
    qn__enter(w);
    qn_node_resolved(w->node, query, v, n, why);
    qn__settle(w);
}
