/*
 * Links over a carrier that is nothing but shaping: whatever streams do, every byte arrives,
 * nothing waits for ever, every record has a length that TLS allows and, at the client, the profile
 * lists.
 */
#include "support/qt.h"

#include "htx/shape.h"
#include "link/link.h"
#include "unit/htx/shape_item.h"

#include <stdlib.h>

enum { SEAL = 17, STREAMS = 24, RECORDS = 4096, PART_MAX = 3000, HELLO = 700 };

typedef struct flight { /* a record on its way */
    qn_piece content;
    qn_time at;
} flight;

typedef struct end {
    qn_carrier base; /* first */
    struct end *other;
    qt_env t;
    qn_budget budget;
    qn_link link;
    qn_shape shape;
    bool shaped, deaf; /* deaf: hellos' halves are not answered */
    qn_time delay;
    flight way[RECORDS]; /* to this end */
    unsigned head, tail;
    unsigned empty, sealed, seal_max;
} end;

typedef struct plan { /* of one stream, a direction each */
    uint32_t id;
    uint32_t size[2], sent[2], got[2];
    bool hello, ended[2];
} plan;

static end ends[2];
static plan plans[STREAMS];
static unsigned plans_n;

/* ---- the carrier ----------------------------------------------------------------------------- */

static end *of(qn_carrier *c)
{
    return (end *)c;
}

static void post(end *to, qn_slice a, qn_slice b)
{
    flight *f = &to->way[to->tail % RECORDS];

    ck_assert_uint_lt(to->tail - to->head, RECORDS);
    f->content.block = qn_block_get(&to->t.env, a.n + b.n + 1);
    ck_assert_ptr_nonnull(f->content.block);
    f->content.off = 0;
    f->content.len = (uint32_t)(a.n + b.n);
    if (a.n > 0)
        memcpy(f->content.block->data, a.p, a.n);
    if (b.n > 0)
        memcpy(f->content.block->data + a.n, b.p, b.n);
    f->at = to->t.env.now + to->delay;
    to->tail++;
}

static size_t carrier_room(const qn_carrier *c)
{
    const end *e = (const end *)c;

    if (e->other->tail - e->other->head > RECORDS / 2)
        return 0;
    return e->shaped ? qn_shape_room(&e->shape) : QN_RECORD_CONTENT_MAX;
}

static bool listed(size_t length)
{
    for (unsigned i = 0; i < shape_item.request_n; i++)
        if (shape_item.request[i] == length)
            return true;
    for (unsigned i = 0; i < shape_item.post_n; i++)
        if (QN_MIN(shape_item.post[i], (unsigned)(SEAL + ends[0].shape.max)) == length)
            return true;
    return false;
}

static void check_length(const end *e, size_t content, size_t zeros)
{
    ck_assert_uint_le(content, carrier_room(&e->base));
    ck_assert_uint_le(content + zeros, e->shape.max);
    if (e->shape.first < QN_SHAPE_FIRST)
        ck_assert_uint_eq(content + zeros, qn_shape_room(&e->shape));
    else if (e->shape.client)
        ck_assert_msg(listed(content + zeros + SEAL), "an uplink record of %zu",
                      content + zeros + SEAL);
}

static qn_err carrier_seal(qn_carrier *c, qn_slice a, qn_slice b)
{
    end *e = of(c);
    size_t zeros = 0;

    if (e->shaped) {
        zeros = qn_shape_zeros(&e->shape, a, b);
        check_length(e, a.n + b.n, zeros);
        qn_shape_sealed(&e->shape, a, b, zeros);
    }
    post(e->other, a, b);
    e->sealed++;
    return QN_OK;
}

static size_t carrier_own(qn_carrier *c, uint8_t *out, size_t room)
{
    (void)c, (void)out, (void)room;
    return 0;
}

static qn_err carrier_frame(qn_carrier *c, const qn_frame *f, bool last)
{
    (void)c, (void)f, (void)last;
    return QN_PROTO;
}

static void carrier_close(qn_carrier *c, uint16_t code)
{
    (void)c, (void)code;
}

