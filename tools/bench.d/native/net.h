/*
 * The few socket chores that the benchmark programs share. Failure ends the program with a
 * sentence: a benchmark that limps on measures something else.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

_Noreturn void die(const char *what);

/* Returns p, which must not be NULL. */
void *must(void *p);

/* "IP:PORT", IPv4. */
struct sockaddr_in parse_address(const char *text);

/* A non-blocking listener. */
int listen_on(const struct sockaddr_in *where);

/* A blocking, connected pair over loopback TCP. */
void tcp_pair(int *server, int *client);

void no_delay(int fd);

/* Raises the descriptor limit as far as this user may. */
void many_descriptors(void);

#endif
