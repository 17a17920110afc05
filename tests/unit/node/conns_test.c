/* Names of conns: what is stale stays stale, what is pending is given once and in order. */
#include "support/qt.h"

#include "node/conns.h"

/* conns.c: a name is 17 bits of slot and 15 of generation; a table begins with seven slots. */
enum { SLOT = 0x1ffff, GENERATIONS = 1 << 15, FIRST_SLOTS = 7 };

static qt_env t;
static conns table;
static char owner[8];

static void setup(void)
{
    qt_env_open(&t, 1);
    table = (conns){0};
}

static void teardown(void)
{
    conns_clear(&table, &t.env.mem);
    qt_env_close(&t);
}

static qn_conn add(void)
{
    qn_conn c = conns_add(&table, &t.env.mem, CONN_LEG, owner, 0);

    ck_assert_uint_ne(c, 0);
    return c;
}

START_TEST(names_never_given_out_are_unknown)
{
    static const qn_conn never[] = {0, 1, 7, 8, SLOT + 1, SLOT, UINT32_MAX};

    for (size_t i = 0; i < QN_LEN(never); i++)
        ck_assert_ptr_null(conns_get(&table, never[i]));
    (void)add();
    for (size_t i = 0; i < QN_LEN(never); i++)
        ck_assert_ptr_null(conns_get(&table, never[i]));
}
END_TEST

START_TEST(a_conn_is_what_it_was_added_as)
{
    qn_conn c = conns_add(&table, &t.env.mem, CONN_TARGET, owner, 1);
    const conn *k = conns_get(&table, c);

    ck_assert_ptr_nonnull(k);
    ck_assert_ptr_eq(k->owner, owner);
    ck_assert_int_eq(k->kind, CONN_TARGET);
    ck_assert_uint_eq(k->leg, 1);
    ck_assert(!k->linger && !k->releasing && k->todo == 0);
    ck_assert_uint_eq(table.used, 1);
}
END_TEST

/* With one slot left to use again and again, its old name finds nothing for 2^15 - 1 turns. */
START_TEST(a_forgotten_name_stays_stale_until_its_generation_comes_round)
{
    qn_conn first, now;

    for (unsigned i = 1; i < FIRST_SLOTS; i++)
        (void)add();
    first = now = add();
    for (unsigned i = 1; i < GENERATIONS; i++) {
        conns_forget(&table, now);
        ck_assert_ptr_null(conns_get(&table, first));
        now = add();
        ck_assert_uint_ne(now, first);
        ck_assert_uint_eq(now & SLOT, first & SLOT);
    }
    conns_forget(&table, now);
    now = add();
    ck_assert_uint_eq(now, first); /* the wrap */
    ck_assert_ptr_nonnull(conns_get(&table, now));
}
END_TEST

START_TEST(slots_are_used_in_turn)
{
    qn_conn first = add();

    conns_forget(&table, first);
    for (unsigned i = 1; i < FIRST_SLOTS; i++)
        ck_assert_uint_ne(add() & SLOT, first & SLOT);
    ck_assert_uint_eq(add() & SLOT, first & SLOT);
}
END_TEST

START_TEST(what_is_done_to_a_stale_name_touches_nobody)
{
    qn_conn old = add(), young;
    qn_conn c;
    uint16_t todo;

    conns_forget(&table, old);
    young = add();
    conns_todo(&table, old, TODO_RESET);
    ck_assert(!conns_next(&table, &c, &todo));
    conns_forget(&table, old);
    ck_assert_ptr_nonnull(conns_get(&table, young));
    ck_assert_uint_eq(table.used, 1);
}
END_TEST

START_TEST(pending_actions_come_conn_by_conn_lowest_first)
{
    static const uint16_t want[] = {TODO_DIAL, TODO_SEND, TODO_CLOSE};
    qn_conn a = add(), b = add(), c;
    uint16_t todo;

    conns_todo(&table, b, TODO_CLOSE);
    conns_todo(&table, a, TODO_RESET);
    conns_todo(&table, b, TODO_SEND | TODO_DIAL);
    conns_todo(&table, b, TODO_SEND);
    for (size_t i = 0; i < QN_LEN(want); i++) {
        ck_assert(conns_next(&table, &c, &todo));
        ck_assert_uint_eq(c, b);
        ck_assert_uint_eq(todo, want[i]);
    }
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert_uint_eq(c, a);
    ck_assert_uint_eq(todo, TODO_RESET);
    ck_assert(!conns_next(&table, &c, &todo));
}
END_TEST

