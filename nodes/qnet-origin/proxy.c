/* PROXY protocol, version 2 (HAProxy's proxy-protocol.txt, section 2.2). The address it names is
 * checked for its form and forgotten: this site treats everybody alike. */
#include "origin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD 16
#define BODY_MAX 216 /* the largest addresses, AF_UNIX; TLVs are not sent to us */

static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Bytes of the whole header, 0: not one. */
static size_t size_of(const uint8_t *p)
{
    size_t body = (size_t)p[14] << 8 | p[15];
    size_t least = p[13] == 0x11 ? 12 : 36; /* TCP over IPv4, over IPv6 */

    if (memcmp(p, signature, 12) != 0 || p[12] >> 4 != 2 || body > BODY_MAX)
        return 0;
    if (p[12] == 0x20) /* LOCAL: a health check */
        return HEAD + body;
    return p[12] == 0x21 && (p[13] == 0x11 || p[13] == 0x21) && body >= least ? HEAD + body : 0;
}

/* Wakes us again only when so many bytes are there: what was peeked at stays readable. */
static int wait_for(evutil_socket_t fd, size_t n)
{
    int least = (int)n;

    return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least) == 0 ? 0 : -1;
}

int proxy_take(evutil_socket_t fd, size_t *seen)
{
    uint8_t buf[HEAD + BODY_MAX];
    ssize_t n = recv(fd, buf, sizeof buf, MSG_PEEK);
    size_t need = HEAD, known;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    known = (size_t)n < 12 ? (size_t)n : 12;
    if ((size_t)n <= *seen || memcmp(buf, signature, known) != 0)
        return -1; /* woken without more: the end */
    *seen = (size_t)n;
    if (n >= HEAD)
        need = size_of(buf);
    if (need == 0)
        return -1;
    if (n < HEAD || (size_t)n < need)
        return wait_for(fd, need);
    if (recv(fd, buf, need, 0) != (ssize_t)need || wait_for(fd, 1) != 0)
        return -1;
    return 1;
}
