/* The set of answered tags that several loops share: once is once, on any thread and after a kill.
 */
#include "io-real/answered.h"

#include "support/qt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 4, TAGS = 500 };

static char root[64], dir[96];
static qn_store store;
static qn_answered_set *set;

static void setup(void)
{
    qn_why why;

    (void)strcpy(root, "/tmp/qnet-answered.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(dir, sizeof dir, "%s/state", root);
    ck_assert_msg(qn_store_open(&store, dir, why), "%s", why);
    set = qn_answered_new(&store, QN_LOG_ERROR, (qn_slice){0}, (qn_slice){0}, why);
    ck_assert_msg(set != NULL, "%s", why);
}

static void teardown(void)
{
    char command[128];

    qn_answered_free(set);
    qn_store_close(&store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static qn_err enter(unsigned which)
{
    const qn_htx_answered *verbs = qn_answered_verbs(set);
    uint8_t random[32] = {0}, id[32] = {0};

    memcpy(random, &which, sizeof which);
    return verbs->enter(verbs->ctx, time(NULL), random, id);
}

static atomic_uint entered, known;

static void *enter_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < TAGS; i++)
        if (enter(i) == QN_OK)
            atomic_fetch_add(&entered, 1);
        else
            atomic_fetch_add(&known, 1);
    return NULL;
}

START_TEST(a_tag_shown_on_every_thread_is_answered_on_one)
{
    pthread_t thread[THREADS];

    atomic_store(&entered, 0);
    atomic_store(&known, 0);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, enter_all, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&entered), TAGS);
    ck_assert_uint_eq(atomic_load(&known), (THREADS - 1) * TAGS);
}
END_TEST

/* Nothing is written at the end: what a killed process leaves is what lies there before it ends. */
START_TEST(what_was_answered_before_a_kill_is_known_after_it)
{
    qn_answered_set *before = set;
    qn_span kept;
    qn_why why;

    for (unsigned i = 0; i < 100; i++)
        qt_assert_err(enter(i), QN_OK);
    ck_assert_int_eq(qn_store_read(&store, "replay", &kept, why), QN_FOUND);
    ck_assert_uint_eq(kept.n, QN_HTX_REPLAY_HEAD + 100 * QN_HTX_REPLAY_ENTRY);
    set = qn_answered_new(&store, QN_LOG_ERROR, (qn_slice){0}, (qn_slice){kept.p, kept.n}, why);
    ck_assert_msg(set != NULL, "%s", why);
    free(kept.p);
    for (unsigned i = 0; i < 100; i++)
        qt_assert_err(enter(i), QN_STALE);
    qt_assert_err(enter(100), QN_OK);
    qn_answered_free(before);
}
END_TEST

static Suite *answered_suite(void)
{
    Suite *s = suite_create("real/answered");
    TCase *tc = tcase_create("answered");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_tag_shown_on_every_thread_is_answered_on_one);
    tcase_add_test(tc, what_was_answered_before_a_kill_is_known_after_it);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(answered_suite)
