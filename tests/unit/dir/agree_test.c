/* Turns, what an operator signs of another's list, and the proof that one signed two. */
#include "unit/dir/fixture.h"

#include "dir/agree.h"
#include "dir/equivocation.h"
#include "dir/offer.h"

static qn_registry mine, theirs;

static void setup(void)
{
    fx_open(3, 2, false);
    fx_registry(&mine, 20);
    fx_registry(&theirs, 20);
}

static void teardown(void)
{
    qn_registry_clear(&mine);
    qn_registry_clear(&theirs);
    fx_close();
}

/* ---- turns ----------------------------------------------------------------------------------- */

START_TEST(every_version_is_one_operators)
{
    int64_t wall = QT_EPOCH;

    for (; wall < QT_EPOCH + 60; wall++) {
        unsigned turns = 0;

        for (uint8_t i = 0; i < 3; i++) {
            int64_t version = qn_turn(&net, i, wall), next = qn_turn_next(&net, i, wall);

            turns += version != 0;
            ck_assert(version == 0 || (version <= wall && version > wall - QN_TURN_S));
            ck_assert(version == 0 || qn_turn_whose(&net, version) == i);
            ck_assert(next > wall && next <= wall + 3 * QN_TURN_S);
            ck_assert_int_eq(qn_turn_whose(&net, next), i);
        }
        ck_assert_uint_eq(turns, 1);
    }
    ck_assert_int_eq(qn_turn_whose(&net, QN_TURN_S + 1), -1);
    ck_assert_int_eq(qn_turn_whose(&net, 0), -1);
}
END_TEST

/* ---- proposals ------------------------------------------------------------------------------- */

static qn_err compare(qn_differences *d)
{
    qn_blob all = fx_snapshot(&theirs, t.env.wall, t.env.wall + 3600, 1), verified = {0};
    qn_signed_list l;
    qn_err err;

    qt_assert_err(qn_signed_list_open(&l, &t.env, &net, qn_slice_of(all.p, all.n)), QN_OK);
    ck_assert_uint_eq(l.signers, 1);
    qt_assert_err(qn_offer_signatures(&verified, &theirs, l.body), QN_OK);
    err = qn_proposal_compare(d, &mine, &l, qn_slice_of(verified.p, verified.n));
    qn_blob_clear(&verified, &t.env.mem);
    qn_blob_clear(&all, &t.env.mem);
    return err;
}

static void assert_differs(uint32_t unknown, uint32_t missing)
{
    qn_differences d;

    qt_assert_err(compare(&d), QN_OK);
    ck_assert_uint_eq(d.unknown, unknown);
    ck_assert_uint_eq(d.missing, missing);
    ck_assert(qn_differences_bearable(&d, false) == (unknown == 0 && missing == 0));
}

