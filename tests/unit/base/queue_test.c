/* Queues of pieces against a plain run of bytes, and what they pin in memory. */
#include "support/qt.h"

#include "base/engine.h"

enum { MODEL = 4 << 20, FRONT = 300 * 50 };

static qt_env t;
static qn_queue q;
static uint8_t model[MODEL]; /* bytes [from, to) are what the queue must hold */
static size_t from, to;

static void setup(void)
{
    qt_env_open(&t, 8);
    q = (qn_queue){0};
    from = to = FRONT; /* room for what push_front may bring */
}

static void teardown(void)
{
    qn_queue_clear(&q, &t.env.mem);
    qt_env_close(&t);
}

/* A piece of n drawn bytes somewhere inside a block of its own. */
static qn_piece draw_piece(uint32_t n, size_t need)
{
    qn_block *b = qn_block_get(&t.env, need);
    uint32_t off = b != NULL ? qn_rng_below(&t.env, b->cap - n + 1) : 0;

    if (b != NULL)
        qn_rng_fill(&t.env, b->data + off, n);
    return (qn_piece){.block = b, .off = off, .len = n};
}

static void check_contents(void)
{
    size_t at = from;

    ck_assert_uint_eq(q.bytes, to - from);
    for (uint32_t i = 0; i < q.n; i++) {
        const qn_piece *p = &q.v[(q.head + i) & (q.cap - 1)];

        ck_assert_uint_le(p->off + p->len, p->block->cap);
        ck_assert_uint_le(at + p->len, to);
        if (p->len > 0)
            ck_assert_mem_eq(qn_piece_data(p), model + at, p->len);
        at += p->len;
    }
    ck_assert_uint_eq(at, to);
    ck_assert(q.n > 0 || q.cap == 0); /* empty costs nothing */
}

static void model_append(const void *p, size_t n)
{
    ck_assert_uint_le(to + n, MODEL);
    memcpy(model + to, p, n);
    to += n;
}

static uint32_t draw_length(void)
{
    static const uint32_t most[] = {4, 100, QN_BLOCK_SMALL, QN_BLOCK_LARGE};
    uint32_t kind = qn_rng_below(&t.env, 4);

    return 1 + qn_rng_below(&t.env, most[kind]);
}

static void step_push(bool compact)
{
    uint32_t n = draw_length();
    qn_piece p = draw_piece(n, n);

    model_append(qn_piece_data(&p), n);
    if (compact)
        qt_assert_err(qn_queue_push_compact(&q, &t.env, p), QN_OK);
    else
        qt_assert_err(qn_queue_push(&q, &t.env.mem, p), QN_OK);
}

static void step_push_front(void)
{
    uint32_t n = 1 + qn_rng_below(&t.env, 50);
    qn_piece p = draw_piece(n, n);

    from -= n;
    memcpy(model + from, qn_piece_data(&p), n);
    qt_assert_err(qn_queue_push_front(&q, &t.env.mem, p), QN_OK);
}

static void step_append(void)
{
    qn_slice bytes = qt_noise(qn_rng_u32(&t.env), draw_length() * 2);

    model_append(bytes.p, bytes.n);
    qt_assert_err(qn_queue_append(&q, &t.env, bytes.p, bytes.n), QN_OK);
}

static void step_consume(void)
{
    uint32_t n = qn_rng_below(&t.env, (uint32_t)q.bytes + 1);

    from += n;
    qn_queue_consume(&q, &t.env.mem, n);
}

static void step_pop(void)
{
    qn_piece p;

    if (q.n == 0)
        return;
    p = qn_queue_pop(&q, &t.env.mem);
    ck_assert_mem_eq(qn_piece_data(&p), model + from, p.len);
    from += p.len;
    qn_block_drop(p.block);
}

START_TEST(agrees_with_a_plain_run_of_bytes)
{
    qt_env_close(&t);
    qt_env_open(&t, (uint64_t)_i);
    for (unsigned step = 0; step < 300; step++) {
        switch (qn_rng_below(&t.env, 8)) {
        case 0:
            step_push(false);
            break;
        case 1:
        case 2:
            step_push(true);
            break;
        case 3:
            step_push_front();
            break;
        case 4:
            step_append();
            break;
        case 5:
            step_pop();
            break;
        default:
            step_consume();
        }
        check_contents();
    }
}
END_TEST

static uint64_t pinned(const qn_queue *queue)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < queue->n; i++)
        sum += queue->v[(queue->head + i) & (queue->cap - 1)].block->cap;
    return sum;
}

/* Lengths that hurt: crumbs, the smallest piece that is not copied, and crumbs between those. */
static uint32_t hostile_length(int style, unsigned step)
{
    switch (style) {
    case 0:
        return 1;
    case 1:
        return step % 2 ? QN_BLOCK_SMALL / 4 : 1;
    case 2:
        return step % 2 ? QN_BLOCK_LARGE / 4 : 1;
    case 3:
        return step % 2 ? QN_BLOCK_LARGE / 4 : QN_BLOCK_SMALL + 1;
    default:
        return 1 + qn_rng_below(&t.env, QN_BLOCK_LARGE);
    }
}

