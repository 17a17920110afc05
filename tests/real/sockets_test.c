/* Socket options that promises hang on. */
#include "io-real/sockets.h"
#include "support/qt.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static int minutes_until_noticed(int fd)
{
    int wait = option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
               option(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option(fd, IPPROTO_TCP, TCP_KEEPCNT);

    return (wait + 59) / 60;
}

/* Without probes a peer that vanished holds its descriptor and its streams for ever. */
START_TEST(a_silent_peer_is_probed)
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}}, from, local;
    int listener = qn_socket_listen(&at), dialled = qn_socket_dial(&at), accepted;
    struct pollfd knock = {.fd = listener, .events = POLLIN};

    ck_assert(listener >= 0 && dialled >= 0);
    ck_assert_int_eq(poll(&knock, 1, 10000), 1);
    accepted = qn_socket_accept(listener, &from, &local);
    ck_assert(accepted >= 0);
    ck_assert(qn_addr_equal(&local, &at));
    ck_assert_int_ne(option(dialled, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_ne(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_le(minutes_until_noticed(dialled), 3);
    ck_assert_int_le(minutes_until_noticed(accepted), 3);
    qn_socket_probe_seldom(accepted);
    ck_assert_int_eq(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
    (void)close(accepted);
    (void)close(dialled);
    (void)close(listener);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real sockets");
    TCase *t = tcase_create("options");

    tcase_add_test(t, a_silent_peer_is_probed);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
