/* Handshakes: does every shipped profile get one, and how long is the answer. */
#include "check.h"

#include <string.h>

#define QUICK_SHAKES 4 /* of each kind and profile */
#define SHAKES 16
#define PAGE_PATIENCE (5 * QN_SEC)

/* What ended a handshake that did not succeed. */
static void find_failure(check *k, const char *who, const char *name, const visit *v)
{
    switch (v->err) {
    case QN_VERSION:
        find(k, UNFIT, "tls13",
             "it does not answer %s with TLS 1.3 (or with a certificate type that browsers do "
             "not verify); enable TLS 1.3, in nginx 'ssl_protocols TLSv1.2 TLSv1.3;'",
             who);
        return;
    case QN_EXPIRED:
    case QN_EARLY:
        find(k, UNFIT, "certificate-time",
             "its certificate for %s %s; renew it, and see that this machine's clock is right",
             name, v->err == QN_EXPIRED ? "has expired" : "is not valid yet");
        return;
    case QN_UNKNOWN:
        find(k, UNFIT, "certificate-name",
             "its certificate is not for %s; get one that names it in subjectAltName, or check "
             "another --name",
             name);
        return;
    case QN_AUTH:
        find(k, UNFIT, "certificate-chain",
             "a browser refuses its chain for %s: no path to a trusted root (serve the "
             "intermediate certificates too; a lab passes its own root with --ca)",
             name);
        return;
    case QN_REFUSED:
        find(k, UNFIT, "refused",
             "it answers the hello of %s for %s with an alert; it must serve that name, over TLS "
             "1.3, to every browser, with an RSA or ECDSA certificate",
             who, name);
        return;
    case QN_TIMEOUT:
        find(k, UNFIT, "handshake-slow", "it did not complete a handshake with %s in 10 s", who);
        return;
    case QN_GONE:
        find(k, UNFIT, k->site.proxy ? "proxy" : "refused",
             k->site.proxy
                 ? "it ended the connection of %s for %s; make it expect a PROXY header (nginx: "
                   "'listen ... ssl proxy_protocol;'), or check without --proxy"
                 : "it ended the connection of %s for %s during the handshake; see whether it "
                   "speaks TLS 1.3 there, or expects a PROXY header (--proxy)",
             who, name);
        return;
    default:
        find(k, UNFIT, "handshake", "its handshake with %s for %s breaks TLS (%s)", who, name,
             qn_err_text(v->err));
    }
}

static void find_in_handshake(check *k, const char *who, const visit *v)
{
    if (v->est.retried)
        find(k, UNFIT, "retry",
             "it sends HelloRetryRequest to %s; let it accept X25519 (nginx: 'ssl_ecdh_curve "
             "auto;')",
             who);
    if (v->est.asked_certificate)
        find(k, UNFIT, "client-certificate",
             "it asks visitors for a certificate; serve this name without (nginx: "
             "'ssl_verify_client off;')");
    if (v->est.alps)
        find(k, UNFIT, "alps", "it answers application settings (ALPS), which no capture covers");
    if (v->est.anchors)
        find(k, UNFIT, "trust-anchors", "it answers trust_anchors, which no capture covers");
    if (v->est.ech)
        find(k, UNFIT, "ech",
             "it offers Encrypted Client Hello: browsers would use it, QNet does not; turn it off");
    if (v->h2 == NULL)
        find(k, UNFIT, "h2",
             "it does not choose HTTP/2 for %s (nginx: 'http2 on;', before 1.25.1 "
             "'listen ... ssl http2;')",
             who);
}

static void note_flight(check *k, const visit *v)
{
    size_t *least = v->est.resumed ? &k->resumed : &k->full;
    size_t *last = v->est.resumed ? &k->resumed_last : &k->full_last;

    if (*least == 0 || v->flight < *least) {
        *least = v->flight;
        *last = v->flight_last;
    }
    if (v->est.resumed)
        return;
    k->full_most = QN_MAX(k->full_most, v->flight);
    if (!k->certified)
        k->certificate = v->est.leaf;
    else if (memcmp(k->certificate.b, v->est.leaf.b, sizeof v->est.leaf.b) != 0)
        find(k, WARNING, "certificates",
             "it serves more than one certificate; measure again whenever any of them changes");
    k->certified = true;
}

static bool open_visit(check *k, visit *v, const profile *p, const char *name,
                       const qn_tls_ticket *ticket, bool damage)
{
    visit_cfg cfg = {
        .tls = &p->tls, .h2 = &p->h2, .name = name, .ticket = ticket, .damage = damage};

    if (visit_open(v, &k->site, &cfg)) {
        k->reached = true;
        return true;
    }
    find(k, UNFIT, "down", "nothing answers at %s; start it, or mend address and port", k->at);
    return false;
}

bool check_visit(check *k, visit *v, unsigned n, const qn_tls_ticket *ticket, bool damage)
{
    return open_visit(k, v, &k->profile[n], k->name[0], ticket, damage) && v->up && v->h2 != NULL;
}

/* One visit to the front page, so that tickets are seen too. True: *ticket is one. */
static bool shake(check *k, const profile *p, const char *name, const qn_tls_ticket *use,
                  qn_tls_ticket *ticket)
{
    bool got = false;
    visit v;

    if (open_visit(k, &v, p, name, use, false)) {
        if (!v.up) {
            find_failure(k, p->name, name, &v);
        } else {
            find_in_handshake(k, p->name, &v);
            note_flight(k, &v);
            (void)visit_ask(&v, QN_H2_DOCUMENT, k->path[0].path, 1 << 20, PAGE_PATIENCE);
            k->shaken |= v.now.status != 0;
            if (v.h2 != NULL && v.now.status == 0)
                find(k, UNFIT, "no-answer",
                     "it chooses HTTP/2 for %s and then does not answer %s within 5 s", p->name,
                     k->path[0].path);
            got = v.tickets > 0;
            *ticket = v.ticket;
        }
    }
    visit_close(&v);
    return got;
}

static void shake_profile(check *k, const profile *p)
{
    unsigned rounds = k->quick ? QUICK_SHAKES : SHAKES;
    qn_tls_ticket ticket, next;
    bool have = false;

    for (unsigned i = 1; i < k->name_n; i++)
        (void)shake(k, p, k->name[i], NULL, &ticket);
    for (unsigned i = 0; i < rounds && !(i > 0 && !k->shaken); i++)
        have = shake(k, p, k->name[0], NULL, &ticket);
    for (unsigned i = 0; i < rounds && have && k->shaken; i++) {
        have = shake(k, p, k->name[0], &ticket, &next);
        ticket = next;
    }
}

void check_handshakes(check *k)
{
    for (unsigned i = 0; i < k->profile_n && (i == 0 || k->shaken); i++) {
        progress("handshakes of %s", k->profile[i].name);
        shake_profile(k, &k->profile[i]);
    }
}
