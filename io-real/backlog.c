/*
 * How much a socket holds that is not sent yet.
 *
 * Left to itself the kernel takes megabytes, and what we hand it later waits behind them, however
 * urgent it is. So each socket has a bound (TCP_NOTSENT_LOWAT), small at first. It doubles when the
 * kernel ran dry before we came with more, and is halved when it drains slowly: what waits in it is
 * some milliseconds' worth whatever the line's rate, without anybody measuring that. Tor's KIST
 * (Jansen et al., 2014) reaches the same with TCP_INFO and a timer.
 */
#include "io-real/internal.h"
#include "io-real/sockets.h"

static void bound(conn *c, uint32_t bytes)
{
    if (bytes == c->backlog)
        return;
    c->backlog = bytes;
    qn_socket_bound_backlog(c->fd, bytes);
}

void qn__backlog_begin(conn *c)
{
    bound(c, QN_BACKLOG_MIN);
}

uint32_t qn__backlog_next(uint32_t bound, size_t left, qn_time waited)
{
    if (left == 0)
        return bound < QN_BACKLOG_MAX ? 2 * bound : bound;
    if (waited > QN_BACKLOG_MS * QN_MS)
        return bound > QN_BACKLOG_MIN ? bound / 2 : bound;
    return bound;
}

void qn__backlog_review(conn *c)
{
    if (!c->broken)
        bound(c, qn__backlog_next(c->backlog, qn_socket_backlog(c->fd),
                                  c->world->env->env.now - c->blocked_at));
}