static void join(qn_registry *r, uint16_t i)
{
    qt_assert_err(qn_registry_register(r, fx_descriptor(i), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(r, fx_beat(i, 7, t.env.wall, 0)), QN_OK);
}

START_TEST(the_same_registry_is_agreed_with)
{
    assert_differs(0, 0);
}
END_TEST

START_TEST(who_is_alive_here_must_be_listed)
{
    join(&mine, 20);
    join(&mine, 21);
    assert_differs(0, 2);
}
END_TEST

START_TEST(who_is_listed_must_be_alive_here)
{
    join(&theirs, 20);
    assert_differs(1, 0);
}
END_TEST

/* Whose last heartbeat is on its way, or has just not come, is neither. */
START_TEST(who_is_nearly_dead_may_be_listed_or_not)
{
    qt_env_step(&t, QN_LIVE_FOR - QN_AGREE_GRACE / 2);
    for (uint16_t i = 0; i < 20; i++)
        qt_assert_err(qn_registry_heartbeat(&theirs, fx_beat(i, 7, t.env.wall, i)), QN_OK);
    assert_differs(0, 0);
    qt_env_step(&t, QN_AGREE_GRACE);
    assert_differs(0, 0);
    qt_env_step(&t, QN_AGREE_GRACE);
    assert_differs(20, 0);
}
END_TEST

/* ---- what was verified ----------------------------------------------------------------------- */

static qn_blob verified; /* beside the list that `judged` makes */

/* How `mine` finds their list, when byte `at` of what stands beside it is another one. */
static qn_err judged(size_t at)
{
    qn_blob all = fx_snapshot(&theirs, t.env.wall, t.env.wall + 3600, 1);
    qn_differences d;
    qn_signed_list l;
    qn_err err;

    qt_assert_err(qn_signed_list_open(&l, &t.env, &net, qn_slice_of(all.p, all.n)), QN_OK);
    qt_assert_err(qn_offer_signatures(&verified, &theirs, l.body), QN_OK);
    if (at < verified.n)
        verified.p[at] ^= 1;
    err =
        qn_proposal_compare(&d, &mine, &l, qn_slice_of(verified.p, at < SIZE_MAX ? verified.n : 0));
    qn_blob_clear(&verified, &t.env.mem);
    qn_blob_clear(&all, &t.env.mem);
    return err;
}

/* The place of this PeerID among theirs. */
static size_t place(const qn_registry *r, uint16_t i)
{
    qn_descriptor d = fx_exit(i);
    size_t at = 0;

    (void)fx_signed(&d, i);
    while (!qn_peerid_equal(&r->v[at]->d.id, &d.id))
        at++;
    return at;
}

/* A proposer may make up keys for a node, known here or not; nobody signs them with it. */
START_TEST(no_node_is_signed_for_that_was_not_verified)
{
    qn_descriptor other = fx_exit(3);

    qt_assert_err(judged(SIZE_MAX), QN_OK); /* all are in our registry with these bytes */
    qt_assert_err(judged(5), QN_OK);
    join(&theirs, 20);
    qt_assert_err(judged(SIZE_MAX), QN_AUTH);
    qt_assert_err(judged(64 * place(&theirs, 20)), QN_AUTH);
    qt_assert_err(judged(64 * place(&theirs, 20) + 64), QN_OK);
    join(&mine, 20);
    other.sequence++;
    qt_assert_err(qn_registry_register(&theirs, fx_signed(&other, 3), NULL), QN_OK);
    qt_assert_err(judged(SIZE_MAX - 1), QN_OK); /* newer than ours, and verified */
    qt_assert_err(judged(64 * place(&theirs, 3) + 63), QN_AUTH);
    qt_assert_err(judged(SIZE_MAX), QN_AUTH);
}
END_TEST

START_TEST(who_starts_takes_up_the_nodes_whose_signatures_it_kept)
{
    qn_blob all = fx_snapshot(&theirs, t.env.wall, t.env.wall + 3600, 3), kept;
    qn_snapshot *s = NULL;
    qn_slice list, beside;
    qn_registry fresh;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, qn_slice_of(all.p, all.n), 0), QN_OK);
    qt_assert_err(qn_offer_signatures(&verified, &theirs, s->body), QN_OK);
    memset(verified.p + 64, 0, 64); /* one it did not know, and one that is not good */
    verified.p[3 * 64] ^= 1;
    qt_assert_err(qn_offer_write(&kept, &t.env, s->bytes, qn_slice_of(verified.p, verified.n)),
                  QN_OK);
    qt_assert_err(qn_offer_read(qn_slice_of(kept.p, kept.n), &list, &beside), QN_OK);
    qt_assert_bytes(list.p, list.n, s->bytes);
    qn_registry_init(&fresh, &t.env, &net);
    qt_assert_err(qn_offer_seed(&fresh, s, beside), QN_OK);
    ck_assert_uint_eq(fresh.n, 18);
    ck_assert_ptr_null(qn_registry_find(&fresh, &theirs.v[1]->d.id));
    ck_assert_ptr_null(qn_registry_find(&fresh, &theirs.v[3]->d.id));
    for (uint32_t i = 4; i < 20; i++)
        qt_assert_bytes(fresh.v[i - 2]->bytes.p, fresh.v[i - 2]->bytes.n, theirs.v[i]->bytes);
    for (size_t n = 0; n < kept.n; n++)
        ck_assert_int_ne(qn_offer_read(qn_slice_of(kept.p, n), &list, &beside), QN_OK);
    ck_assert_int_ne(qn_offer_read(s->bytes, &list, &beside), QN_OK); /* a list is no offer */
    qn_registry_clear(&fresh);
    qn_snapshot_drop(s);
    qn_blob_clear(&verified, &t.env.mem);
    qn_blob_clear(&kept, &t.env.mem);
    qn_blob_clear(&all, &t.env.mem);
}
END_TEST

