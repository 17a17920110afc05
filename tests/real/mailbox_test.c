/* Mail between loops: in order, from any thread, and bounded. */
#include "io-real/mailbox.h"

#include "support/qt.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { WRITERS = 3, EACH = 1000 };

static struct event_base *base;
static qn_mailbox *box;
static unsigned got[WRITERS], mails, enough;

static void read_mail(void *ctx, qn_mail *m)
{
    ck_assert_ptr_eq(ctx, &mails);
    ck_assert_uint_lt(m->sender, WRITERS);
    ck_assert_uint_eq(m->ticket, got[m->sender]++);
    if (++mails == enough)
        (void)event_base_loopbreak(base);
}

static void setup(void)
{
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    box = qn_mailbox_new(base, read_mail, &mails);
    ck_assert_ptr_nonnull(box);
    memset(got, 0, sizeof got);
    mails = 0;
}

static void teardown(void)
{
    qn_mailbox_free(box);
    event_base_free(base);
}

static void *write_mail(void *arg)
{
    const unsigned *sender = arg;

    for (unsigned i = 0; i < EACH; i++)
        if (!qn_mailbox_post(box, &(qn_mail){.sender = *sender, .fd = -1, .ticket = i}))
            return arg;
    return NULL;
}

START_TEST(every_writers_mail_arrives_whole_and_in_order)
{
    static unsigned names[WRITERS] = {0, 1, 2};
    pthread_t thread[WRITERS];
    void *failed;

    enough = WRITERS * EACH;
    for (unsigned i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, write_mail, &names[i]), 0);
    ck_assert_int_eq(event_base_dispatch(base), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(mails, enough);
}
END_TEST

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(a_full_mailbox_keeps_nothing_open_of_what_it_refuses)
{
    qn_mail m = {.fd = -1};
    int fd;

    for (unsigned i = 0; i < QN_MAILS_MAX; i++)
        ck_assert(qn_mailbox_post(box, &m));
    m.fd = fd = dup(0);
    m.bytes = (qn_span){malloc(10), 10};
    m.document = json_object();
    ck_assert(!qn_mailbox_post(box, &m));
    ck_assert(!is_open(fd));
}
END_TEST

/* A flood of conns must not keep a loop from hearing of a list, or that it is to end. */
START_TEST(what_strangers_cause_keeps_out_nothing_else)
{
    qn_mail conn = {.kind = QN_MAIL_CONN, .fd = -1}, halt = {.kind = QN_MAIL_HALT, .fd = -1};
    unsigned more = 0;

    for (unsigned i = 0; i < QN_MAILS_MAX; i++)
        ck_assert(qn_mailbox_post(box, &conn));
    ck_assert(!qn_mailbox_post(box, &conn));
    while (more <= QN_MAILS_OWN && qn_mailbox_post(box, &halt))
        more++;
    ck_assert_uint_eq(more, QN_MAILS_OWN);
}
END_TEST

START_TEST(unread_mail_ends_with_its_mailbox)
{
    int fd = dup(0);

    ck_assert(qn_mailbox_post(box, &(qn_mail){.fd = fd, .bytes = {malloc(10), 10}}));
    ck_assert(is_open(fd));
    qn_mailbox_free(box);
    box = NULL;
    ck_assert(!is_open(fd));
}
END_TEST

static Suite *mailbox_suite(void)
{
    Suite *s = suite_create("real/mailbox");
    TCase *tc = tcase_create("mailbox");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_writers_mail_arrives_whole_and_in_order);
    tcase_add_test(tc, a_full_mailbox_keeps_nothing_open_of_what_it_refuses);
    tcase_add_test(tc, what_strangers_cause_keeps_out_nothing_else);
    tcase_add_test(tc, unread_mail_ends_with_its_mailbox);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(mailbox_suite)
