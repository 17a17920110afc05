/* Path choice: who may be where, what is kept apart, what is given up, and what people are told. */
#include "list.h"

static list l;

static void setup(void)
{
    list_open(&l, 1);
}

static void teardown(void)
{
    qt_env_close(&l.t);
}

START_TEST(the_last_hop_is_an_exit_and_nobody_appears_twice)
{
    list_add_many(&l, 6, 3);
    for (unsigned round = 0; round < 500; round++) {
        l.wish.hops = (uint8_t)(1 + round % 3);
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert_uint_eq(l.path.n, l.wish.hops);
        ck_assert(l.v[l.path.hop[l.path.n - 1].at].flags & QN_CANDIDATE_EXIT);
        for (unsigned i = 0; i < l.path.n; i++)
            for (unsigned k = 0; k < i; k++)
                ck_assert_uint_ne(l.path.hop[i].at, l.path.hop[k].at);
    }
}
END_TEST

START_TEST(we_are_never_our_own_hop)
{
    list_add_many(&l, 3, 1);
    l.wish.self = l.v[0].id;
    for (unsigned round = 0; round < 200; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_uint_ne(l.path.hop[i].at, 0);
    }
    l.wish.self = l.v[3].id;
    qt_assert_err(list_choose(&l), QN_NOPATH);
    ck_assert_str_eq(l.lacks,
                     "too few relays are listed besides the exits, or all are of one family");
}
END_TEST

START_TEST(a_node_listed_twice_is_one_node)
{
    list_add_many(&l, 1, 1);
    list_add(&l, QN_CANDIDATE_RELAY, 10)->id = l.v[0].id;
    qt_assert_err(list_choose(&l), QN_NOPATH);
    list_add(&l, QN_CANDIDATE_RELAY, 10);
    qt_assert_err(list_choose(&l), QN_OK);
}
END_TEST

START_TEST(the_only_exit_is_kept_for_the_end)
{
    list_add_many(&l, 2, 1);
    for (unsigned round = 0; round < 100; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert_uint_eq(l.path.hop[2].at, 2);
    }
}
END_TEST

START_TEST(weights_are_shares)
{
    unsigned heavy = 0;

    list_add(&l, QN_CANDIDATE_EXIT, 100);
    list_add(&l, QN_CANDIDATE_EXIT, 300);
    list_add(&l, QN_CANDIDATE_EXIT, 0);
    l.wish.hops = 1;
    for (unsigned round = 0; round < 4000; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        heavy += l.path.hop[0].at == 1;
        ck_assert_uint_ne(l.path.hop[0].at, 2);
        ck_assert_uint_eq(l.path.hop[0].share, l.path.hop[0].at == 1 ? 750000 : 250000);
        ck_assert_uint_eq(l.path.hop[0].fitting, 2);
        ck_assert_uint_eq(l.path.hop[0].effective, 16); /* 400^2 / (100^2 + 300^2) = 1.6 */
    }
    ck_assert_uint_gt(heavy, 2900); /* 3000 expected, standard deviation 27 */
    ck_assert_uint_lt(heavy, 3100);
}
END_TEST

static void share_family(qn_candidate *c)
{
    c->family = 7;
}
static void share_prefix(qn_candidate *c)
{
    qn_put32(c->addr.ip, 0x0a010000u + c->id.b[3]);
}
static void share_prefix6(qn_candidate *c)
{
    c->addr.family = 6;
    qn_put32(c->addr.ip, 0x20010db8u);
    c->addr.ip[4] = c->id.b[3];
}
static void share_as(qn_candidate *c)
{
    c->as = 64500;
}
static void share_country(qn_candidate *c)
{
    memcpy(c->country, "IS", 3);
}

static const struct {
    void (*share)(qn_candidate *c);
    unsigned bit;
    bool given_up; /* when the list is too small */
} sharing[] = {{share_family, QN_APART_FAMILY, false},
               {share_prefix, QN_APART_PREFIX, true},
               {share_prefix6, QN_APART_PREFIX, true},
               {share_as, QN_APART_AS, true},
               {share_country, QN_APART_COUNTRY, true}};