/* The node signed two descriptors of one sequence: that must not keep operators apart. */
START_TEST(two_words_of_one_node_end_as_one)
{
    qn_descriptor a = fx_relay(30), b = fx_relay(30);
    qn_slice x, y;

    memcpy(b.country, "FR", 3);
    x = fx_signed(&a, 30);
    y = fx_signed(&b, 30);
    qt_assert_err(qn_registry_register(&mine, x, NULL), QN_OK);
    qt_assert_err(qn_registry_register(&theirs, y, NULL), QN_OK);
    for (int i = 0; i < 2; i++)
        qt_assert_err(qn_registry_heartbeat(i ? &mine : &theirs, fx_beat(30, 7, t.env.wall, 0)),
                      QN_OK);
    assert_differs(0, 0); /* what it says of itself is its own */
    qt_assert_err(qn_registry_share(&mine, y, (qn_slice){0}), QN_OK);
    qt_assert_err(qn_registry_share(&theirs, x, (qn_slice){0}), QN_OK);
    for (uint32_t i = 0; i < mine.n; i++)
        qt_assert_bytes(mine.v[i]->bytes.p, mine.v[i]->bytes.n, theirs.v[i]->bytes);
}
END_TEST

START_TEST(a_weight_is_what_the_node_says_of_its_load)
{
    qn_differences d;

    qt_env_step(&t, QN_SEC);
    qt_assert_err(qn_registry_heartbeat(&theirs, fx_beat(3, 7, t.env.wall, 900)), QN_OK);
    qt_assert_err(compare(&d), QN_POLICY);
    qt_assert_err(qn_registry_heartbeat(&mine, fx_beat(3, 7, t.env.wall, 900)), QN_OK);
    assert_differs(0, 0);
    qt_env_step(&t, QN_SEC); /* one heartbeat ahead of theirs */
    qt_assert_err(qn_registry_heartbeat(&mine, fx_beat(3, 7, t.env.wall, 100)), QN_OK);
    assert_differs(0, 0);
}
END_TEST

START_TEST(the_patient_bear_a_little)
{
    qn_differences d = {.listed = 80, .unknown = 11, .missing = 11};

    ck_assert(qn_differences_bearable(&d, true));
    ck_assert(!qn_differences_bearable(&d, false));
    d.unknown++;
    ck_assert(!qn_differences_bearable(&d, true));
    d = (qn_differences){.listed = 0, .missing = 2};
    ck_assert(!qn_differences_bearable(&d, true));
}
END_TEST

START_TEST(the_same_registry_gives_the_same_bytes)
{
    qn_blob a = fx_snapshot(&mine, t.env.wall, t.env.wall + 60, 7);
    qn_blob b = fx_snapshot(&theirs, t.env.wall, t.env.wall + 60, 7);

    qt_assert_bytes(a.p, a.n, qn_slice_of(b.p, b.n));
    qn_blob_clear(&a, &t.env.mem);
    qn_blob_clear(&b, &t.env.mem);
}
END_TEST

/* ---- passing on ------------------------------------------------------------------------------ */