START_TEST(compact_queues_pin_at_most_five_times_their_bytes)
{
    for (unsigned step = 0; step < 200; step++) {
        uint32_t n = hostile_length(_i, step);
        qn_piece p = draw_piece(n, n);

        p.off = p.block->cap - n; /* nothing fits behind it */
        qt_assert_err(qn_queue_push_compact(&q, &t.env, p), QN_OK);
        ck_assert_msg(pinned(&q) <= 5 * q.bytes + QN_BLOCK_SMALL, "%u: %llu for %llu", step,
                      (unsigned long long)pinned(&q), (unsigned long long)q.bytes);
    }
}
END_TEST

START_TEST(a_shared_tail_is_not_written_behind)
{
    qn_piece p = {.block = qn_block_get(&t.env, 1), .len = 4};
    qn_block *shared = qn_block_ref(p.block);

    memcpy(shared->data, "abcdE", 5);
    qt_assert_err(qn_queue_push(&q, &t.env.mem, p), QN_OK);
    qt_assert_err(qn_queue_append(&q, &t.env, "x", 1), QN_OK);
    ck_assert_uint_eq(shared->data[4], 'E'); /* the other holder's byte */
    ck_assert_uint_eq(q.n, 2);
    qn_block_drop(shared);
}
END_TEST

START_TEST(a_tail_of_ones_own_is_written_behind)
{
    qt_assert_err(qn_queue_append(&q, &t.env, "abc", 3), QN_OK);
    qt_assert_err(qn_queue_append(&q, &t.env, "def", 3), QN_OK);
    ck_assert_uint_eq(q.n, 1);
    qt_assert_bytes(qn_piece_data(qn_queue_head(&q)), qn_queue_head(&q)->len,
                    qn_slice_of("abcdef", 6));
}
END_TEST

/* Fails each request in turn; a refused call must leave the queue as it was. */
START_TEST(a_failed_append_changes_nothing)
{
    qn_slice bytes = qt_noise(1, 3 * QN_BLOCK_LARGE + 1000);

    qt_assert_err(qn_queue_append(&q, &t.env, "head", 4), QN_OK);
    model_append("head", 4);
    for (uint64_t n = 1;; n++) {
        uint64_t used = t.env.mem.used;
        qn_err err;

        qt_alloc_fail_at(n);
        err = qn_queue_append(&q, &t.env, bytes.p, bytes.n);
        if (err == QN_OK) {
            ck_assert_uint_gt(n, 4); /* it did ask for several */
            break;
        }
        qt_assert_err(err, QN_NOMEM);
        ck_assert_uint_eq(t.env.mem.used, used);
        check_contents();
    }
    model_append(bytes.p, bytes.n);
    check_contents();
}
END_TEST

START_TEST(a_failed_push_leaves_the_piece_to_the_caller)
{
    qn_piece p = draw_piece(1000, 1000), crumb = draw_piece(10, 1000);

    qt_alloc_fail_at(1);
    qt_assert_err(qn_queue_push(&q, &t.env.mem, p), QN_NOMEM);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_queue_push_front(&q, &t.env.mem, p), QN_NOMEM);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_queue_push_compact(&q, &t.env, crumb), QN_NOMEM);
    check_contents();
    qn_block_drop(p.block);
    qn_block_drop(crumb.block);
}
END_TEST

START_TEST(move_takes_everything_or_nothing)
{
    qn_queue src = {0};

    for (unsigned i = 0; i < 5; i++) {
        qn_piece p = draw_piece(100, QN_BLOCK_LARGE);

        model_append(qn_piece_data(&p), 100);
        qt_assert_err(qn_queue_push(&src, &t.env.mem, p), QN_OK);
    }
    qt_alloc_fail_at(1);
    qt_assert_err(qn_queue_move(&q, &src, &t.env.mem), QN_NOMEM);
    ck_assert_uint_eq(src.bytes, 500);
    ck_assert_uint_eq(q.n, 0);
    qt_alloc_fail_at(0);
    qt_assert_err(qn_queue_move(&q, &src, &t.env.mem), QN_OK);
    ck_assert_uint_eq(src.n + src.cap, 0);
    check_contents();
    qt_assert_err(qn_queue_move(&q, &src, &t.env.mem), QN_OK); /* nothing to move */
    check_contents();
}
END_TEST

START_TEST(peek_shows_the_first_pieces)
{
    qn_slice v[2];

    ck_assert_uint_eq(qn_queue_peek(&q, v, 2), 0);
    for (unsigned i = 0; i < 3; i++)
        qt_assert_err(qn_queue_push(&q, &t.env.mem, draw_piece(10 + i, 10 + i)), QN_OK);
    ck_assert_uint_eq(qn_queue_peek(&q, v, 2), 2);
    ck_assert_uint_eq(v[0].n, 10);
    ck_assert_uint_eq(v[1].n, 11);
    ck_assert_ptr_eq(v[0].p, qn_piece_data(qn_queue_head(&q)));
}
END_TEST

static Suite *queue_suite(void)
{
    Suite *s = suite_create("base/queue");
    TCase *tc = tcase_create("queue");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, agrees_with_a_plain_run_of_bytes, 0, 20);
    tcase_add_loop_test(tc, compact_queues_pin_at_most_five_times_their_bytes, 0, 5);
    tcase_add_test(tc, a_shared_tail_is_not_written_behind);
    tcase_add_test(tc, a_tail_of_ones_own_is_written_behind);
    tcase_add_test(tc, a_failed_append_changes_nothing);
    tcase_add_test(tc, a_failed_push_leaves_the_piece_to_the_caller);
    tcase_add_test(tc, move_takes_everything_or_nothing);
    tcase_add_test(tc, peek_shows_the_first_pieces);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(queue_suite)