START_TEST(nodes_of_one_hand_are_kept_apart)
{
    list_add_many(&l, 6, 3);
    for (size_t i = 0; i < l.n; i += 2)
        sharing[_i].share(&l.v[i]);
    ck_assert_uint_eq(qn_candidates_share(&l.v[0], &l.v[2]), sharing[_i].bit);
    ck_assert_uint_eq(qn_candidates_share(&l.v[0], &l.v[1]), 0);
    for (unsigned round = 0; round < 300; round++) {
        unsigned even = 0;

        qt_assert_err(list_choose(&l), QN_OK);
        for (unsigned i = 0; i < 3; i++)
            even += l.path.hop[i].at % 2 == 0;
        ck_assert_uint_le(even, 1);
        ck_assert_uint_eq(l.path.apart, QN_APART_ALL);
    }
}
END_TEST

START_TEST(a_small_list_gives_up_all_but_family_and_says_so)
{
    list_add_many(&l, 2, 1);
    for (size_t i = 0; i < l.n; i++)
        sharing[_i].share(&l.v[i]);
    if (!sharing[_i].given_up) {
        qt_assert_err(list_choose(&l), QN_NOPATH);
        return;
    }
    qt_assert_err(list_choose(&l), QN_OK);
    ck_assert_uint_eq(l.path.apart & sharing[_i].bit, 0);
    ck_assert_uint_ne(l.path.apart & QN_APART_FAMILY, 0);
}
END_TEST

START_TEST(what_nobody_knows_is_not_shared)
{
    list_add_many(&l, 2, 0);
    l.v[0].addr.family = l.v[1].addr.family = 0;
    ck_assert_uint_eq(qn_candidates_share(&l.v[0], &l.v[1]), 0);
}
END_TEST

START_TEST(port_and_country_of_the_exit_are_kept_or_there_is_no_path)
{
    static const uint16_t web[] = {80, 443}, other[] = {22};
    static const qn_ports mail = {990, 995};

    list_add_many(&l, 2, 3);
    l.v[2].ports = web;
    l.v[2].ports_n = 2;
    l.v[3].ports = other;
    l.v[3].ports_n = 1;
    l.v[3].ranges = &mail;
    l.v[3].ranges_n = 1;
    memcpy(l.v[4].country, "CH", 3); /* opens any port */
    l.wish.port = 993;
    for (unsigned round = 0; round < 100; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert_uint_ge(l.path.hop[2].at, 3);
    }
    memcpy(l.wish.country, "CH", 3);
    qt_assert_err(list_choose(&l), QN_OK);
    ck_assert_uint_eq(l.path.hop[2].at, 4);
    memcpy(l.wish.country, "SE", 3);
    qt_assert_err(list_choose(&l), QN_NOPATH);
    ck_assert_str_eq(l.lacks, "no exit is listed for that port and country");
}
END_TEST

START_TEST(who_failed_lately_is_a_last_resort)
{
    list_add_many(&l, 3, 2);
    l.v[0].rest = l.v[3].rest = l.t.env.now + QN_SEC;
    for (unsigned round = 0; round < 100; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert(!l.path.tired);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_uint_eq(l.v[l.path.hop[i].at].rest, 0);
    }
    for (size_t i = 0; i < l.n; i++)
        l.v[i].rest = l.t.env.now + QN_SEC;
    qt_assert_err(list_choose(&l), QN_OK);
    ck_assert(l.path.tired);
    qt_env_step(&l.t, QN_SEC);
    qt_assert_err(list_choose(&l), QN_OK);
    ck_assert(!l.path.tired);
}
END_TEST

START_TEST(with_turns_everybody_is_seen_at_work)
{
    list_add_many(&l, 3, 2);
    l.wish.turns = true;
    for (unsigned round = 1; round <= 40; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        for (unsigned i = 0; i < 3; i++)
            l.v[l.path.hop[i].at].used++;
    }
    for (size_t i = 0; i < l.n; i++)
        ck_assert_uint_ge(l.v[i].used, 20);
}
END_TEST

START_TEST(an_empty_list_has_no_exit)
{
    qt_assert_err(list_choose(&l), QN_NOPATH);
    ck_assert_str_eq(l.lacks, "no exit is listed");
}
END_TEST

