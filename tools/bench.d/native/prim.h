/*
 * prim - the raw speeds of one machine that bound any relay built on these libraries.
 *
 * usage: prim [SECS]      SECS of measuring per line, 1 unless said
 *
 * Output: one "name value unit" per line. Speeds are per CPU second of one core, except the
 * *_throughput lines, where a writer and a reader process have a core each.
 */
#ifndef BENCH_PRIM_H
#define BENCH_PRIM_H

#include <openssl/ssl.h>

enum { RECORD = 16384 }; /* a full TLS record, and a full QNet record */

double wall_now(void); /* seconds, monotonic */
double cpu_now(void);  /* seconds of this process */
void say(const char *name, double value, const char *unit);
_Noreturn void tls_die(const char *what);

/* TLS 1.3 with X25519; the server has a fresh self-signed P-256 certificate. suite NULL: the
 * default. */
SSL_CTX *server_context(const char *suite);
SSL_CTX *client_context(const char *suite);

void measure_aead(double seconds);
void measure_curves(double seconds);
void measure_tcp(double seconds);
void measure_tls(double seconds);
void measure_handshakes(double seconds);
void measure_idle_tls(int connections);

#endif
