#include "pocket/plan.h"

#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    int64_t least, most; /* of its value */
} kinds[PLAN_KINDS] = {
    [PLAN_CUT] = {"cut", 0, 0},
    [PLAN_ISOLATE] = {"isolate", 1, 4000},
    [PLAN_CRASH] = {"crash", 1, 4000},
    [PLAN_LOSE] = {"lose", 1, 4000},
    [PLAN_MEMORY] = {"memory", 1, 200},
    [PLAN_POOR] = {"poor", 1, 60},
    [PLAN_DISK] = {"disk", 1, 20000},
    [PLAN_CLOCK] = {"clock", -300, 300},
    [PLAN_SLOW] = {"slow", 3000, 300000},
    [PLAN_FREEZE] = {"freeze", 1000, 60000},
    [PLAN_STRANGER] = {"stranger", 1, 400},
};

const char *plan_kind_name(plan_kind k)
{
    return kinds[k].name;
}

/* ---- drawing and files ----------------------------------------------------------------------- */

static uint32_t below(qn_drbg *rng, uint32_t n)
{
    uint8_t b[4];

    qn_drbg_fill(rng, b, sizeof b);
    return qn_get32(b) % n;
}

static bool is_client(const char *name)
{
    return strncmp(name, "client", 6) == 0;
}

static bool suits(plan_kind k, const char *node)
{
    return !is_client(node) || (k != PLAN_CRASH && k != PLAN_LOSE && k != PLAN_STRANGER);
}

static int by_time(const void *a, const void *b)
{
    const plan_fault *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

void plan_draw(plan *p, qn_drbg *rng, uint32_t n, qn_time within, const char *const *nodes,
               uint32_t nodes_n)
{
    QN_ASSERT(n <= PLAN_MAX);
    p->n = n;
    for (uint32_t i = 0; i < n; i++) {
        plan_fault *f = &p->v[i];
        const char *node = nodes[below(rng, nodes_n)];

        f->at = below(rng, (uint32_t)(within / QN_MS)) * QN_MS;
        do
            f->kind = (plan_kind)below(rng, PLAN_KINDS);
        while (!suits(f->kind, node));
        (void)snprintf(f->node, sizeof f->node, "%s", node);
        f->value = kinds[f->kind].least +
                   below(rng, (uint32_t)(kinds[f->kind].most - kinds[f->kind].least + 1));
    }
    /* Ties keep no order in qsort: of one millisecond, one. */
    qsort(p->v, n, sizeof p->v[0], by_time);
    for (uint32_t i = 1; i < n; i++)
        p->v[i].at = QN_MAX(p->v[i].at, p->v[i - 1].at + QN_MS);
}

void plan_line(const plan_fault *f, char out[64])
{
    (void)snprintf(out, 64, "%llu %s %s %lld", (unsigned long long)(f->at / QN_MS),
                   kinds[f->kind].name, f->node, (long long)f->value);
}

void plan_write(const plan *p, const char *path)
{
    FILE *file = fopen(path, "w");
    char line[64];

    if (file == NULL)
        qt_die("plan: cannot write %s", path);
    for (uint32_t i = 0; i < p->n; i++) {
        plan_line(&p->v[i], line);
        (void)fprintf(file, "%s\n", line);
    }
    if (fclose(file) != 0)
        qt_die("plan: cannot write %s", path);
}

static bool parse(const char *line, plan_fault *f)
{
    unsigned long long at;
    long long value;
    char kind[16];

    if (sscanf(line, "%llu %15s %15s %lld", &at, kind, f->node, &value) != 4)
        return false;
    f->at = at * QN_MS;
    f->value = value;
    for (f->kind = 0; f->kind < PLAN_KINDS; f->kind++)
        if (strcmp(kinds[f->kind].name, kind) == 0)
            return value >= kinds[f->kind].least && value <= kinds[f->kind].most &&
                   suits(f->kind, f->node);
    return false;
}

void plan_read(plan *p, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[128];

    if (file == NULL)
        qt_die("plan: cannot read %s", path);
    p->n = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        plan_fault *f = &p->v[p->n];

        if (p->n == PLAN_MAX || !parse(line, f) || (p->n > 0 && f->at < p->v[p->n - 1].at))
            qt_die("plan: %s:%u is no fault, or out of order: %s", path, p->n + 1, line);
        p->n++;
    }
    (void)fclose(file);
}

/* ---- doing ----------------------------------------------------------------------------------- */

static void tell(plan_run *r, const char *prefix, const plan_fault *f)
{
    char line[64], whole[96];

    if (r->told == NULL)
        return;
    plan_line(f, line);
    (void)snprintf(whole, sizeof whole, "%s %s", prefix, line);
    r->told(r->ctx, whole);
}

