#include "prim.h"

#include "net.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>

static double read_clock(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double wall_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double cpu_now(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void say(const char *name, double value, const char *unit)
{
    printf("%s %.*f %s\n", name, value < 1 ? 3 : value < 100 ? 2 : 0, value, unit);
}

void tls_die(const char *what)
{
    ERR_print_errors_fp(stderr);
    die(what);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;

    if (argc > 2 || seconds <= 0) {
        fprintf(stderr, "usage: prim [SECS]\n");
        return 2;
    }
    if (sodium_init() < 0)
        die("sodium_init");
    setvbuf(stdout, NULL, _IONBF, 0); /* children print too */
    many_descriptors();
    measure_aead(seconds);
    measure_curves(seconds);
    measure_tcp(seconds);
    measure_tls(seconds);
    measure_handshakes(seconds);
    measure_idle_tls(2000);
    return 0;
}
