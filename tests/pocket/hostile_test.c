/*
 * A hostile hop: on whole meshes, the entry or the joint of a circuit lies about one cell. Checked
 * for every seed: the next honest place that opens it notices (docs/wire/cell.md says which), the
 * circuit ends with the right error and its application with one too, the end has read exactly a
 * beginning of what the client said, and the circuits of others go on.
 */
#include "pocket/internal.h"
#include "pocket/liar.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 220, USERS = 3 }; /* POCKET_SEEDS=5000 for a long run */

typedef struct scene {
    mesh m;
    uint64_t seed;
    qn_drbg rng;
    liar_plan plan;
    bool joint;      /* the joint lies, not the entry */
    unsigned victim; /* SWAP: the second; else 0 */
    pw_fetch *f[USERS];
    uint64_t id[USERS];                       /* of their circuits */
    pw_node *liar_node, *entry, *next[USERS]; /* next: the next place that opens forward cells */
    const liar_view *said, *heard;            /* of the first one's circuit */
} scene;

#define expect(s, claim)                                                                           \
    ck_assert_msg(claim, "%s (%s, %s, %s): replay with POCKET_SEED=%llu pocket_hostile_test",      \
                  #claim, deed_name((s)->plan.deed), (s)->joint ? "joint" : "entry",               \
                  (s)->plan.forward ? "forward" : "backward", (unsigned long long)(s)->seed)

static uint32_t draw(scene *s, uint32_t n)
{
    uint8_t b[4];

    qn_drbg_fill(&s->rng, b, sizeof b);
    return qn_get32(b) % n;
}

static void make_plan(scene *s)
{
    s->plan.deed = (deed)(s->seed % DEEDS);
    s->joint = draw(s, 2) == 1;
    s->plan.forward = draw(s, 2) == 1;
    s->plan.after = draw(s, 12);
    s->plan.where = draw(s, UINT32_MAX);
    s->plan.mask = (uint8_t)(1 + draw(s, 255));
    if (s->plan.deed == DEED_INNER) { /* a pipe seals nothing */
        s->joint = true;
        s->plan.forward = false;
    }
}

/* ---- who is who ------------------------------------------------------------------------------ */

static pw_node *node_of(scene *s, const qn_peerid *id)
{
    for (uint32_t i = 0; i < s->m.w->nodes_n; i++)
        if (qn_peerid_equal(&pw_core(s->m.w->node[i])->id, id))
            return s->m.w->node[i];
    return NULL;
}

static circuit *circuit_of(const scene *s, const pw_fetch *f)
{
    qn_conn at = 0;

    for (const pw_pipe *p = s->m.w->pipes; p != NULL; p = p->next)
        if (!p->dead && p->end[0].kind == HOLD_FETCH && p->end[0].person == f)
            at = p->end[1].conn;
    for (const edge *e = pw_core(s->m.client)->edges; e != NULL; e = e->next)
        if (e->conn == at)
            return e->circuit;
    return NULL;
}

static bool all_open(void *ctx)
{
    scene *s = ctx;

    for (unsigned i = 0; i < USERS; i++)
        if (pw_socks_reply(s->f[i]) != 0)
            return false;
    return true;
}

static relay *liars_part(scene *s, const circuit *c)
{
    relay *r;

    if (!s->joint)
        return liar_entry(c, s->liar_node);
    r = liar_hop(c, 0);
    return r != NULL && r->n == pw_core(s->liar_node) ? r : NULL;
}

/* SWAP wants two circuits through the liar; where there is only one, a cell is sent back instead.
 */
static relay *second_victim(scene *s, circuit *const c[USERS])
{
    for (unsigned i = 1; i < USERS && s->plan.deed == DEED_SWAP; i++) {
        relay *r = liars_part(s, c[i]);

        if (r != NULL) {
            s->victim = i;
            return r;
        }
    }
    if (s->plan.deed == DEED_SWAP)
        s->plan.deed = DEED_REFLECT;
    return NULL;
}

static void cast(scene *s)
{
    circuit *c[USERS];
    relay *second;

    for (unsigned i = 0; i < USERS; i++) {
        c[i] = circuit_of(s, s->f[i]);
        expect(s, c[i] != NULL);
        s->id[i] = c[i]->id;
        s->next[i] = node_of(s, &c[i]->hops[s->joint ? 2 : 1].id);
    }
    s->entry = node_of(s, &c[0]->hops[0].id);
    s->liar_node = node_of(s, &c[0]->hops[s->joint ? 1 : 0].id);
    s->heard = liar_heard(&liar_hop(c[0], 1)->hop.onion);
    s->said = liar_said(c[0]);
    second = second_victim(s, c);
    liar_begin(liars_part(s, c[0]), second, &s->plan);
}

