/* What a node knows of where listed relays are, when it chooses paths. */
#include "solo.h"

#include "node/internal.h"

enum { RELAYS = 5, CHOICES = 200 };

static qn_relay listed[RELAYS];
static qn_snapshot list;
static unsigned asked;

/* The first two are of one system, the others of one each. */
static void find(void *ctx, const qn_addr *a, qn_spot *out)
{
    (void)ctx;
    asked++;
    out->as = a->ip[0] <= 21 ? 1 : a->ip[0];
}

static const qn_atlas atlas = {.find = find};

static void relay_make(uint8_t i)
{
    qn_descriptor *d = &listed[i].d;

    listed[i] = (qn_relay){.weight = 10};
    d->id.b[0] = (uint8_t)(i + 1);
    d->roles = i == RELAYS - 1 ? QN_ROLE_RELAY | QN_ROLE_EXIT : QN_ROLE_RELAY;
    d->valid_after = d->link.not_before = d->onion[0].not_before = t.env.wall;
    d->valid_until = d->link.not_after = d->onion[0].not_after = t.env.wall + 3600;
    d->addrs_n = 1;
    d->addrs[0] = (qn_addr){.family = 4, .ip = {(uint8_t)(20 + i), 1, 1, 1}, .port = 443};
}

/* A client far from any lab, with a list that nobody had to sign. */
static void open_with(const qn_atlas *a)
{
    qn_node_cfg cfg;

    solo_open();
    cfg = solo_cfg(QN_CLIENT);
    cfg.atlas = a;
    solo_start(&cfg);
    node->net.lab = false;
    for (uint8_t i = 0; i < RELAYS; i++)
        relay_make(i);
    list = (qn_snapshot){.refs = 2,
                         .valid_after = t.env.wall,
                         .valid_until = t.env.wall + 3600,
                         .relays_n = RELAYS,
                         .relays = listed};
    asked = 0;
    qt_assert_err(paths_listed(node, &list), QN_OK);
    node->snapshot = &list;
}

START_TEST(choices_ask_the_atlas_nothing)
{
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    open_with(&atlas);
    ck_assert_uint_eq(asked, RELAYS);
    for (unsigned i = 0; i < CHOICES; i++)
        qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
    ck_assert_uint_eq(asked, RELAYS);
    solo_close();
}
END_TEST

START_TEST(what_the_atlas_said_keeps_systems_apart)
{
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    open_with(&atlas);
    for (unsigned i = 0; i < CHOICES; i++) {
        unsigned of_one = 0;

        qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
        for (unsigned k = 0; k < QN_HOPS_MAX; k++)
            of_one += hop[k]->d.id.b[0] <= 2;
        ck_assert_uint_le(of_one, 1);
    }
    solo_close();
}
END_TEST

START_TEST(it_costs_eight_bytes_a_relay_and_nothing_without_an_atlas)
{
    uint64_t without;

    ck_assert_uint_le(sizeof(qn_spot), 8);
    open_with(NULL);
    without = t.env.mem.used;
    ck_assert_ptr_null(node->spots);
    solo_close();
    open_with(&atlas);
    ck_assert_uint_eq(t.env.mem.used - without, RELAYS * sizeof(qn_spot));
    solo_close();
}
END_TEST

/* The old ones stay those of the old list. */
START_TEST(without_memory_for_a_new_list_nothing_changes)
{
    const qn_spot *before;

    open_with(&atlas);
    before = node->spots;
    for (uint64_t at = 1; at <= 2; at++) {
        qt_alloc_fail_at(at);
        qt_assert_err(paths_listed(node, &list), QN_NOMEM);
        ck_assert_ptr_eq(node->spots, before);
    }
    qt_alloc_fail_at(0);
    qt_assert_err(paths_listed(node, &list), QN_OK);
    solo_close();
}
END_TEST

/* A list of thousands costs a client nothing but its place in a process that shares it. */
START_TEST(remembers_only_relays_that_paths_went_through)
{
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    open_with(NULL);
    ck_assert_ptr_null(node->standings);
    qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
    ck_assert_uint_eq(node->standings_n, QN_HOPS_MAX);
    solo_close();
}
END_TEST

START_TEST(who_failed_is_avoided_until_it_works)
{
    const qn_relay *hop[QN_HOPS_MAX], *failed;
    qn_path path;
    unsigned through = 0;

    open_with(NULL);
    qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
    failed = hop[1];
    paths_failed(node, &failed->d.id);
    for (unsigned i = 0; i < CHOICES; i++) {
        qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
        ck_assert_ptr_ne(hop[1], failed);
    }
    paths_worked(node, &failed->d.id);
    for (unsigned i = 0; i < CHOICES; i++) {
        qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
        through += hop[1] == failed;
    }
    ck_assert_uint_gt(through, 0);
    solo_close();
}
END_TEST

START_TEST(who_left_the_list_is_forgotten)
{
    qn_snapshot shorter;
    qn_peerid unknown = {{99}};

    open_with(NULL);
    paths_failed(node, &listed[0].d.id);
    paths_failed(node, &listed[1].d.id);
    paths_failed(node, &unknown);
    ck_assert_uint_eq(node->standings_n, 2);
    shorter = list;
    shorter.relays = listed + 1;
    shorter.relays_n = RELAYS - 1;
    qt_assert_err(paths_listed(node, &shorter), QN_OK);
    ck_assert_uint_eq(node->standings_n, 1);
    ck_assert(qn_peerid_equal(&node->standings[0].id, &listed[1].d.id));
    solo_close();
}
END_TEST

/* What cannot be remembered is as if it had not happened. */
START_TEST(a_choice_needs_no_memory_to_remember_it)
{
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    open_with(NULL);
    qt_alloc_fail_at(3); /* the first is for the candidates, the second for the guards */
    qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
    qt_alloc_fail_at(0);
    ck_assert_uint_le(node->standings_n, QN_HOPS_MAX - 1);
    solo_close();
}
END_TEST

/* An entry that could not be kept would be another one for every circuit. */
START_TEST(without_memory_for_guards_there_is_no_path)
{
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    open_with(NULL);
    qt_alloc_fail_at(2);
    qt_assert_err(paths_choose(node, NULL, &path, hop), QN_NOMEM);
    qt_alloc_fail_at(0);
    qt_assert_err(paths_choose(node, NULL, &path, hop), QN_OK);
    ck_assert(qn_guards_has(node->guards[GUARDS_ENTRY], &hop[0]->d.id));
    solo_close();
}
END_TEST

static Suite *paths_suite(void)
{
    Suite *s = suite_create("paths");
    TCase *tc = tcase_create("paths");

    suite_add_tcase(s, tc);
    tcase_add_test(tc, choices_ask_the_atlas_nothing);
    tcase_add_test(tc, what_the_atlas_said_keeps_systems_apart);
    tcase_add_test(tc, it_costs_eight_bytes_a_relay_and_nothing_without_an_atlas);
    tcase_add_test(tc, without_memory_for_a_new_list_nothing_changes);
    tcase_add_test(tc, remembers_only_relays_that_paths_went_through);
    tcase_add_test(tc, who_failed_is_avoided_until_it_works);
    tcase_add_test(tc, who_left_the_list_is_forgotten);
    tcase_add_test(tc, a_choice_needs_no_memory_to_remember_it);
    tcase_add_test(tc, without_memory_for_guards_there_is_no_path);
    return s;
}

QT_MAIN(paths_suite)