static size_t carrier_offer(qn_carrier *c, const qn_offer *offer)
{
    end *e = of(c);

    return e->shaped ? qn_shape_offer(&e->shape, offer) : offer->data.n;
}

static qn_pace carrier_pace(const qn_carrier *c)
{
    return qn_shape_pace(&((const end *)c)->shape);
}

static const qn_carrier_kind kind = {.name = "shape",
                                     .legs = 1,
                                     .room = carrier_room,
                                     .seal = carrier_seal,
                                     .own = carrier_own,
                                     .frame = carrier_frame,
                                     .close = carrier_close,
                                     .offer = carrier_offer,
                                     .pace = carrier_pace};

/* ---- streams --------------------------------------------------------------------------------- */

static uint8_t pattern(const plan *p, unsigned way, uint32_t at)
{
    static const uint8_t open[] = {5, 0, 0, 7, 0, 0, 0, 1, 1, 127, 0, 0, 1, 0, 80};
    uint8_t hello[6] = {22, 3, 1, (HELLO - 5) >> 8, (HELLO - 5) & 255, 1};

    if (way == 0 && at < sizeof open)
        return open[at];
    if (way == 0 && p->hello && at - sizeof open < sizeof hello)
        return hello[at - sizeof open];
    return (uint8_t)(p->id * 7 + at * 31 + (at >> 8) + way);
}

static plan *plan_of(uint32_t id)
{
    for (unsigned i = 0; i < plans_n; i++)
        if (plans[i].id == id)
            return &plans[i];
    ck_abort_msg("stream %u is nobody's", id);
    return NULL;
}

static void open_stream(qn_env *env)
{
    plan *p = &plans[plans_n++];

    *p = (plan){.hello = qn_rng_below(env, 3) > 0};
    p->size[0] = 15 + qn_rng_below(env, qn_rng_below(env, 4) == 0 ? 40000 : 3000);
    p->size[1] = 1 + qn_rng_below(env, qn_rng_below(env, 4) == 0 ? 90000 : 9000);
    qt_assert_err(qn_link_open(&ends[0].link, QN_KIND_APP, p, &p->id), QN_OK);
}

/* A random piece of what one side of one stream has left to say. */
static void say(qn_env *env)
{
    plan *p = &plans[qn_rng_below(env, plans_n)];
    unsigned way = qn_rng_below(env, 2);
    qn_link *l = &ends[way].link;
    uint8_t bytes[PART_MAX];
    size_t n = 1 + qn_rng_below(env, PART_MAX);

    if (p->ended[way] || (way == 1 && p->got[0] == 0))
        return;
    n = QN_MIN(n, p->size[way] - p->sent[way]);
    n = QN_MIN(n, qn_link_writable(l, p->id));
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = pattern(p, way, p->sent[way] + i);
    p->sent[way] += (uint32_t)n;
    p->ended[way] = p->sent[way] == p->size[way];
    qt_assert_err(qn_link_send_bytes(l, p->id, bytes, n, p->ended[way]), QN_OK);
}

