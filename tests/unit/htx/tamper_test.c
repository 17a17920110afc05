/*
 * Somebody between client and peer lays hands on a record. What he then sees on his wire must be
 * what he sees when he does the same to a browser's session with the origin itself: the same
 * client and the same peer, only that this one has no measurements, and so never speaks.
 */
#include "duo_scene.h"

typedef enum deed {
    FLIP_TAG,
    FLIP_BODY,
    FLIP_TYPE,
    FLIP_VERSION,
    LONGER,
    TOO_LONG,
    SHORTER,
    DROP,
    TWICE,
    CCS,
    CCS_20,
    ALERT,
    SHAKE,
    GARBAGE,
    DEEDS
} deed;

static struct {
    bool armed, gap;
    int at; /* the number of its record; -1: the next */
    unsigned who;
    deed what;
    unsigned from; /* where the story begins */
} plan;

static void insert(uint8_t *record, size_t *n, const char *hex, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        qn_slice s = qt_hex(hex);

        memmove(record + s.n, record, *n);
        memcpy(record, s.p, s.n);
        *n += s.n;
    }
}

static void hands(htx_duo *x, unsigned who, uint8_t *r, size_t *n)
{
    if (plan.gap && who == plan.who) { /* what was dropped shows only now */
        plan.gap = false;
        plan.from = d->seen_n;
    }
    if (!plan.armed || who != plan.who || (plan.at >= 0 && x->count[who] != (unsigned)plan.at))
        return;
    plan.armed = false;
    plan.from = d->seen_n;
    switch (plan.what) {
    case FLIP_TAG:
        r[*n - 1] ^= 1;
        break;
    case FLIP_BODY:
        r[5] ^= 0x80;
        break;
    case FLIP_TYPE:
        r[0] ^= 1;
        break;
    case FLIP_VERSION:
        r[2] ^= 2;
        break;
    case LONGER:
        qn_put16(r + 3, (uint16_t)(*n - 5 + 7));
        memset(r + *n, 0x5a, 7);
        *n += 7;
        break;
    case TOO_LONG:
        qn_put16(r + 3, 16641);
        break;
    case SHORTER:
        qn_put16(r + 3, (uint16_t)(*n - 5 - 3));
        *n -= 3;
        break;
    case DROP:
        *n = 0;
        plan.gap = true;
        break;
    case TWICE:
        memcpy(r + *n, r, *n);
        *n *= 2;
        break;
    case CCS:
        insert(r, n, "14 0303 0001 01", 1);
        break;
    case CCS_20:
        insert(r, n, "14 0303 0001 01", 20);
        break;
    case ALERT:
        insert(r, n, "15 0303 0002 0228", 1);
        break;
    case SHAKE:
        insert(r, n, "16 0303 0004 00000000", 1);
        break;
    case GARBAGE:
        insert(r, n,
               "17 0303 0040 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
               "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
               1);
        break;
    case DEEDS:
        ck_abort();
    }
}

/* Signatures of one length, and one page of each kind: two sessions differ in nothing else. */
static void setup_same(void)
{
    setup();
    tls_server_close(&world.site.tls);
    tls_identity_free(&world.leaf);
    world.leaf = tls_issue(&world.ca, TLS_RSA, DECOY, -1000, 1000);
    tls_server_open(&world.site.tls, &world.leaf, NULL);
    world.target.first_n = world.target.second_n = 1;
    d->hands = hands;
    plan.armed = false;
}

static void dial_as(bool proven)
{
    d->site.proven = proven;
    htx_duo_dial(d);
}

static void must_be_up(bool proven)
{
    ck_assert(c->established == proven && p->established == proven && !c->lost && !p->lost);
}

/* A record of `who` passes by, in either kind of session. A browser says nothing by itself; the
 * answer to a PING of the origin is a record of 34. */
static void provoke(unsigned who, bool proven)
{
    if (!proven)
        htx_world_origin_writes(&world, qt_hex(h2_ping[who]));
    else
        qt_assert_err(htx_duo_say(d, who, qn_slice_of(ping, sizeof ping)), QN_OK);
}

static const char *after_the_switch(bool proven, unsigned who, deed what, unsigned nth)
{
    plan.armed = plan.gap = false;
    plan.at = -1;
    dial_as(proven);
    htx_duo_run(d);
    must_be_up(proven);
    for (unsigned i = 0; i < nth; i++) {
        provoke(who, proven);
        htx_duo_run(d);
        must_be_up(proven);
    }
    plan.armed = true;
    plan.who = who;
    plan.what = what;
    provoke(who, proven);
    htx_duo_run(d);
    if (what == DROP) { /* is noticed with the next one */
        provoke(who, proven);
        htx_duo_run(d);
    }
    if (what == LONGER || what == TOO_LONG) /* an origin may wait for the rest */
        htx_duo_wait(d, QN_SEC);
    return htx_duo_story(d, plan.from);
}

