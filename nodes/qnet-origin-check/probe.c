/* What the origin does when a connection goes wrong: a peer must do the same, and must be able to
 * leave the doing to it. */
#include "check.h"

#include "tls/numbers.h"

#include <sys/socket.h>

#define REACT QN_SEC /* an origin that is fit reacts at once */
#define TRIES 3
#define PAGE_PATIENCE (10 * QN_SEC)

typedef enum harm { FLIPPED, STRAY_CCS, OVERSIZED, PLAIN_ALERT, BAD_FINISHED, HARMS } harm;

static const char *const harm_text[HARMS] = {"a damaged record", "a stray change_cipher_spec",
                                             "an oversized record header", "a plaintext alert",
                                             "a wrong Finished"};

static void do_harm(visit *v, harm h)
{
    static const uint8_t ccs[] = {QN_TLS_CCS, 3, 3, 0, 1, 1};
    static const uint8_t oversized[] = {QN_TLS_DATA, 3, 3, 0x48, 0x01, 0};
    static const uint8_t alert[] = {QN_TLS_ALERT, 3, 3, 0, 2, 2, QN_TLS_BAD_RECORD_MAC};
    static const uint8_t ping[17] = {0, 0, 8, 6};

    switch (h) {
    case FLIPPED:
        v->damage = true;
        visit_say(v, ping, sizeof ping);
        return;
    case STRAY_CCS:
        visit_raw(v, ccs, sizeof ccs);
        return;
    case OVERSIZED:
        visit_raw(v, oversized, sizeof oversized);
        return;
    case PLAIN_ALERT:
        visit_raw(v, alert, sizeof alert);
        return;
    default: /* the bad Finished has left with the handshake */
        return;
    }
}

/* The origin has said all it says unasked once a page is there. */
static bool settled(check *k, visit *v)
{
    return check_visit(k, v, 0, NULL, false) &&
           visit_ask(v, QN_H2_DOCUMENT, k->path[0].path, UINT64_C(1) << 20, PAGE_PATIENCE);
}

static void note_alert(check *k, size_t length)
{
    if (length == 0)
        return;
    if (k->alert != 0 && k->alert != length)
        find(k, UNFIT, "alerts",
             "its alerts are not all of one length (%zu and %zu bytes), so a peer cannot know one",
             k->alert, length);
    else
        k->alert = length;
}

/* True: it goes on as if nothing had happened. */
static bool tolerates(check *k, harm h)
{
    bool goes_on = false;
    visit v;

    if (h == BAD_FINISHED ? check_visit(k, &v, 0, NULL, true) : settled(k, &v)) {
        do_harm(&v, h);
        visit_wait(&v, REACT);
        note_alert(k, v.alert);
        goes_on = v.end == OPEN && v.alert == 0;
    }
    visit_close(&v);
    return goes_on;
}

/* A busy machine may be late once. */
static void probe(check *k, harm h)
{
    for (unsigned i = 0; i < TRIES; i++)
        if (!tolerates(k, h))
            return;
    find(k, UNFIT, "tolerates",
         "it goes on after %s; a peer leaves all damage to it, so it must end such a connection "
         "within 1 s",
         harm_text[h]);
}

/* After our last word: does it answer, and how does it end. Only when it waits for our FIN does it
 * get one. */
static reaction react(check *k, visit *v)
{
    reaction r = {.alert = false};

    visit_wait(v, REACT);
    if (v->end == OPEN) {
        (void)shutdown(v->fd, SHUT_WR);
        visit_wait(v, REACT);
    }
    r.end = v->end;
    r.alert = v->alert != 0 || (v->late > 0 && k->alert != 0 && v->late_length == k->alert);
    return r;
}

static void check_fatal(check *k)
{
    visit v;

    if (settled(k, &v)) {
        qn_tls_damaged(v.tls); /* our alert, as if it had sent damage */
        v.over = true;
        k->after_fatal = react(k, &v);
    }
    visit_close(&v);
}

static void check_notify(check *k)
{
    visit v;

    if (settled(k, &v) && qn_tls_close(v.tls) == QN_OK) {
        k->after_notify = react(k, &v);
        note_alert(k, v.alert);
    }
    visit_close(&v);
}

/* A header block that means nothing (HPACK index 0): both sides of HTTP/2 must end over it, and
 * nothing is there to explain (RFC 7541 6.1). */
static void check_goaway(check *k)
{
    static const uint8_t headers[] = {0, 0, 1, 1, 5, 0, 1, 0, 1, 0x80};
    visit v;

    if (settled(k, &v)) {
        visit_say(&v, headers, sizeof headers);
        visit_wait_goaway(&v, REACT);
        k->goaway = v.goaway;
    }
    visit_close(&v);
}

void check_reactions(check *k)
{
    progress("what it does when things go wrong");
    for (harm h = FLIPPED; h < HARMS; h++)
        probe(k, h);
    check_fatal(k);
    check_notify(k);
    check_goaway(k);
    if (k->after_fatal.end == OPEN)
        find(k, WARNING, "lingers",
             "it keeps a connection open after its client's fatal alert and FIN (Node.js does); a "
             "peer closes it, by which somebody who damages a link can tell the two apart");
    if (k->after_notify.end == OPEN)
        find(k, UNFIT, "never-closes",
             "it keeps a connection open after its client's close_notify and FIN; it must close "
             "at once");
}
