#include "io-real/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void kernel_fill(uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            perror("qnet: getrandom");
            abort();
        }
        out += got;
        n -= (size_t)got;
    }
}

void qn_entropy_open(qn_entropy *e)
{
    e->left = 0;
}

void qn_entropy_fill(void *ctx, void *out, size_t n)
{
    qn_entropy *e = ctx;
    uint8_t *to = out;

    while (n > 0) {
        uint8_t *from;
        size_t take;

        if (e->left == 0) {
            kernel_fill(e->pool, sizeof e->pool);
            e->left = sizeof e->pool;
        }
        from = e->pool + sizeof e->pool - e->left;
        take = n < e->left ? n : e->left;
        memcpy(to, from, take);
        explicit_bzero(from, take);
        e->left -= take;
        to += take;
        n -= take;
    }
}

void qn_entropy_close(qn_entropy *e)
{
    explicit_bzero(e, sizeof *e);
}
