/*
 * The status surface of several loops: every loop makes its share of a document on its own thread,
 * and the leader adds them up. What can be added is; the rest is what the leader says.
 */
#include "io-real/documents.h"
#include "io-real/loops.h"

#include <stdlib.h>
#include <string.h>

/* ---- adding up ------------------------------------------------------------------------------- */

static void add_number(json_t *sum, const char *key, const json_t *share)
{
    json_int_t a = json_integer_value(json_object_get(sum, key));

    (void)json_object_set_new(sum, key,
                              json_integer(a + json_integer_value(json_object_get(share, key))));
}

static void add_all(json_t *sum, const json_t *share)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)share, key, v)
    {
        if (json_is_integer(v))
            add_number(sum, key, share);
    }
}

static const char *const added[] = {"active_links",         "active_circuits", "active_streams",
                                    "active_connections",   "bytes_in",        "bytes_out",
                                    "relay_packets_relayed"};
static const char *const added_whole[] = {"exit_stats", "counters", "memory"};

/* What tells whether the loops share the work. */
static json_t *figures(const json_t *share)
{
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        (void)json_object_set(o, added[i], json_object_get(share, added[i]));
    (void)json_object_set(o, "memory_used",
                          json_object_get(json_object_get(share, "memory"), "used"));
    return o;
}

static void add_status(json_t *sum, const json_t *share)
{
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        add_number(sum, added[i], share);
    for (size_t i = 0; i < sizeof added_whole / sizeof added_whole[0]; i++)
        add_all(json_object_get(sum, added_whole[i]), json_object_get(share, added_whole[i]));
}

/* Circuits or peers: "loop" says whose. */
static void add_list(json_t *sum, const char *name, json_t *share, unsigned place)
{
    json_t *list = json_object_get(share, name), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        (void)json_object_set_new(item, "loop", json_integer((json_int_t)place));
        if (sum != share)
            (void)json_array_append(json_object_get(sum, name), item);
    }
    if (json_is_true(json_object_get(share, "truncated")))
        (void)json_object_set_new(sum, "truncated", json_true());
}

static json_t *added_up(question *q, unsigned n)
{
    json_t *sum = q->share[0], *loops = json_array();
    const char *list = q->path + 1;

    for (unsigned i = 0; i < n; i++) {
        if (q->share[i] == NULL)
            continue;
        if (strcmp(q->path, "/status") == 0) {
            (void)json_array_append_new(loops, figures(q->share[i]));
            if (i > 0)
                add_status(sum, q->share[i]);
        } else {
            add_list(sum, list, q->share[i], i);
        }
    }
    if (strcmp(q->path, "/status") == 0)
        (void)json_object_set(sum, "loops", loops);
    json_decref(loops);
    return json_incref(sum);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void question_free(question *q)
{
    for (unsigned i = 0; i < QN_LOOPS_MAX; i++)
        json_decref(q->share[i]);
    free(q);
}

static void finish(qn_world *w, question **at)
{
    question *q = *at;
    json_t *whole = added_up(q, w->loops->n);

    *at = q->next;
    qn_surface_answer(w->surface, q->ticket, whole);
    json_decref(whole);
    question_free(q);
}

/* A path's own storage outlives the request it came in. */
static const char *known_path(const char *path)
{
    static const char *const paths[] = {"/status", "/circuits", "/peers"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (strcmp(path, paths[i]) == 0)
            return paths[i];
    return NULL;
}

/* One whose answers never come, since a loop could not be told, makes way: there are no more of
 * those who ask. */
static void make_room(qn_loops *l)
{
    question **at = &l->questions;

    for (unsigned i = 0; *at != NULL && i + 1 < QN_GUESTS_MAX; i++)
        at = &(*at)->next;
    while (*at != NULL) {
        question *q = *at;

        *at = q->next;
        question_free(q);
    }
}

bool qn__whole_ask(void *leader, uint64_t ticket, const char *path)
{
    qn_world *w = leader;
    qn_loops *l = w->loops;
    question *q;

    path = known_path(path);
    q = path != NULL ? calloc(1, sizeof *q) : NULL;
    if (q == NULL)
        return false;
    make_room(l);
    *q = (question){.next = l->questions, .ticket = ticket, .path = path};
    q->share[0] = qn_document(&w->view, path);
    l->questions = q;
    for (unsigned i = 1; i < l->n; i++)
        q->missing +=
            l->v[i].running &&
            qn__loops_post(
                l->v[i].world,
                &(qn_mail){.kind = QN_MAIL_ASK, .fd = -1, .name = path, .ticket = ticket});
    if (q->missing == 0)
        finish(w, &l->questions);
    return true;
}

void qn__whole_asked(qn_world *w, const qn_mail *m)
{
    qn_mail answer = {.kind = QN_MAIL_ANSWER, .sender = w->place, .fd = -1, .ticket = m->ticket};

    answer.document = qn_document(&w->view, m->name);
    (void)qn__loops_post(w->loops->v[0].world, &answer);
}

void qn__whole_answered(qn_world *w, qn_mail *m)
{
    question **at = &w->loops->questions;

    while (*at != NULL && (*at)->ticket != m->ticket)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    (*at)->share[m->sender] = m->document;
    m->document = NULL;
    if (--(*at)->missing == 0)
        finish(w, at);
}

void qn__whole_forget(qn_loops *l)
{
    while (l->questions != NULL) {
        question *q = l->questions;

        l->questions = q->next;
        question_free(q);
    }
}