/* ---- one run --------------------------------------------------------------------------------- */

static bool all_over(void *ctx)
{
    const scene *s = ctx;

    for (unsigned i = 0; i < USERS; i++)
        if (pw_outcome(s->f[i]) == PW_RUNNING)
            return false;
    return true;
}

static bool deed_done(void *ctx)
{
    return liar.done || all_over(ctx);
}

static void hold_back(scene *s)
{
    (void)pw_run(s->m.w, pw_now(s->m.w) + 30 * QN_SEC, deed_done, s);
    (void)pw_run(s->m.w, pw_now(s->m.w) + (1 + s->seed % 30) * 100 * QN_MS, NULL, NULL);
    while (liar_release(s->liar_node))
        (void)pw_run(s->m.w, pw_now(s->m.w) + 20 * QN_MS, NULL, NULL);
}

static void play(scene *s)
{
    static const char *const users[USERS] = {"privacy+a", "privacy+b", "privacy+c"};
    mesh_cfg cfg = {.world = {.seed = s->seed,
                              .delay_min = QN_MS,
                              .delay_max = (1 + s->seed % 7) * 5 * QN_MS,
                              .cut_max = s->seed % 5 == 0 ? 5000 : 0},
                    .relays = 3,
                    .exits = 1,
                    .route = QN_ROUTE_PRIVACY};

    liar_reset();
    mesh_new(&s->m, &cfg);
    expect(s, mesh_ready(&s->m, 60 * QN_SEC));
    for (unsigned i = 0; i < USERS; i++)
        s->f[i] = pw_get(s->m.w, s->m.client, MESH_WEB, 80, 80000, 200000, users[i]);
    expect(s, pw_run(s->m.w, pw_now(s->m.w) + 20 * QN_SEC, all_open, s));
    cast(s);
    if (s->plan.deed == DEED_DELAY)
        hold_back(s);
    (void)pw_run(s->m.w, pw_now(s->m.w) + 30 * QN_SEC, all_over, s);
}

static void end_play(scene *s)
{
    liar_reset();
    mesh_free(&s->m);
}

/* ---- what must hold -------------------------------------------------------------------------- */

/* A loss shows when the next cell comes; so does one kept for an exchange that never came.
 */
static bool must_show(const scene *s)
{
    bool loses = s->plan.deed == DEED_DROP || s->plan.deed == DEED_REORDER ||
                 s->plan.deed == DEED_SWAP || s->plan.deed == DEED_REFLECT;

    return liar.done && s->plan.deed != DEED_DELAY && !liar.filler && (!loses || liar.later > 0);
}

static bool may_catch(const scene *s, const qn_env *env)
{
    const qn_env *forward = &s->next[0]->env, *backward = &s->m.client->env;

    if (s->plan.deed == DEED_CUT && s->joint) /* what is no cell does not pass a pipe */
        backward = &s->entry->env;
    if (s->plan.deed == DEED_REFLECT)
        return env == forward || env == backward;
    if (s->plan.forward)
        return env == forward || (s->victim != 0 && env == &s->next[s->victim]->env);
    return env == backward;
}

static void check_caught(scene *s)
{
    qn_event ended;
    bool here = liar.first.env == &s->m.client->env;

    expect(s, liar.first.env != NULL);
    expect(s, may_catch(s, liar.first.env));
    expect(s, liar.first.err == (s->plan.deed == DEED_CUT ? QN_PROTO : QN_AUTH));
    expect(s, pw_events(s->m.client, QN_EV_CIRCUIT_ENDED, &ended) > 0);
    expect(s, ended.id == s->id[0] || ended.id == s->id[s->victim]);
    if (s->victim == 0 && s->plan.deed != DEED_REFLECT)
        expect(s, ended.err == (here ? liar.first.err : QN_GONE));
    /* A deed behind the last byte comes too late to hurt the application. */
    expect(s, pw_outcome(s->f[0]) != PW_RUNNING);
}

