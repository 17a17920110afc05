/* A node that follows another with its keys: what it leaves to that one, and what it is told. */
#include "solo.h"

static uint8_t list[8192]; /* as an operator's node stores it */
static size_t list_n;

/* An operator that is in its own list. */
static void make_list(void)
{
    qn_node_cfg cfg = solo_cfg(QN_SUPER);
    qn_action a;

    cfg.keys.identity = solo_secret('I');
    cfg.keys.link = solo_secret('l');
    solo_start(&cfg);
    list_n = 0;
    for (unsigned i = 0; i < 600 && solo_status().peers_known == 0; i++) {
        qt_env_step(&t, QN_SEC);
        qn_node_tick(node);
        while (qn_node_next(node, &a))
            if (a.type == QN_ACT_STORE && strcmp(a.name, "snapshot") == 0) {
                ck_assert_uint_le(a.bytes.n, sizeof list);
                memcpy(list, a.bytes.p, list_n = a.bytes.n);
            }
    }
    ck_assert_uint_gt(list_n, 0);
    qn_node_free(node);
}

static void follow(void)
{
    qn_node_cfg cfg = solo_cfg(QN_RELAY);

    cfg.follower = true;
    solo_start(&cfg);
}

START_TEST(a_follower_asks_nobody_and_registers_nowhere)
{
    follow();
    solo_pass(1200 * QN_SEC);
    ck_assert_uint_eq(acts[QN_ACT_DIAL], 0);
    ck_assert(solo_status().listed);
    qn_node_free(node);
    node = NULL;
    follow();
    qn_node_free(node);
    {
        qn_node_cfg cfg = solo_cfg(QN_RELAY);

        solo_start(&cfg);
    }
    solo_pass(QN_SEC);
    ck_assert_uint_gt(acts[QN_ACT_DIAL], 0); /* the same node, when it leads */
}
END_TEST

START_TEST(a_follower_takes_the_list_it_is_told_and_no_other)
{
    make_list();
    follow();
    ck_assert_int_eq(solo_status().state, QN_CALIBRATING);
    qn_node_told(node, "snapshot", qn_slice_of(list, list_n));
    solo_drain();
    ck_assert_uint_ne(solo_status().snapshot_version, 0);
    ck_assert_uint_eq(solo_status().peers_known, 1);
    ck_assert_int_eq(solo_status().state, QN_CONNECTED);
    list[list_n / 2] ^= 1;
    qn_node_told(node, "snapshot", qn_slice_of(list, list_n));
    qn_node_told(node, "guards", qn_slice_of(list, list_n));
    qn_node_told(node, "equivocations", qn_slice_of(list, list_n));
    qn_node_told(node, "mirror-keys", qn_slice_of(list, list_n));
    solo_drain();
    ck_assert_uint_eq(solo_status().peers_known, 1);
    ck_assert_uint_eq(solo_status().distrusted, 0);
}
END_TEST

START_TEST(whoever_leads_is_told_no_list)
{
    qn_node_cfg cfg = solo_cfg(QN_RELAY);

    make_list();
    solo_start(&cfg);
    qn_node_told(node, "snapshot", qn_slice_of(list, list_n));
    solo_drain();
    ck_assert_uint_eq(solo_status().snapshot_version, 0);
    ck_assert(qn_node_tells("snapshot", true) && !qn_node_tells("snapshot", false));
    ck_assert(qn_node_tells("roots", true) && qn_node_tells("roots", false));
    ck_assert(qn_node_tells("reached", false) && !qn_node_tells("reached", true));
    ck_assert(!qn_node_tells("guards", true) && !qn_node_tells("guards", false));
}
END_TEST

/* Whoever did not dial does not know the nonce; 0 is what a node has that never introduced itself.
 */
START_TEST(a_made_up_nonce_proves_nothing)
{
    qn_node_cfg cfg = solo_cfg(QN_RELAY);
    uint8_t nonce[8] = {0};

    solo_start(&cfg);
    qn_node_told(node, "reached", qn_slice_of(nonce, 8));
    nonce[0] = 1;
    qn_node_told(node, "reached", qn_slice_of(nonce, 8));
    qn_node_told(node, "reached", qn_slice_of(nonce, 7));
    solo_drain();
    ck_assert_int_eq(solo_status().reach, QN_REACH_UNKNOWN);
}
END_TEST

static Suite *follow_suite(void)
{
    Suite *s = suite_create("node/follow");
    TCase *tc = tcase_create("follow");

    tcase_add_checked_fixture(tc, solo_open, solo_close);
    tcase_add_test(tc, a_follower_asks_nobody_and_registers_nowhere);
    tcase_add_test(tc, a_follower_takes_the_list_it_is_told_and_no_other);
    tcase_add_test(tc, whoever_leads_is_told_no_list);
    tcase_add_test(tc, a_made_up_nonce_proves_nothing);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(follow_suite)
