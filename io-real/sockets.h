/* Thin, typed wrappers over the socket calls; everything is non-blocking and close-on-exec. */
#ifndef QN_REAL_SOCKETS_H
#define QN_REAL_SOCKETS_H

#include "qnet/addr.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

typedef struct qn_sockaddr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len;
} qn_sockaddr;

qn_sockaddr qn_sockaddr_of(const qn_addr *a);
/* family 0 for anything but IPv4 and IPv6; a mapped address becomes plain IPv4. */
qn_addr qn_addr_of(const struct sockaddr *sa);

/* Each returns a descriptor, or -1 with errno. Listening fills in the port that was got. */
int qn_socket_listen(qn_addr *at);
/* Not open yet: wait for writability, then ask qn_socket_error(). */
int qn_socket_dial(const qn_addr *to, bool *open);
/* The same, to a Unix socket, of which nothing is known before it is writable. */
int qn_socket_dial_path(const char *path);
/* local: the address that was dialled, also where the listener is for several. NULL: not asked. */
int qn_socket_accept(int listener, qn_addr *from, qn_addr *local);
/* Whoever connects is to be accepted with his first bytes, or without them after a second. */
void qn_socket_wait_for_bytes(int listener);

/* Keep-alive probes only after two hours of silence, the kernel's own default, not after a minute:
 * no web server sends them to an idle visitor before it hangs up. */
void qn_socket_probe_seldom(int fd);
int qn_socket_error(int fd);                  /* takes SO_ERROR */
void qn_socket_linger_reset(int fd, bool on); /* SO_LINGER {1,0}: closing sends RST */
/* As writev. with_end: shutdown follows at once, and its FIN is to be in the last bytes' packet,
 * which wakes the reader once. Only for applications: a web server's FIN is a packet of its own, so
 * that of a node in front of one is too. */
ssize_t qn_socket_put(int fd, const struct iovec *v, unsigned n, bool with_end);
/* Bytes the peer has not acknowledged yet. */
size_t qn_socket_unsent(int fd);
/* Bytes the kernel has not sent yet, once even. */
size_t qn_socket_backlog(int fd);
/* The kernel takes no more while so many bytes are unsent, and tells of room below half of it. */
void qn_socket_bound_backlog(int fd, size_t bytes);
/* QN_BUSY: this host has no socket left; QN_REFUSED, QN_TIMEOUT or QN_UNREACHABLE. */
qn_err qn_socket_err(int saved_errno);

#endif
