/* What it says: a table, JSON, and the origin file a peer reads. */
#include "check.h"

#include "io-real/file.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLIGHT_SLACK 8 /* a signature may yet be so much shorter than all that were seen */

/* A peer must wait for the last record of the flight, however short its signature: less than the
 * shortest flight seen, more than that flight without its last record. */
size_t full_flight(const check *k)
{
    return k->full - QN_MIN((size_t)FLIGHT_SLACK, k->full_last - QN_MIN(k->full_last, (size_t)1));
}

size_t resumed_flight(const check *k)
{
    return k->resumed != 0 ? k->resumed : full_flight(k);
}

/* ---- table --------------------------------------------------------------------------------- */

static void row(const char *title, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void row(const char *title, const char *format, ...)
{
    va_list args;

    (void)printf("  %-22s", title);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

static void reaction_row(const char *title, const reaction *r)
{
    row(title, "%s%s", r->alert ? "an alert, then " : "",
        r->end == OPEN  ? "nothing"
        : r->end == FIN ? "FIN"
                        : "RST");
}

static void page_rows(const check *k)
{
    for (unsigned i = 0; i < k->path_n; i++) {
        const candidate *p = &k->path[i];
        bool first = p->fit_first == k->profile_n, second = p->fit_second == k->profile_n;

        if (first || second)
            row(first && second ? "first, second page"
                : first         ? "first page"
                                : "second page",
                "%s, %llu bytes", p->path, (unsigned long long)p->largest);
    }
}

static void number_rows(const check *k)
{
    const limits *l = &k->limits;

    row("connect", "%u.%03u ms", (unsigned)(k->site.rtt / QN_MS),
        (unsigned)(k->site.rtt / QN_US % 1000));
    row("first flight", "%zu bytes full, %zu resumed", full_flight(k), resumed_flight(k));
    row("alert, GOAWAY", "%zu, %zu bytes", k->alert, k->goaway);
    reaction_row("after a fatal alert", &k->after_fatal);
    reaction_row("after a close_notify", &k->after_notify);
    row("largest record", "%zu bytes of content", k->site.content_max);
    row("ends after", "%u requests%s, %u s%s, %u s idle%s", l->requests,
        l->assumed_requests ? " (assumed)" : "", l->seconds, l->assumed_seconds ? " (assumed)" : "",
        l->idle, l->assumed_idle ? " (assumed)" : "");
    if (k->dated)
        row("its clock", "%lld s ahead", (long long)k->ahead);
    page_rows(k);
}

void report_table(const check *k)
{
    static const char *const word[] = {"UNFIT", "warning", "question"};

    (void)printf("origin %s, %s%s, %s%s\n", k->at, k->mirror ? "mirror" : "own",
                 k->site.proxy ? " with a PROXY header" : "", k->name[0],
                 k->name_n > 1 ? " and more" : "");
    if (k->shaken)
        number_rows(k);
    for (weight l = UNFIT; l <= QUESTION; l++)
        for (unsigned i = 0; i < k->finding_n; i++)
            if (k->finding[i].weight == l)
                (void)printf("%s %s: %s\n", word[l], k->finding[i].id, k->finding[i].text);
    (void)printf("%s\n", fit(k) ? "fit: a peer can use it" : "unfit: a peer must not use it");
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *reaction_json(const reaction *r)
{
    return json_pack("{s:b,s:s}", "alert", r->alert, "end", r->end == RST ? "rst" : "fin");
}

static json_t *pages_json(const check *k, bool second)
{
    json_t *list = json_array();
    unsigned n = 0;

    for (unsigned i = 0; i < k->path_n && n < QN_HTX_PAGES_MAX; i++) {
        const candidate *p = &k->path[i];

        if ((second ? p->fit_second : p->fit_first) == k->profile_n) {
            (void)json_array_append_new(list, json_pack("[s,I]", p->path, (json_int_t)p->largest));
            n++;
        }
    }
    return list;
}

static json_t *names_json(const check *k)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < k->name_n; i++)
        (void)json_array_append_new(list, json_string(k->name[i]));
    return list;
}

/* The origin file's object. */
static json_t *origin_json(const check *k)
{
    const limits *l = &k->limits;
    char hex[2 * sizeof k->certificate.b + 1];

    for (size_t i = 0; i < sizeof k->certificate.b; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", k->certificate.b[i]);
    return json_pack(
        "{s:i,s:I,s:s,s:o,s:s,s:{s:I,s:I},s:I,s:o,s:o,s:I,s:I,s:{s:I,s:I,s:I},s:o,s:o,s:s}",
        "version", 1, "measured", (json_int_t)k->site.real.env.wall, "mode",
        k->mirror ? "mirror" : "own", "names", names_json(k), "address", k->at, "flight", "full",
        (json_int_t)full_flight(k), "resumed", (json_int_t)resumed_flight(k), "alert",
        (json_int_t)k->alert, "after_fatal", reaction_json(&k->after_fatal), "after_notify",
        reaction_json(&k->after_notify), "goaway", (json_int_t)k->goaway, "max_record",
        (json_int_t)k->site.content_max, "limits", "requests", (json_int_t)l->requests, "seconds",
        (json_int_t)l->seconds, "idle", (json_int_t)l->idle, "first", pages_json(k, false),
        "second", pages_json(k, true), "certificate", hex);
}

static json_t *findings_json(const check *k)
{
    static const char *const word[] = {"unfit", "warning", "question"};
    json_t *list = json_array();

    for (unsigned i = 0; i < k->finding_n; i++) {
        const finding *f = &k->finding[i];

        (void)json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "level", word[f->weight], "id",
                                                    f->id, "text", f->text));
    }
    return list;
}

void report_json(const check *k)
{
    json_t *all = json_pack("{s:b,s:o,s:I}", "fit", fit(k), "findings", findings_json(k),
                            "connect_us", (json_int_t)(k->shaken ? k->site.rtt / QN_US : 0));

    if (all != NULL && k->shaken)
        (void)json_object_set_new(all, "origin", origin_json(k));
    if (all != NULL && json_dumpf(all, stdout, JSON_INDENT(1)) == 0)
        (void)putchar('\n');
    json_decref(all);
}

bool report_file(const check *k)
{
    json_t *origin = origin_json(k);
    char *text = origin != NULL ? json_dumps(origin, JSON_COMPACT) : NULL;
    origin_file read_back;
    qn_why why;
    bool fine = text != NULL;

    if (!fine)
        (void)complain(0, "no memory for the origin file");
    else if (!origin_file_parse(k->out, text, strlen(text), &read_back, why))
        fine = complain(false, "what was measured is no origin file: %s", why);
    else if (!qn_file_replace(qn_place_of(k->out), qn_slice_of(text, strlen(text)), 0644, why))
        fine = complain(false, "%s", why);
    free(text);
    json_decref(origin);
    return fine;
}
