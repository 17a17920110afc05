/* Naming other operators: who must have signed, and that nobody goes back. */
#include "unit/dir/fixture.h"

#include "dir/root.h"

static qn_network old, next;
static qn_secret32 seed[8]; /* of operators: the first three are the founder's */
static uint8_t doc[QN_ROOT_MAX];
static size_t doc_n;

static void name_operator(qn_network *n, unsigned at, unsigned who)
{
    qn_operator *o = &n->operators[at];
    qn_sign_public key;

    seed[who] = fx_secret('o', (uint16_t)who);
    key = fx_sign_public(&seed[who]);
    memcpy(o->sign_key, key.b, sizeof key.b);
    memset(o->id.b, 0x10 + (int)who, sizeof o->id.b);
    memset(o->link_key, 0x40 + (int)who, sizeof o->link_key);
    o->addr = fx_addr("9.9.9.9:443");
    o->addr.ip[3] = (uint8_t)(1 + who);
}

/* Three operators, two of whom sign; then 1, 2 and 3 of them. */
static void setup(void)
{
    fx_open(3, 2, false);
    old = net;
    next = net;
    next.root = 2;
    for (unsigned i = 0; i < 3; i++) {
        name_operator(&old, i, i);
        name_operator(&next, i, i + 1);
    }
}

static void teardown(void)
{
    fx_close();
}

static void draft(void)
{
    qt_assert_err(qn_root_draft(&next, QT_EPOCH, doc, sizeof doc, &doc_n), QN_OK);
}

static qn_err sign(unsigned who)
{
    uint8_t out[QN_ROOT_MAX];
    size_t n;
    qn_err err = qn_root_sign(&old, qn_slice_of(doc, doc_n), &seed[who], out, sizeof out, &n);

    if (err == QN_OK) {
        memcpy(doc, out, n);
        doc_n = n;
    }
    return err;
}

/* By the operators of the bit set. */
static void signed_root(unsigned who)
{
    draft();
    for (unsigned i = 0; i < 4; i++)
        if (who >> i & 1)
            qt_assert_err(sign(i), QN_OK);
}

static qn_err apply(qn_network *n)
{
    qn_slice chain = qn_slice_of(doc, doc_n);
    qn_network before = *n;
    qn_err err = qn_root_apply(n, &chain);

    if (err == QN_OK)
        ck_assert_uint_eq(chain.n, 0);
    else
        ck_assert_mem_eq(n, &before, sizeof before);
    return err;
}

START_TEST(both_majorities_must_sign)
{
    unsigned fine = 0;

    for (unsigned who = 0; who < 16; who++) {
        qn_network n = old;
        bool before = (who & 1) + (who >> 1 & 1) + (who >> 2 & 1) >= 2;
        bool after = (who >> 1 & 1) + (who >> 2 & 1) + (who >> 3 & 1) >= 2;

        signed_root(who);
        qt_assert_err(apply(&n), before && after ? QN_OK : QN_AUTH);
        fine += before && after;
        ck_assert_uint_eq(n.root, before && after ? 2 : 1);
    }
    ck_assert_uint_eq(fine, 6);
}
END_TEST

START_TEST(the_new_operators_are_in_force_and_nothing_else_changes)
{
    qn_network n = old;

    signed_root(6);
    qt_assert_err(apply(&n), QN_OK);
    ck_assert_mem_eq(n.operators, next.operators, sizeof n.operators);
    ck_assert_mem_eq(n.id, old.id, sizeof n.id);
    ck_assert_str_eq(n.name, old.name);
    qt_assert_err(apply(&n), QN_OK); /* once more changes nothing */
    ck_assert_uint_eq(n.root, 2);
}
END_TEST

/* Who lied as number 2 is distrusted as number 1. */
START_TEST(a_proven_liar_stays_one)
{
    qn_network n = old;

    n.distrusted = 1u << 2 | 1u << 0;
    signed_root(6);
    qt_assert_err(apply(&n), QN_OK);
    ck_assert_uint_eq(n.distrusted, 1u << 1);
}
END_TEST

START_TEST(no_root_is_left_out_and_none_is_gone_back_to)
{
    qn_network n = old;
    uint8_t second[QN_ROOT_MAX];
    size_t second_n;
    qn_slice chain, rest;

    signed_root(6);
    memcpy(second, doc, second_n = doc_n);
    old = next;
    next.root = 3;
    name_operator(&next, 0, 4);
    draft();
    for (unsigned i = 2; i < 5; i++)
        qt_assert_err(sign(i), QN_OK);
    qt_assert_err(apply(&n), QN_UNKNOWN); /* number 2 is missing */
    memmove(doc + second_n, doc, doc_n);
    memcpy(doc, second, second_n);
    chain = qn_slice_of(doc, doc_n + second_n);
    ck_assert_uint_eq(qn_roots_last(chain), 3);
    qt_assert_err(qn_roots_apply(&n, chain), QN_OK);
    ck_assert_uint_eq(n.root, 3);
    qt_assert_err(qn_roots_apply(&n, qn_slice_of(second, second_n)), QN_OK);
    ck_assert_uint_eq(n.root, 3);
    qt_assert_err(qn_roots_after(chain, 2, &rest), QN_OK);
    ck_assert_ptr_eq(rest.p, doc + second_n);
    qt_assert_err(qn_roots_after(chain, 3, &rest), QN_OK);
    ck_assert_uint_eq(rest.n, 0);
}
END_TEST