static void hear(end *e)
{
    unsigned way = e == &ends[0] ? 1 : 0;
    qn_link_event ev;

    while (qn_link_next(&e->link, &ev)) {
        plan *p;

        ck_assert_int_ne(ev.type, QN_LINK_CLOSED);
        if (ev.type != QN_LINK_STREAM_DATA)
            continue;
        p = plan_of(ev.id);
        for (uint32_t i = 0; i < ev.piece.len; i++)
            if (qn_piece_data(&ev.piece)[i] != pattern(p, way, p->got[way] + i))
                ck_abort_msg("stream %u differs at %u", p->id, p->got[way] + i);
        p->got[way] += ev.piece.len;
        qn_link_returned(&e->link, ev.id, ev.piece.len);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void answer(end *e)
{
    while (e->shaped && !e->shape.client && !e->deaf && qn_shape_answer(&e->shape) > 0) {
        post(e->other, (qn_slice){0}, (qn_slice){0});
        e->empty++;
    }
}

static void deliver(end *e)
{
    while (e->head != e->tail && e->way[e->head % RECORDS].at <= e->t.env.now) {
        qn_piece piece = e->way[e->head++ % RECORDS].content;

        if (e->shaped)
            qn_shape_opened(&e->shape, qn_slice_of(qn_piece_data(&piece), piece.len));
        answer(e);
        qn_link_input(&e->link, piece);
        hear(e);
    }
}

static qn_time next_time(void)
{
    qn_time at = QN_NEVER;

    for (unsigned i = 0; i < 2; i++) {
        end *e = &ends[i];

        if (e->head != e->tail)
            at = QN_MIN(at, e->way[e->head % RECORDS].at);
        at = QN_MIN(at, qn_link_due(&e->link));
        if (e->shaped)
            at = QN_MIN(at, qn_shape_due(&e->shape));
    }
    return at;
}

static void turn(void)
{
    for (unsigned i = 0; i < 2; i++) {
        deliver(&ends[i]);
        if (qn_link_due(&ends[i].link) <= ends[i].t.env.now)
            qn_link_tick(&ends[i].link);
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)qn_link_fill(&ends[i].link);
        hear(&ends[i]);
    }
}

static void pass_to(qn_time at)
{
    ck_assert_uint_ge(at, ends[0].t.env.now);
    ends[0].t.env.now = ends[1].t.env.now = at;
    turn();
}

/* ---- life ------------------------------------------------------------------------------------ */

static void open_ends(uint64_t seed, uint16_t max)
{
    memset(ends, 0, sizeof ends);
    plans_n = 0;
    for (unsigned i = 0; i < 2; i++) {
        end *e = &ends[i];

        qt_env_open(&e->t, seed * 2 + i);
        e->base.kind = &kind;
        e->other = &ends[1 - i];
        e->shaped = true;
        e->budget.limit = QN_CREDIT_BUDGET;
        e->delay = (1 + seed % 50) * QN_MS;
        qn_shape_init(&e->shape, &e->t.env,
                      &(qn_shape_cfg){.profile = &shape_item,
                                      .client = i == 0,
                                      .max_record = max,
                                      .pick = (uint8_t)seed});
        qn_link_init(&e->link, &e->t.env,
                     &(qn_link_cfg){.initiator = i == 0, .budget = &e->budget});
        qt_assert_err(qn_link_attach(&e->link, &e->base, 0), QN_OK);
    }
    ends[1].t.env.now = ends[0].t.env.now;
}

static void close_ends(void)
{
    for (unsigned i = 0; i < 2; i++) {
        while (ends[i].head != ends[i].tail)
            qn_block_drop(ends[i].way[ends[i].head++ % RECORDS].content.block);
        qn_link_clear(&ends[i].link);
        qt_env_close(&ends[i].t);
    }
}

static bool all_arrived(void)
{
    for (unsigned i = 0; i < plans_n; i++)
        for (unsigned way = 0; way < 2; way++)
            if (plans[i].got[way] < plans[i].size[way])
                return false;
    return true;
}

/* Streams come and talk at random; then nobody says anything new of his own accord. */
static void play(uint64_t seed)
{
    qn_env *env = &ends[0].t.env;
    qn_time started = env->now;

    for (unsigned i = 0; i < STREAMS; i++) {
        unsigned words = qn_rng_below(env, 30);

        open_stream(env);
        for (unsigned j = 0; j < words; j++)
            say(env);
        turn();
        if (qn_rng_below(env, 2) == 0 && next_time() != QN_NEVER)
            pass_to(next_time());
    }
    for (unsigned i = 0; i < 20000 && !all_arrived(); i++) {
        for (unsigned j = 0; j < 20; j++)
            say(env);
        pass_to(QN_MIN(next_time(), env->now + 5 * QN_MS));
    }
    ck_assert_msg(all_arrived(), "seed %llu: bytes still wait", (unsigned long long)seed);
    ck_assert_uint_lt(env->now - started, 60 * QN_SEC);
}

START_TEST(whatever_streams_do_every_byte_arrives)
{
    static const uint16_t sizes[] = {16384, 512, 4000, 1037};
    uint64_t seed = (uint64_t)_i;

    open_ends(seed, sizes[seed % 4]);
    play(seed);
    ck_assert(ends[1].empty > 0 || seed > 0); /* the first game has halves of hellos in it */
    close_ends();
}
END_TEST

START_TEST(a_peer_that_never_answers_only_costs_time)
{
    open_ends((uint64_t)_i, 16384);
    ends[1].deaf = true;
    play((uint64_t)_i);
    close_ends();
}
END_TEST

START_TEST(a_peer_that_does_not_shape_is_understood)
{
    open_ends((uint64_t)_i, 16384);
    ends[1].shaped = false;
    play((uint64_t)_i);
    close_ends();
}
END_TEST

START_TEST(a_stream_closed_while_it_waits_leaves_nothing_behind)
{
    uint8_t bytes[400];
    plan *p;

    open_ends(3, 16384);
    ends[1].deaf = true;
    open_stream(&ends[0].t.env);
    p = &plans[0];
    p->hello = true;
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern(p, 0, i);
    qt_assert_err(qn_link_send_bytes(&ends[0].link, p->id, bytes, 15, false), QN_OK);
    turn();
    qt_assert_err(qn_link_send_bytes(&ends[0].link, p->id, bytes + 15, sizeof bytes - 15, false),
                  QN_OK);
    turn();
    ck_assert_uint_ne(qn_shape_due(&ends[0].shape), QN_NEVER);
    ck_assert_int_eq(ends[0].shape.opening[0].stage, QN_SHAPE_HALF); /* the first half has left */
    qn_link_close(&ends[0].link, p->id, QN_CLOSE_GONE);
    turn();
    ck_assert_uint_eq(qn_shape_due(&ends[0].shape), QN_NEVER);
    close_ends();
}
END_TEST

START_TEST(an_idle_link_is_silent)
{
    unsigned before[2];

    open_ends(5, 16384);
    play(5);
    for (unsigned i = 0; i < 10 && next_time() != QN_NEVER; i++)
        pass_to(next_time()); /* the last credit */
    before[0] = ends[0].sealed;
    before[1] = ends[1].sealed;
    ck_assert_uint_eq(next_time(), QN_NEVER);
    pass_to(ends[0].t.env.now + 3600 * QN_SEC);
    ck_assert_uint_eq(ends[0].sealed, before[0]);
    ck_assert_uint_eq(ends[1].sealed, before[1]);
    close_ends();
}
END_TEST

START_TEST(cells_that_queue_up_are_an_upload_too)
{
    static const uint8_t cell[8000];
    uint32_t id;
    unsigned before;

    open_ends(6, 16384);
    ends[0].shape.first = QN_SHAPE_FIRST;
    qt_assert_err(qn_link_open(&ends[0].link, QN_KIND_CIRCUIT, NULL, &id), QN_OK);
    before = ends[0].sealed;
    for (unsigned i = 0; i < 8; i++)
        qt_assert_err(qn_link_send_bytes(&ends[0].link, id, cell, sizeof cell, false), QN_OK);
    qn_link_fill(&ends[0].link);
    ck_assert_uint_lt(ends[0].sealed - before, 16); /* as requests they would be 153 */
    close_ends();
}
END_TEST

static Suite *shape_suite(void)
{
    Suite *s = suite_create("link/shape");
    TCase *k = tcase_create("shaped");

    tcase_set_timeout(k, 60);
    tcase_add_loop_test(k, whatever_streams_do_every_byte_arrives, 0, 40);
    tcase_add_loop_test(k, a_peer_that_never_answers_only_costs_time, 0, 4);
    tcase_add_loop_test(k, a_peer_that_does_not_shape_is_understood, 0, 4);
    tcase_add_test(k, a_stream_closed_while_it_waits_leaves_nothing_behind);
    tcase_add_test(k, an_idle_link_is_silent);
    tcase_add_test(k, cells_that_queue_up_are_an_upload_too);
    suite_add_tcase(s, k);
    return s;
}

QT_MAIN(shape_suite)