/* The end has read the beginning of what the client said, whatever was done on the way. */
static void check_heard(scene *s)
{
    const liar_view *heard = s->heard;

    expect(s, s->said != NULL && heard != NULL);
    expect(s, heard->n > 0 && heard->n <= s->said->n);
    expect(s, memcmp(heard->text, s->said->text, heard->n * sizeof heard->text[0]) == 0);
}

static void check(scene *s)
{
    bool shows = must_show(s);

    for (unsigned i = 0; i < USERS; i++) {
        expect(s, !pw_corrupt(s->f[i]));
        if (pw_outcome(s->f[i]) == PW_FAILED)
            expect(s, !pw_clean_end(s->f[i]));
        if (i != 0 && !(i == s->victim && liar.exchanged))
            expect(s, pw_outcome(s->f[i]) == PW_DONE);
    }
    check_heard(s);
    if (shows)
        check_caught(s);
    else if (!liar.done || liar.filler || s->plan.deed == DEED_DELAY)
        expect(s, pw_outcome(s->f[0]) == PW_DONE && liar.first.env == NULL);
}

static unsigned done[DEEDS], shown[DEEDS];

START_TEST(a_lie_about_a_cell_ends_at_the_next_honest_place)
{
    scene s = {.seed = mesh_seed(_i)};

    qn_drbg_init(&s.rng, "liar", s.seed, 0);
    make_plan(&s);
    play(&s);
    check(&s);
    done[s.plan.deed] += liar.done;
    shown[s.plan.deed] += must_show(&s);
    end_play(&s);
}
END_TEST

/* Otherwise the seeds would have shown nothing. */
START_TEST(every_kind_of_lie_was_told_and_shown)
{
    for (unsigned d = 0; d < DEEDS; d++) {
        ck_assert_msg(done[d] >= 5, "%s: %u done", deed_name((deed)d), done[d]);
        ck_assert_msg(d == DEED_DELAY || shown[d] >= 5, "%s: %u shown", deed_name((deed)d),
                      shown[d]);
    }
}
END_TEST

/* ---- what the exit sees of it ---------------------------------------------------------------- */

typedef struct trace {
    liar_view heard;
    qn_time caught;
    uint64_t received[USERS];
} trace;

static void record(scene *s, trace *t, uint32_t where, uint8_t mask)
{
    s->plan.where = where;
    s->plan.mask = mask;
    play(s);
    expect(s, liar.done && !liar.filler && liar.first.env != NULL);
    t->heard = *s->heard;
    t->heard.keys = NULL;
    t->caught = liar.first.at;
    for (unsigned i = 0; i < USERS; i++)
        t->received[i] = pw_received(s->f[i]);
    end_play(s);
}

/* Two runs that differ in nothing but which bits of the same cell the liar flips: a colluding exit
 * that knew its keys, texts and times could not tell them apart. */
START_TEST(an_exit_cannot_see_which_bits_were_flipped)
{
    static trace one, two;
    scene s = {.seed = mesh_seed(_i)};

    qn_drbg_init(&s.rng, "mark", s.seed, 0);
    make_plan(&s);
    s.plan.deed = DEED_FLIP;
    s.plan.forward = true;
    s.plan.after %= 2; /* a short download is acknowledged by few cells */
    record(&s, &one, draw(&s, QN_CELL_TEXT_S), (uint8_t)(1 + draw(&s, 255)));
    record(&s, &two, draw(&s, QN_CELL_TEXT_S), (uint8_t)(1 + draw(&s, 255)));
    expect(&s, one.heard.n == two.heard.n && one.caught == two.caught);
    expect(&s, memcmp(one.heard.text, two.heard.text, one.heard.n * sizeof one.heard.text[0]) == 0);
    expect(&s, memcmp(one.heard.at, two.heard.at, one.heard.n * sizeof one.heard.at[0]) == 0);
    expect(&s, memcmp(one.received, two.received, sizeof one.received) == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket hostile hop");
    TCase *t = tcase_create("seeds");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, a_lie_about_a_cell_ends_at_the_next_honest_place, 0, mesh_seeds(SEEDS));
    if (mesh_seeds(SEEDS) >= SEEDS)
        tcase_add_test(t, every_kind_of_lie_was_told_and_shown);
    tcase_add_loop_test(t, an_exit_cannot_see_which_bits_were_flipped, 0,
                        mesh_seeds(SEEDS) / 10 + 1);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