START_TEST(what_changed_is_told_oldest_first_and_once)
{
    uint64_t before = mine.serial;
    const qn_registration *e;

    ck_assert_ptr_null(qn_registry_changed(&mine, before));
    qt_env_step(&t, QN_SEC);
    qt_assert_err(qn_registry_heartbeat(&mine, fx_beat(5, 7, t.env.wall, 0)), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&mine, fx_beat(2, 7, t.env.wall, 0)), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&mine, fx_beat(5, 7, t.env.wall + 1, 0)), QN_OK);
    e = qn_registry_changed(&mine, before);
    ck_assert_ptr_nonnull(e);
    qt_assert_bytes(e->bytes.p, e->bytes.n, fx_descriptor(2));
    ck_assert(e->described <= before);
    qt_assert_bytes(e->newer->bytes.p, e->newer->bytes.n, fx_descriptor(5));
    ck_assert_ptr_null(e->newer->newer);
    qt_assert_err(qn_registry_share(&theirs, (qn_slice){0}, qn_slice_of(e->beat_bytes, e->beat_n)),
                  QN_OK);
    ck_assert(!theirs.newest->direct && mine.newest->direct);
    qt_assert_err(qn_registry_share(&theirs, (qn_slice){0}, fx_beat(99, 7, t.env.wall, 0)),
                  QN_UNKNOWN);
}
END_TEST

/* ---- equivocation ---------------------------------------------------------------------------- */

static qn_statement say(uint8_t who, int64_t version, int64_t until)
{
    qn_blob all = fx_snapshot(&mine, version, until, 1u << who);
    qn_statement s = {.operator_index = who, .version = version, .until = until};
    qn_signed_list l;

    qt_assert_err(qn_signed_list_open(&l, &t.env, &net, qn_slice_of(all.p, all.n)), QN_OK);
    s.hash = l.hash;
    s.signature = l.v[0].signature;
    qn_blob_clear(&all, &t.env.mem);
    return s;
}

START_TEST(two_lists_of_one_version_are_a_proof)
{
    qn_statement a = say(1, QT_EPOCH, QT_EPOCH + 60), b = say(1, QT_EPOCH, QT_EPOCH + 61);
    uint8_t one[QN_EQUIVOCATION_MAX], other[QN_EQUIVOCATION_MAX], who = 9;
    size_t n = qn_equivocation_write(&net, &a, &b, one);

    ck_assert(qn_statements_clash(&a, &b));
    ck_assert_uint_eq(qn_equivocation_write(&net, &b, &a, other), n);
    ck_assert_mem_eq(one, other, n);
    qt_assert_err(qn_equivocation_open(&who, &net, qn_slice_of(one, n)), QN_OK);
    ck_assert_uint_eq(who, 1);
    for (size_t i = 0; i < n; i++) {
        one[i] ^= 1;
        ck_assert_int_ne(qn_equivocation_open(&who, &net, qn_slice_of(one, n)), QN_OK);
        one[i] ^= 1;
        ck_assert_int_ne(qn_equivocation_open(&who, &net, qn_slice_of(one, i)), QN_OK);
    }
}
END_TEST

START_TEST(nothing_else_is_a_proof)
{
    qn_statement a = say(1, QT_EPOCH, QT_EPOCH + 60), b = say(1, QT_EPOCH + 3, QT_EPOCH + 60);
    qn_statement c = say(2, QT_EPOCH, QT_EPOCH + 61);

    ck_assert(!qn_statements_clash(&a, &a));
    ck_assert(!qn_statements_clash(&a, &b));
    ck_assert(!qn_statements_clash(&a, &c));
}
END_TEST