/* What is not looked at is not taken along either: it would fill what a node keeps of roots. */
START_TEST(nothing_rides_along_in_a_chain)
{
    static uint8_t chain[2 * QN_ROOT_MAX];
    qn_network n = old;
    size_t first_n;

    signed_root(6);
    memcpy(chain, doc, first_n = doc_n);
    draft(); /* the same number, signed by nobody */
    memcpy(chain + first_n, doc, doc_n);
    qt_assert_err(qn_roots_apply(&n, qn_slice_of(chain, first_n + doc_n)), QN_PROTO);
}
END_TEST

START_TEST(only_operators_sign_and_for_this_network_only)
{
    qn_network n = old;

    draft();
    name_operator(&net, 0, 7); /* makes the key */
    qt_assert_err(sign(7), QN_CONFIG);
    signed_root(6);
    n.id[0] ^= 1;
    qt_assert_err(apply(&n), QN_AUTH);
    n = old;
    doc[doc_n - 1] ^= 1;
    qt_assert_err(apply(&n), QN_AUTH);
}
END_TEST

/* Each signs the draft he was given; the copies are put together in any order. */
START_TEST(copies_join)
{
    uint8_t a[QN_ROOT_MAX], out[QN_ROOT_MAX];
    size_t a_n, n;
    qn_network applied = old;

    signed_root(2);
    memcpy(a, doc, a_n = doc_n);
    signed_root(4);
    qt_assert_err(qn_root_join(qn_slice_of(doc, doc_n), qn_slice_of(a, a_n), out, sizeof out, &n),
                  QN_OK);
    memcpy(doc, out, doc_n = n);
    qt_assert_err(apply(&applied), QN_OK);
    next.threshold = 3;
    draft();
    qt_assert_err(qn_root_join(qn_slice_of(doc, doc_n), qn_slice_of(a, a_n), out, sizeof out, &n),
                  QN_CONFIG);
}
END_TEST

START_TEST(a_minority_cannot_be_made_enough)
{
    next.threshold = 1;
    qt_assert_err(qn_root_draft(&next, QT_EPOCH, doc, sizeof doc, &doc_n), QN_CONFIG);
}
END_TEST

START_TEST(whatever_is_cut_short_is_refused)
{
    qn_network n = old;
    size_t whole;

    signed_root(6);
    for (whole = doc_n, doc_n = 0; doc_n < whole; doc_n++)
        ck_assert_int_ne(apply(&n), QN_OK);
}
END_TEST

/* In the file, between network and contacts. */
START_TEST(a_network_file_brings_its_roots)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fx_secret('f', 0);
    qn_network read;
    char why[160];
    size_t n;

    qt_assert_err(qn_network_encode(&old, &t.env, &founder, file, sizeof file, &n), QN_OK);
    signed_root(6);
    memcpy(file + n, doc, doc_n);
    qt_assert_err(qn_network_decode(&read, &t.env, file, n + doc_n, why), QN_OK);
    ck_assert_uint_eq(read.root, 2);
    ck_assert_mem_eq(read.operators[0].sign_key, next.operators[0].sign_key, 32);
    ck_assert_uint_eq(qn_network_own_length(file, n + doc_n), n + doc_n);
    qt_assert_bytes(read.roots.p, read.roots.n, qn_slice_of(doc, doc_n));
    file[n + doc_n - 1] ^= 1;
    qt_assert_err(qn_network_decode(&read, &t.env, file, n + doc_n, why), QN_AUTH);
}
END_TEST

static Suite *root_suite(void)
{
    Suite *s = suite_create("dir/root");
    TCase *tc = tcase_create("root");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, both_majorities_must_sign);
    tcase_add_test(tc, the_new_operators_are_in_force_and_nothing_else_changes);
    tcase_add_test(tc, a_proven_liar_stays_one);
    tcase_add_test(tc, no_root_is_left_out_and_none_is_gone_back_to);
    tcase_add_test(tc, nothing_rides_along_in_a_chain);
    tcase_add_test(tc, only_operators_sign_and_for_this_network_only);
    tcase_add_test(tc, copies_join);
    tcase_add_test(tc, a_minority_cannot_be_made_enough);
    tcase_add_test(tc, whatever_is_cut_short_is_refused);
    tcase_add_test(tc, a_network_file_brings_its_roots);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(root_suite)
