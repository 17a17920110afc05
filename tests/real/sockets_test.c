/* Socket options that promises hang on. */
#include "io-real/sockets.h"
#include "support/qt.h"

#include <errno.h>
#include <linux/tcp.h> /* the C library's has no counts of segments */
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
    bool open;
    int listener = qn_socket_listen(&at), dialled = qn_socket_dial(&at, &open), accepted;
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

START_TEST(who_is_on_this_machine_is_reached_at_once)
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    bool open = false;
    int listener = qn_socket_listen(&at), dialled = qn_socket_dial(&at, &open);

    ck_assert(listener >= 0 && dialled >= 0);
    ck_assert(open);
    ck_assert_int_eq(qn_socket_error(dialled), 0);
    (void)close(dialled);
    (void)close(listener);
}
END_TEST

/* The port is held, so that nobody else listens there. */
START_TEST(where_nobody_listens_is_known_at_once_too)
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    qn_sockaddr sa = qn_sockaddr_of(&at);
    bool open = true;

    ck_assert_int_eq(bind(held, &sa.u.any, sa.len), 0);
    ck_assert_int_eq(getsockname(held, &sa.u.any, &sa.len), 0);
    at = qn_addr_of(&sa.u.any);
    ck_assert_int_eq(qn_socket_dial(&at, &open), -1);
    ck_assert_int_eq(qn_socket_err(errno), QN_REFUSED);
    ck_assert(!open);
    (void)close(held);
}
END_TEST

static uint32_t segments_that_came(int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof info;

    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
    ck_assert_uint_gt(n, offsetof(struct tcp_info, tcpi_segs_in));
    return info.tcpi_segs_in;
}

/* A web server's last bytes and its FIN are two, whoever looks; an application is woken once. */
START_TEST(an_end_rides_in_the_last_packet_only_where_it_is_meant_to)
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}}, from;
    bool open, with_end = _i == 1;
    int listener = qn_socket_listen(&at), dialled = qn_socket_dial(&at, &open), accepted;
    struct pollfd knock = {.fd = listener, .events = POLLIN};
    struct pollfd news = {.fd = dialled, .events = POLLIN};
    char said[] = "the last bytes";
    struct iovec v = {.iov_base = said, .iov_len = sizeof said};
    uint32_t before = segments_that_came(dialled);
    ssize_t got;

    ck_assert_int_eq(poll(&knock, 1, 10000), 1);
    accepted = qn_socket_accept(listener, &from, NULL);
    ck_assert(accepted >= 0);
    ck_assert_int_eq(qn_socket_put(accepted, &v, 1, with_end), sizeof said);
    ck_assert_int_eq(shutdown(accepted, SHUT_WR), 0);
    do
        ck_assert_int_eq(poll(&news, 1, 10000), 1);
    while ((got = recv(dialled, said, sizeof said, MSG_DONTWAIT)) > 0);
    ck_assert_int_eq(got, 0);
    ck_assert_uint_eq(segments_that_came(dialled) - before, with_end ? 1 : 2);
    (void)close(accepted);
    (void)close(dialled);
    (void)close(listener);
}
END_TEST

START_TEST(an_application_is_accepted_with_its_first_bytes)
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}}, from;
    bool open;
    int listener = qn_socket_listen(&at), dialled, accepted;
    struct pollfd knock = {.fd = listener, .events = POLLIN};
    char said[4];

    qn_socket_wait_for_bytes(listener);
    ck_assert_int_ne(option(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    dialled = qn_socket_dial(&at, &open);
    ck_assert(open);
    ck_assert_int_eq(send(dialled, "\5\1", 3, MSG_NOSIGNAL), 3);
    ck_assert_int_eq(poll(&knock, 1, 10000), 1);
    accepted = qn_socket_accept(listener, &from, NULL);
    ck_assert(accepted >= 0);
    ck_assert_int_eq(recv(accepted, said, sizeof said, MSG_DONTWAIT), 3);
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
    tcase_add_test(t, who_is_on_this_machine_is_reached_at_once);
    tcase_add_test(t, where_nobody_listens_is_known_at_once_too);
    tcase_add_test(t, an_application_is_accepted_with_its_first_bytes);
    tcase_add_loop_test(t, an_end_rides_in_the_last_packet_only_where_it_is_meant_to, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