static void same(unsigned who, deed what, unsigned nth)
{
    const char *theirs = after_the_switch(false, who, what, nth);
    const char *ours = after_the_switch(true, who, what, nth);

    ck_assert_msg(strcmp(theirs, ours) == 0, "%s deed %d at record %u: browser %s, link %s",
                  who == DUO_CLIENT ? "C" : "P", (int)what, nth, theirs, ours);
    ck_assert(strlen(ours) > 0);
}

START_TEST(damage_of_the_client_gets_the_origins_answer)
{
    same(DUO_CLIENT, (deed)_i, 0);
    same(DUO_CLIENT, (deed)_i, 2);
}
END_TEST

START_TEST(damage_of_the_peer_gets_a_browsers_answer)
{
    same(DUO_PEER, (deed)_i, 0);
    same(DUO_PEER, (deed)_i, 2);
}
END_TEST

/* ---- around the switch ------------------------------------------------------------------------
 */

/* Deed at record `at` of who, from the first on; -1: nothing is done. */
static const char *from_the_start(bool proven, unsigned who, deed what, int at)
{
    plan.armed = at >= 0;
    plan.gap = false;
    plan.who = who;
    plan.what = what;
    plan.at = at;
    dial_as(proven);
    htx_duo_run(d);
    if (what == LONGER || what == TOO_LONG)
        htx_duo_wait(d, QN_SEC);
    return htx_duo_story(d, plan.from);
}

/* What a browser survives a link survives, and then it goes on. And where damage comes behind a
 * good PROOF, message 3 has left before it is noticed: to whoever looks on, one more request. */
static bool as_a_browser(const char *theirs, const char *ours)
{
    size_t same = 0;

    if (!c->established)
        return strcmp(theirs, ours) == 0;
    if (strchr(theirs, 'f') == NULL)
        return strncmp(theirs, ours, strlen(theirs)) == 0 && p->established && !c->lost && !p->lost;
    while (theirs[same] == ours[same])
        same++;
    while (same > 0 && ours[same - 1] != ' ')
        same--;
    return ours[same] == 'C' && strcmp(strchr(ours + same, ' ') + 1, theirs + same) == 0;
}

/* The record that PROOF replaces is the answer's last. */
START_TEST(proof_is_as_delicate_as_the_record_it_replaces)
{
    const char *theirs, *ours;
    int at;

    (void)from_the_start(true, DUO_PEER, DEEDS, -1);
    ck_assert(c->established);
    (void)from_the_start(false, DUO_PEER, DEEDS, -1);
    at = (int)d->count[DUO_PEER] - 1;
    theirs = from_the_start(false, DUO_PEER, (deed)_i, at);
    ours = from_the_start(true, DUO_PEER, (deed)_i, at);
    ck_assert_msg(as_a_browser(theirs, ours), "deed %d: browser %s, link %s", _i, theirs, ours);
}
END_TEST

/* Every record before it, too: what comes of a visit that somebody disturbs is the same for both.
 */
START_TEST(before_the_switch_it_is_the_origins_in_either_case)
{
    unsigned n[2];

    (void)from_the_start(false, DUO_PEER, DEEDS, -1);
    n[0] = d->count[0];
    n[1] = d->count[1] - 1;
    for (unsigned who = 0; who < 2; who++)
        for (unsigned at = 0; at < n[who]; at++) {
            const char *theirs = from_the_start(false, who, (deed)_i, (int)at);
            const char *ours = from_the_start(true, who, (deed)_i, (int)at);

            ck_assert_msg(as_a_browser(theirs, ours), "%c record %u deed %d: browser %s, link %s",
                          "CP"[who], at, _i, theirs, ours);
        }
}
END_TEST

/* A browser's next record, and message 3. */
START_TEST(message_three_is_as_delicate_as_a_request)
{
    static char theirs[4096];
    const char *ours;
    int at;

    (void)snprintf(theirs, sizeof theirs, "%s", after_the_switch(false, DUO_CLIENT, (deed)_i, 0));

    d->link_quiet = true; /* so that message 3 is the client's last record */
    (void)from_the_start(true, DUO_CLIENT, DEEDS, -1);
    ck_assert(p->established);
    at = (int)d->count[DUO_CLIENT] - 1;
    ours = from_the_start(true, DUO_CLIENT, (deed)_i, at);
    if ((deed)_i == DROP) {
        qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping)), QN_OK);
        htx_duo_run(d);
        ours = htx_duo_story(d, plan.from);
    }
    ck_assert_msg(strcmp(theirs, ours) == 0, "deed %d: browser %s, link %s", _i, theirs, ours);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx tamper");
    TCase *tc = tcase_create("tamper");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup_same, teardown);
    tcase_add_loop_test(tc, damage_of_the_client_gets_the_origins_answer, 0, DEEDS);
    tcase_add_loop_test(tc, damage_of_the_peer_gets_a_browsers_answer, 0, DEEDS);
    tcase_add_loop_test(tc, proof_is_as_delicate_as_the_record_it_replaces, 0, DEEDS);
    tcase_add_loop_test(tc, before_the_switch_it_is_the_origins_in_either_case, 0, DEEDS);
    tcase_add_loop_test(tc, message_three_is_as_delicate_as_a_request, 0, DEEDS);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
