/*
 * The three ways a conn ends.
 *
 *     reset          SO_LINGER {1,0} and close: RST now
 *     drained reset  what the node offers is written, acknowledged by the peer's kernel, then RST:
 * a RST sent earlier would throw away bytes that already belong to the reader close          what
 * the node offers is written, then FIN; what still arrives is read away until the peer's FIN,
 * because closing over unread bytes sends a RST in the FIN's place (RFC 1122 4.2.2.13), and that
 * RST can overtake our last bytes
 *
 * All three are over 200 ms after they began. An orderly close that could not write everything by
 * then becomes a reset: cut short is an error, never a clean end.
 */
#include "io-real/internal.h"
#include "io-real/sockets.h"

#include <errno.h>
#include <unistd.h>

static void on_leave_tick(evutil_socket_t fd, short what, void *arg);

static void reset_now(conn *c)
{
    qn_socket_linger_reset(c->fd, true);
    qn__conn_destroy(c);
}

static void tick_in(conn *c, unsigned ms)
{
    struct timeval tv = {.tv_usec = (suseconds_t)ms * 1000};

    (void)evtimer_add(&c->leave_ev, &tv);
}

static void begin(conn *c, leaving how)
{
    c->leaving = how;
    c->leave_by = c->world->env->env.now + QN_LEAVE_MS * QN_MS;
    (void)evtimer_assign(&c->leave_ev, c->world->base, on_leave_tick, c);
    qn__conn_want_read(c, false);
    tick_in(c, QN_LEAVE_MS);
}

/* ---- what the contract asks for -------------------------------------------------------------- */

void qn__leave_reset(conn *c, bool drain)
{
    if (c->leaving != STAYING)
        return;
    if (!drain) {
        reset_now(c);
        return;
    }
    begin(c, RESETTING);
    if (c->dialling || c->broken)
        qn__leave_sent(c);
    else
        qn__conn_queue(c);
}

void qn__leave_close(conn *c)
{
    if (c->leaving != STAYING)
        return;
    begin(c, CLOSING);
    if (c->dialling || c->broken)
        qn__leave_sent(c);
    else
        qn__conn_queue(c);
}

/* The peer's kernel has everything, or never will. */
static void reset_when_acknowledged(conn *c)
{
    if (c->broken || qn_socket_unsent(c->fd) == 0 || c->world->env->env.now >= c->leave_by)
        reset_now(c);
    else
        tick_in(c, QN_LEAVE_TICK_MS);
}

static void send_fin(conn *c)
{
    if (c->lingers)
        qn_socket_linger_reset(c->fd, false);
    if (c->eof || c->broken || c->dialling || shutdown(c->fd, SHUT_WR) != 0) {
        qn__conn_destroy(c);
        return;
    }
    c->leaving = LINGERING;
    qn__conn_want_read(c, true);
}

void qn__leave_sent(conn *c)
{
    qn_node_released(c->world->node, c->id);
    if (c->leaving == CLOSING) {
        send_fin(c);
        return;
    }
    c->leaving = AWAITING_ACK;
    reset_when_acknowledged(c);
}

void qn__leave_readable(conn *c)
{
    uint8_t away[16384];
    ssize_t got = read(c->fd, away, sizeof away);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        qn__conn_destroy(c);
}

/* ---- the 200 ms ------------------------------------------------------------------------------ */

static void on_leave_tick(evutil_socket_t fd, short what, void *arg)
{
    conn *c = arg;
    qn_world *w = c->world;

    (void)fd;
    (void)what;
    qn__enter(w);
    switch (c->leaving) {
    case AWAITING_ACK:
        reset_when_acknowledged(c);
        break;
    case RESETTING:
    case CLOSING: /* bytes are left: cut short is an error, never a clean end */
        qn_node_released(w->node, c->id);
        reset_now(c);
        break;
    case LINGERING:
    case STAYING:
        qn__conn_destroy(c);
        break;
    }
    qn__settle(w);
}
