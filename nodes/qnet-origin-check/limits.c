/* When the origin ends a connection that nobody broke. */
#include "check.h"

#define REQUESTS_MAX 2500 /* nginx ends after 1000; more are not tried */
#define IDLE_MAX 400u     /* seconds waited for; nginx ends after 75 */
#define SECONDS_MAX 4000u /* nginx ends after 3600 */
#define ASSUMED_SECONDS 3600
#define PAGE_PATIENCE (10 * QN_SEC)
#define PAGE_MAX (UINT64_C(1) << 20)

static qn_time now(check *k)
{
    qn_real_env_stamp(&k->site.real);
    return k->site.real.env.now;
}

static bool ask(check *k, visit *v)
{
    return visit_ask(v, QN_H2_FETCH, k->path[0].path, PAGE_MAX, PAGE_PATIENCE);
}

/* GOAWAY as it comes when nothing is wrong is what a peer imitates. */
static void note_goaway(check *k, const visit *v)
{
    if (v->goaway != 0)
        k->goaway = v->goaway;
}

static void measure_requests(check *k)
{
    uint32_t n = 0;
    visit v;

    if (check_visit(k, &v, 0, NULL, false))
        while (n < REQUESTS_MAX && v.goaway == 0 && ask(k, &v)) {
            n++;
            if (n % 250 == 0)
                progress("%u requests on one connection", n);
        }
    note_goaway(k, &v);
    k->limits.requests = n;
    visit_close(&v);
}

static void measure_idle(check *k)
{
    uint32_t told = 0;
    qn_time began;
    visit v;

    if (check_visit(k, &v, 0, NULL, false) && ask(k, &v)) {
        began = now(k);
        while (v.end == OPEN && v.goaway == 0 && now(k) - began < IDLE_MAX * QN_SEC) {
            visit_wait_goaway(&v, QN_SEC);
            if ((now(k) - began) / QN_SEC / 15 > told) {
                told = (uint32_t)((now(k) - began) / QN_SEC / 15);
                progress("an idle connection, %u s of at most %u", told * 15, IDLE_MAX);
            }
        }
        k->limits.idle = (uint32_t)((now(k) - began) / QN_SEC);
        visit_wait(&v, QN_SEC); /* GOAWAY, then the end */
    }
    note_goaway(k, &v);
    visit_close(&v);
}

/* One request every now and then, fewer than the limit of requests. */
static void measure_seconds(check *k)
{
    qn_time pause = QN_MIN(k->limits.idle * QN_SEC / 2, 30 * QN_SEC), began;
    visit v;

    if (check_visit(k, &v, 0, NULL, false)) {
        began = now(k);
        while (v.goaway == 0 && now(k) - began < SECONDS_MAX * QN_SEC && ask(k, &v)) {
            progress("a connection in use, %u s of at most %u",
                     (uint32_t)((now(k) - began) / QN_SEC), SECONDS_MAX);
            visit_wait_goaway(&v, QN_MAX(pause, QN_SEC));
        }
        k->limits.seconds = (uint32_t)((now(k) - began) / QN_SEC);
    }
    note_goaway(k, &v);
    visit_close(&v);
}

/* Quick: what nobody said is taken as nginx has it. */
static void assume(limits *l)
{
    l->assumed_requests = l->requests == 0;
    l->assumed_seconds = l->seconds == 0;
    l->assumed_idle = l->idle == 0;
    l->requests = l->requests == 0 ? 1000 : l->requests;
    l->seconds = l->seconds == 0 ? ASSUMED_SECONDS : l->seconds;
    l->idle = l->idle == 0 ? 75 : l->idle;
}

void check_limits(check *k)
{
    if (!k->quick && k->limits.requests == 0)
        measure_requests(k);
    if (!k->quick && k->limits.idle == 0)
        measure_idle(k);
    if (!k->quick && k->limits.seconds == 0)
        measure_seconds(k);
    assume(&k->limits);
    if (k->limits.requests < 20 || k->limits.idle < 10)
        find(k, WARNING, "short-lived",
             "it ends connections after %u requests or %u s of silence; links will move often, so "
             "allow more (nginx: keepalive_requests, keepalive_timeout)",
             k->limits.requests, k->limits.idle);
}
