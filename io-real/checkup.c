/* The program that measures our origin, run now and then; what it finds is shown and logged. */
#include "io-real/internal.h"
#include "io-real/log.h"

#include <string.h>

static void next_in(qn_world *w, unsigned seconds)
{
    struct timeval tv = {.tv_sec = (time_t)seconds};

    (void)evtimer_add(&w->checkup, &tv);
}

static void on_checked(void *ctx, int status, const char *output, size_t n)
{
    qn_world *w = ctx;
    qn_why before;

    w->errand = NULL;
    memcpy(before, w->origin_advice, sizeof before);
    w->cfg.origin_checked(w->cfg.origin_ctx, status, output, n, w->origin_advice);
    if (w->origin_advice[0] != '\0' && strcmp(before, w->origin_advice) != 0)
        qn_log_say(qn__log(w), QN_LOG_WARN, "origin", "%s", w->origin_advice);
    next_in(w, QN_CHECKUP_SECONDS);
}

void qn__checkup(evutil_socket_t fd, short what, void *world)
{
    qn_world *w = world;

    (void)fd;
    (void)what;
    w->errand = qn_errand_start(w->base, w->cfg.origin_check, on_checked, w);
    if (w->errand == NULL)
        next_in(w, QN_CHECKUP_SECONDS);
}

void qn__checkup_start(qn_world *w)
{
    if (w->cfg.origin_check != NULL)
        next_in(w, w->cfg.origin_check_in);
}