/* What a stranger costs before he has proved anything is promise P3's. */
static void noise(plan_run *r, pw_node *n, const plan_fault *f)
{
    static const qn_addr from = {.family = 4, .ip = {198, 51, 100, 9}, .port = 9};
    uint64_t used = pw_node_env(n)->mem.used, dh = mesh_status(n).counters.dh, now;

    pw_say_noise(r->m->w, n, &from, (uint32_t)f->value);
    now = pw_node_env(n)->mem.used;
    r->stranger_bytes = QN_MAX(r->stranger_bytes, now > used ? now - used : 0);
    r->stranger_dh = QN_MAX(r->stranger_dh, mesh_status(n).counters.dh - dh);
}

static void set_poor(pw_node *n, bool poor)
{
    qn_mem *mem = &pw_node_env(n)->mem;

    mem->limit = poor ? mem->used : PW_MEMORY_CAP;
}

static qn_time strike(plan_run *r, pw_node *n, const plan_fault *f)
{
    qn_time span = f->value > 0 ? (qn_time)f->value * QN_MS : 0;

    switch (f->kind) {
    case PLAN_CUT:
        (void)pw_cut(r->m->w, n, NULL);
        return 0;
    case PLAN_ISOLATE:
        pw_isolate(r->m->w, n, true);
        return span;
    case PLAN_CRASH:
    case PLAN_LOSE:
        pw_kill(r->m->w, n);
        return span;
    case PLAN_MEMORY:
        pw_fail_alloc(n, (uint64_t)f->value);
        return QN_NEVER;
    case PLAN_POOR:
        set_poor(n, true);
        return span;
    case PLAN_DISK:
        pw_fail_store(n, "snapshot");
        return span;
    case PLAN_CLOCK:
        pw_set_clock(n, f->value);
        return QN_NEVER;
    case PLAN_SLOW:
        pw_set_uplink(n, (uint64_t)f->value);
        return QN_NEVER;
    case PLAN_FREEZE:
        pw_freeze(r->m->w, n, (uint64_t)f->value);
        return QN_NEVER;
    case PLAN_STRANGER:
        noise(r, n, f);
        return 0;
    case PLAN_KINDS:
        break;
    }
    return 0;
}

static void mend(plan_run *r, const plan_fault *f)
{
    pw_node *n = pw_find(r->m->w, f->node);

    if (f->kind == PLAN_CRASH || f->kind == PLAN_LOSE)
        mesh_restart(r->m, n, f->kind == PLAN_CRASH);
    if (pw_dead(n)) /* it comes back without */
        return;
    switch (f->kind) {
    case PLAN_ISOLATE:
        pw_isolate(r->m->w, n, false);
        break;
    case PLAN_MEMORY:
        pw_fail_alloc(n, 0);
        break;
    case PLAN_POOR:
        set_poor(n, false);
        break;
    case PLAN_DISK:
        pw_fail_store(n, NULL);
        break;
    case PLAN_CLOCK:
        pw_set_clock(n, 0);
        break;
    case PLAN_SLOW:
        pw_set_uplink(n, 0);
        break;
    case PLAN_FREEZE:
        pw_freeze(r->m->w, n, 0);
        break;
    default:
        break;
    }
}

static void begin(plan_run *r, const plan_fault *f)
{
    pw_node *n = pw_find(r->m->w, f->node);
    qn_time span;

    if (n == NULL)
        qt_die("plan: the mesh has no node %s", f->node);
    if (pw_dead(n))
        return;
    tell(r, "fault", f);
    span = strike(r, n, f);
    if (span == 0)
        return;
    r->open[r->open_n].fault = f;
    r->open[r->open_n++].until = span == QN_NEVER ? QN_NEVER : pw_now(r->m->w) + span;
}

/* The fault that ends first, by `latest`; NULL: none does. */
static const plan_fault *take_ended(plan_run *r, qn_time latest, qn_time *at)
{
    const plan_fault *f;
    uint32_t first = 0;

    for (uint32_t i = 1; i < r->open_n; i++)
        if (r->open[i].until < r->open[first].until)
            first = i;
    if (r->open_n == 0 || r->open[first].until > latest)
        return NULL;
    f = r->open[first].fault;
    *at = r->open[first].until;
    memmove(r->open + first, r->open + first + 1, (--r->open_n - first) * sizeof r->open[0]);
    return f;
}

static void run_to(plan_run *r, qn_time to, bool (*over)(void *ctx), void *ctx)
{
    const plan_fault *f;
    qn_time at;

    while ((f = take_ended(r, to, &at)) != NULL) {
        if (at != QN_NEVER)
            (void)pw_run(r->m->w, at, over, ctx);
        tell(r, "end of", f);
        mend(r, f);
    }
    if (to != QN_NEVER)
        (void)pw_run(r->m->w, to, over, ctx);
}

void plan_play(plan_run *r, bool (*over)(void *ctx), void *ctx)
{
    r->began = pw_now(r->m->w);
    for (uint32_t i = 0; i < r->p->n && !over(ctx); i++) {
        run_to(r, r->began + r->p->v[i].at, over, ctx);
        begin(r, &r->p->v[i]);
    }
    run_to(r, QN_NEVER, over, ctx);
}