START_TEST(who_is_proven_does_not_count)
{
    qn_statement a = say(1, QT_EPOCH, QT_EPOCH + 60), b = say(1, QT_EPOCH, QT_EPOCH + 61);
    uint8_t proof[QN_EQUIVOCATION_MAX], all[QN_EQUIVOCATIONS_MAX];
    qn_equivocations v = {0}, read = {0};
    qn_slice one = qn_slice_of(proof, qn_equivocation_write(&net, &a, &b, proof)), written;

    qt_assert_err(qn_equivocations_add(&v, &net, one), QN_OK);
    qt_assert_err(qn_equivocations_add(&v, &net, one), QN_STALE);
    written = qn_slice_of(all, qn_equivocations_write(&v, all));
    qt_assert_err(qn_equivocations_read(&read, &net, written), QN_OK);
    ck_assert_uint_eq(read.proven, 1 << 1);
    ck_assert(qn_snapshot_enough(&net, 3));
    net.distrusted = read.proven;
    ck_assert(!qn_snapshot_enough(&net, 3));
    ck_assert(qn_snapshot_enough(&net, 5));
}
END_TEST

/* A list that brings the proof does not count the liar's signature under itself. */
START_TEST(a_list_carries_proofs)
{
    qn_statement a = say(1, QT_EPOCH, QT_EPOCH + 60), b = say(1, QT_EPOCH, QT_EPOCH + 61);
    uint8_t proof[QN_EQUIVOCATION_MAX], all[QN_EQUIVOCATIONS_MAX];
    static const unsigned signers[] = {3, 5};
    qn_equivocations v = {0};

    qt_assert_err(qn_equivocations_add(
                      &v, &net, qn_slice_of(proof, qn_equivocation_write(&net, &a, &b, proof))),
                  QN_OK);
    for (unsigned i = 0; i < 2; i++) {
        qn_snapshot_signature sig[3];
        qn_blob body, out;
        qn_snapshot *s;
        unsigned n = 0;

        qt_assert_err(qn_snapshot_build(&body, &mine, t.env.wall, t.env.wall + 60,
                                        qn_slice_of(all, qn_equivocations_write(&v, all))),
                      QN_OK);
        for (unsigned k = 0; k < 3; k++)
            if ((signers[i] >> k & 1) != 0)
                qt_assert_err(qn_snapshot_sign(&sig[n++], &t.env, &net, qn_slice_of(body.p, body.n),
                                               &op_seed[k]),
                              QN_OK);
        qt_assert_err(qn_snapshot_join(&out, &t.env, qn_slice_of(body.p, body.n), sig, n), QN_OK);
        qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, qn_slice_of(out.p, out.n), 0),
                      i == 0 ? QN_AUTH : QN_OK);
        if (i == 1) {
            ck_assert_uint_eq(s->proven, 1 << 1);
            qn_snapshot_drop(s);
        }
        qn_blob_clear(&body, &t.env.mem);
        qn_blob_clear(&out, &t.env.mem);
    }
}
END_TEST

static Suite *agree_suite(void)
{
    Suite *s = suite_create("dir/agree");
    TCase *tc = tcase_create("agree");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_version_is_one_operators);
    tcase_add_test(tc, the_same_registry_is_agreed_with);
    tcase_add_test(tc, who_is_alive_here_must_be_listed);
    tcase_add_test(tc, who_is_listed_must_be_alive_here);
    tcase_add_test(tc, who_is_nearly_dead_may_be_listed_or_not);
    tcase_add_test(tc, no_node_is_signed_for_that_was_not_verified);
    tcase_add_test(tc, who_starts_takes_up_the_nodes_whose_signatures_it_kept);
    tcase_add_test(tc, two_words_of_one_node_end_as_one);
    tcase_add_test(tc, a_weight_is_what_the_node_says_of_its_load);
    tcase_add_test(tc, the_patient_bear_a_little);
    tcase_add_test(tc, the_same_registry_gives_the_same_bytes);
    tcase_add_test(tc, what_changed_is_told_oldest_first_and_once);
    tcase_add_test(tc, two_lists_of_one_version_are_a_proof);
    tcase_add_test(tc, nothing_else_is_a_proof);
    tcase_add_test(tc, who_is_proven_does_not_count);
    tcase_add_test(tc, a_list_carries_proofs);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(agree_suite)