/* An action may cause others, on its own conn and on others, while the world works off the list. */
START_TEST(actions_added_on_the_way_are_not_lost)
{
    qn_conn a = add(), b = add(), c;
    uint16_t todo;

    conns_todo(&table, a, TODO_SEND);
    ck_assert(conns_next(&table, &c, &todo));
    conns_todo(&table, a, TODO_READ);
    conns_todo(&table, b, TODO_SEND);
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert(c == a && todo == TODO_READ);
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert(c == b && todo == TODO_SEND);
    ck_assert(!conns_next(&table, &c, &todo));
    conns_todo(&table, a, TODO_CLOSE); /* and the list works again */
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert(c == a && todo == TODO_CLOSE);
}
END_TEST

/* Its slot waits in the list: given out again at once, it would inherit a place there. */
START_TEST(a_conn_forgotten_while_listed_is_passed_over)
{
    qn_conn a = add(), b = add(), c, again = 0;
    uint16_t todo;

    conns_todo(&table, a, TODO_SEND);
    conns_todo(&table, b, TODO_SEND);
    conns_forget(&table, a);
    for (unsigned i = 2; i < FIRST_SLOTS; i++) {
        again = add();
        ck_assert_uint_ne(again & SLOT, a & SLOT);
    }
    conns_todo(&table, again, TODO_READ);
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert(c == b && todo == TODO_SEND);
    ck_assert(conns_next(&table, &c, &todo));
    ck_assert(c == again && todo == TODO_READ);
    ck_assert(!conns_next(&table, &c, &todo));
    ck_assert_uint_eq(add() & SLOT, a & SLOT); /* met in the list, its slot is free */
}
END_TEST

START_TEST(the_table_grows_to_its_bound_and_no_further)
{
    qn_conn last = 0, c;
    uint16_t todo;

    for (uint32_t i = 0; i < QN_CONNS_MAX; i++) {
        last = add();
        conns_todo(&table, last, TODO_SEND);
    }
    ck_assert_uint_eq(conns_add(&table, &t.env.mem, CONN_LEG, owner, 0), 0);
    ck_assert_uint_eq(table.used, QN_CONNS_MAX);
    for (uint32_t i = 0; i < QN_CONNS_MAX; i++) /* growing lost nobody's place in the list */
        ck_assert(conns_next(&table, &c, &todo));
    ck_assert_uint_eq(c, last);
    ck_assert(!conns_next(&table, &c, &todo));
    conns_forget(&table, last);
    (void)add();
}
END_TEST

START_TEST(without_memory_the_table_is_as_it_was)
{
    qn_conn c[7];

    qt_alloc_fail_at(1);
    ck_assert_uint_eq(conns_add(&table, &t.env.mem, CONN_LEG, owner, 0), 0);
    for (size_t i = 0; i < QN_LEN(c); i++)
        c[i] = add();
    qt_alloc_fail_at(1);
    ck_assert_uint_eq(conns_add(&table, &t.env.mem, CONN_LEG, owner, 0), 0);
    for (size_t i = 0; i < QN_LEN(c); i++)
        ck_assert_ptr_nonnull(conns_get(&table, c[i]));
    ck_assert_uint_eq(table.used, QN_LEN(c));
    (void)add();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node conns");
    TCase *c = tcase_create("names");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, names_never_given_out_are_unknown);
    tcase_add_test(c, a_conn_is_what_it_was_added_as);
    tcase_add_test(c, a_forgotten_name_stays_stale_until_its_generation_comes_round);
    tcase_add_test(c, slots_are_used_in_turn);
    tcase_add_test(c, what_is_done_to_a_stale_name_touches_nobody);
    tcase_add_test(c, pending_actions_come_conn_by_conn_lowest_first);
    tcase_add_test(c, actions_added_on_the_way_are_not_lost);
    tcase_add_test(c, a_conn_forgotten_while_listed_is_passed_over);
    tcase_add_test(c, the_table_grows_to_its_bound_and_no_further);
    tcase_add_test(c, without_memory_the_table_is_as_it_was);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
