/* Path choice: who may be where, who gets a turn, and what is said when nobody fits. */
#include "support/qt.h"

#include "circuit/path.h"

static qt_env t;
static qn_candidate v[64];
static size_t n;
static qn_peerid self;
static uint32_t out[QN_HOPS_MAX];
static const char *lacks;

static void setup(void)
{
    qt_env_open(&t, 1);
    memset(v, 0, sizeof v);
    memset(self.b, 0xff, sizeof self.b);
    n = 0;
    lacks = "";
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void add(uint8_t flags, uint16_t weight)
{
    v[n] = (qn_candidate){.flags = flags, .weight = weight};
    memset(v[n].id.b, (int)n, sizeof v[n].id.b);
    n++;
}

static void add_many(unsigned relays, unsigned exits)
{
    for (unsigned i = 0; i < relays; i++)
        add(QN_CANDIDATE_RELAY, 10);
    for (unsigned i = 0; i < exits; i++)
        add(QN_CANDIDATE_RELAY | QN_CANDIDATE_EXIT, 10);
}

static qn_err choose(unsigned hops)
{
    return qn_path_choose(&t.env, v, n, &self, hops, out, &lacks);
}

START_TEST(the_last_hop_is_an_exit_and_nobody_appears_twice)
{
    add_many(6, 3);
    for (unsigned round = 0; round < 500; round++) {
        unsigned hops = 1 + round % 3;

        qt_assert_err(choose(hops), QN_OK);
        ck_assert(v[out[hops - 1]].flags & QN_CANDIDATE_EXIT);
        for (unsigned i = 0; i < hops; i++)
            for (unsigned k = 0; k < i; k++)
                ck_assert_uint_ne(out[i], out[k]);
    }
}
END_TEST

START_TEST(we_are_never_our_own_hop)
{
    add_many(3, 1);
    self = v[0].id;
    for (unsigned round = 0; round < 200; round++) {
        qt_assert_err(choose(3), QN_OK);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_uint_ne(out[i], 0);
    }
    self = v[3].id;
    qt_assert_err(choose(3), QN_NOPATH);
}
END_TEST

START_TEST(one_node_listed_twice_is_one_node)
{
    add_many(1, 1);
    add_many(1, 0);
    v[2].id = v[0].id;
    qt_assert_err(choose(3), QN_NOPATH);
    v[2].id = v[1].id;
    qt_assert_err(choose(3), QN_NOPATH);
}
END_TEST

START_TEST(everybody_gets_a_turn_in_a_small_network)
{
    add_many(3, 1);
    for (unsigned round = 0; round < 100; round++) {
        qt_assert_err(choose(3), QN_OK);
        for (unsigned i = 0; i < 3; i++)
            v[out[i]].used++;
    }
    for (unsigned i = 0; i < 3; i++) { /* 200 places for three relays */
        ck_assert_uint_ge(v[i].used, 66);
        ck_assert_uint_le(v[i].used, 67);
    }
}
END_TEST

START_TEST(weight_is_a_share)
{
    unsigned heavy = 0;

    add(QN_CANDIDATE_EXIT, 300);
    add(QN_CANDIDATE_EXIT, 100);
    add(QN_CANDIDATE_EXIT, 0);
    for (unsigned round = 0; round < 4000; round++) {
        qt_assert_err(choose(1), QN_OK);
        ck_assert_uint_ne(out[0], 2);
        heavy += out[0] == 0;
    }
    ck_assert_uint_gt(heavy, 2836); /* 3000 expected, sigma 27: six sigma either way */
    ck_assert_uint_lt(heavy, 3164);
}
END_TEST

START_TEST(a_weight_of_zero_is_nobody)
{
    add(QN_CANDIDATE_EXIT, 0);
    qt_assert_err(choose(1), QN_NOPATH);
}
END_TEST

START_TEST(equal_draws_make_equal_paths)
{
    uint32_t first[QN_HOPS_MAX];

    add_many(20, 10);
    qt_assert_err(choose(3), QN_OK);
    memcpy(first, out, sizeof first);
    qn_drbg_init(&t.rng, "qt", 1, 0);
    qt_assert_err(choose(3), QN_OK);
    ck_assert_mem_eq(first, out, sizeof first);
}
END_TEST

static const struct {
    unsigned relays, exits, hops;
    const char *lacks; /* NULL: there is a path */
} few[] = {
    {0, 0, 1, "no exit"},      {5, 0, 3, "no exit"},  {0, 1, 1, NULL},
    {0, 1, 2, "no relay"},     {0, 1, 3, "no relay"}, {1, 1, 2, NULL},
    {1, 1, 3, "second relay"}, {2, 1, 3, NULL},       {0, 3, 3, NULL},
};

START_TEST(names_what_is_missing)
{
    add_many(few[_i].relays, few[_i].exits);
    qt_assert_err(choose(few[_i].hops), few[_i].lacks == NULL ? QN_OK : QN_NOPATH);
    if (few[_i].lacks != NULL)
        ck_assert_msg(strstr(lacks, few[_i].lacks) != NULL, "%s", lacks);
}
END_TEST

static Suite *path_suite(void)
{
    Suite *s = suite_create("circuit/path");
    TCase *tc = tcase_create("path");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_last_hop_is_an_exit_and_nobody_appears_twice);
    tcase_add_test(tc, we_are_never_our_own_hop);
    tcase_add_test(tc, one_node_listed_twice_is_one_node);
    tcase_add_test(tc, everybody_gets_a_turn_in_a_small_network);
    tcase_add_test(tc, weight_is_a_share);
    tcase_add_test(tc, a_weight_of_zero_is_nobody);
    tcase_add_test(tc, equal_draws_make_equal_paths);
    tcase_add_loop_test(tc, names_what_is_missing, 0, (int)QN_LEN(few));
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(path_suite)