START_TEST(the_same_seed_makes_the_same_choice)
{
    qn_path first;

    list_add_many(&l, 30, 10);
    qt_assert_err(list_choose(&l), QN_OK);
    first = l.path;
    qt_env_close(&l.t);
    list_open(&l, 1);
    list_add_many(&l, 30, 10);
    qt_assert_err(list_choose(&l), QN_OK);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(l.path.hop[i].at, first.hop[i].at);
}
END_TEST

START_TEST(every_hop_is_explained)
{
    char text[160];

    list_add_many(&l, 2, 1);
    memcpy(l.v[2].country, "IS", 3);
    qt_assert_err(list_choose(&l), QN_OK);
    qn_path_explain(&l.path, l.v, 2, text, sizeof text);
    ck_assert_str_eq(text,
                     "drawn by weight: one of 1 that fitted, with 100.0 % of their weight, in IS");
    qn_path_explain(&l.path, l.v, 2, text, 6);
    ck_assert_str_eq(text, "drawn");
}
END_TEST

START_TEST(a_guest_enters_by_who_invited_him_and_meets_him_nowhere_else)
{
    list_add_many(&l, 5, 3);
    list_add(&l, QN_CANDIDATE_RELAY | QN_CANDIDATE_EXIT | QN_CANDIDATE_INVITED, 1000);
    l.wish.entry = QN_CANDIDATE_INVITED;
    for (unsigned round = 0; round < 200; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert_uint_eq(l.path.hop[0].at, 8);
        ck_assert_int_eq(l.path.hop[0].reason, QN_HOP_INVITED);
    }
    l.wish.entry = 0;
    for (unsigned round = 0; round < 200; round++) {
        qt_assert_err(list_choose(&l), QN_OK);
        ck_assert_uint_ne(l.path.hop[1].at, 8);
        ck_assert_uint_ne(l.path.hop[2].at, 8);
    }
}
END_TEST

START_TEST(who_is_behind_another_enters_nobody_and_never_meets_him)
{
    list_add_many(&l, 6, 3);
    for (size_t i = 2; i <= 3; i++) { /* both through the second */
        l.v[i].flags |= QN_CANDIDATE_BEHIND;
        l.v[i].via[1] = qn_get64(l.v[1].id.b);
    }
    for (unsigned round = 0; round < 500; round++) {
        unsigned of_one = 0;

        l.wish.hops = round % 5 == 0 ? 1 : 3;
        qt_assert_err(list_choose(&l), QN_OK);
        for (unsigned i = 0; i < l.path.n; i++)
            of_one += l.path.hop[i].at >= 1 && l.path.hop[i].at <= 3;
        ck_assert_uint_le(of_one, 1);
        ck_assert(l.path.hop[0].at < 2 || l.path.hop[0].at > 3);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("path");
    TCase *tc = tcase_create("path");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_last_hop_is_an_exit_and_nobody_appears_twice);
    tcase_add_test(tc, we_are_never_our_own_hop);
    tcase_add_test(tc, a_node_listed_twice_is_one_node);
    tcase_add_test(tc, the_only_exit_is_kept_for_the_end);
    tcase_add_test(tc, weights_are_shares);
    tcase_add_loop_test(tc, nodes_of_one_hand_are_kept_apart, 0, (int)QN_LEN(sharing));
    tcase_add_loop_test(tc, a_small_list_gives_up_all_but_family_and_says_so, 0,
                        (int)QN_LEN(sharing));
    tcase_add_test(tc, what_nobody_knows_is_not_shared);
    tcase_add_test(tc, port_and_country_of_the_exit_are_kept_or_there_is_no_path);
    tcase_add_test(tc, who_failed_lately_is_a_last_resort);
    tcase_add_test(tc, with_turns_everybody_is_seen_at_work);
    tcase_add_test(tc, an_empty_list_has_no_exit);
    tcase_add_test(tc, the_same_seed_makes_the_same_choice);
    tcase_add_test(tc, every_hop_is_explained);
    tcase_add_test(tc, a_guest_enters_by_who_invited_him_and_meets_him_nowhere_else);
    tcase_add_test(tc, who_is_behind_another_enters_nobody_and_never_meets_him);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
