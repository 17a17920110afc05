/* The names of conns: what the world may still say about one that is gone must find nothing. */
#include "node/conns.h"
#include "support/qt.h"

static qt_env t;

static void open_env(void)
{
    qt_env_open(&t, 1);
}

static void close_env(void)
{
    qt_env_close(&t);
}

/* A query's answer may come ten seconds late; its asker may have come and gone since, and others
 * as fast as they can. */
START_TEST(a_name_does_not_come_back_within_200000_conns)
{
    static int owner;
    conns v = {0};
    qn_conn first = conns_add(&v, &t.env.mem, CONN_TARGET, &owner, 0);

    ck_assert(first != 0);
    conns_forget(&v, first);
    for (unsigned i = 0; i < 200000; i++) {
        qn_conn c = conns_add(&v, &t.env.mem, CONN_TARGET, &owner, 0);

        ck_assert_msg(c != 0 && c != first, "after %u", i);
        ck_assert(conns_get(&v, first) == NULL);
        conns_forget(&v, c);
    }
    conns_clear(&v, &t.env.mem);
}
END_TEST

/* Up to the bound, every conn has a name of its own; then none is given until one is forgotten. */
START_TEST(a_full_table_says_no_and_goes_on)
{
    static int owner;
    static qn_conn name[QN_CONNS_MAX];
    conns v = {0};

    for (unsigned i = 0; i < QN_CONNS_MAX; i++) {
        name[i] = conns_add(&v, &t.env.mem, CONN_LEG, &owner, 0);
        ck_assert(name[i] != 0);
    }
    ck_assert(conns_add(&v, &t.env.mem, CONN_LEG, &owner, 0) == 0);
    for (unsigned i = 0; i < QN_CONNS_MAX; i++)
        ck_assert(conns_get(&v, name[i]) != NULL);
    conns_todo(&v, name[7], TODO_SEND);
    conns_forget(&v, name[7]); /* listed: its slot is free when the list has passed it */
    ck_assert(conns_add(&v, &t.env.mem, CONN_LEG, &owner, 0) == 0);
    ck_assert(!conns_next(&v, &name[0], &(uint16_t){0}));
    ck_assert(conns_add(&v, &t.env.mem, CONN_LEG, &owner, 0) != 0);
    conns_clear(&v, &t.env.mem);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node conns");
    TCase *c = tcase_create("names");

    tcase_add_checked_fixture(c, open_env, close_env);
    tcase_add_test(c, a_name_does_not_come_back_within_200000_conns);
    tcase_add_test(c, a_full_table_says_no_and_goes_on);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
