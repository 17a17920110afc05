/* Pages: which may be a visit's first, and which may carry PROOF instead of a record. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MAX (UINT64_C(1) << 20) /* a browser may have to read it before it goes on */
#define BULK_MAX (UINT64_C(1) << 20) /* enough to see a bulk answer's records */
#define PAGE_PATIENCE (10 * QN_SEC)
#define BEHIND_MAX 2 /* short records after the one that PROOF replaces: "nearly last" */

static void note_answer(check *k, const answer *a)
{
    if (a->elsewhere)
        find(k, UNFIT, "http3",
             "it offers itself elsewhere (Alt-Svc, HTTP/3): browsers would go there; remove that "
             "header and the UDP listener");
    if (a->date != 0) {
        k->dated = true;
        k->ahead = a->date - k->site.real.env.wall;
    }
}

/* Why an answer is none that PROOF can go into. */
static const char *no_second(const answer *a)
{
    if (a->big == 0)
        return "no record of its answer is as long as PROOF needs";
    if (a->big > 1)
        return "its answer has more than one long record";
    return a->behind > BEHIND_MAX ? "too much follows its long record" : "";
}

static void note_size(candidate *p, uint64_t bytes)
{
    p->least = p->largest == 0 ? bytes : QN_MIN(p->least, bytes);
    p->largest = QN_MAX(p->largest, bytes);
}

static void see(check *k, candidate *p, unsigned n)
{
    visit v;

    if (check_visit(k, &v, n, NULL, false)) {
        bool whole = visit_ask(&v, QN_H2_DOCUMENT, p->path, BULK_MAX, PAGE_PATIENCE);

        note_answer(k, &v.now);
        whole = whole && qn_h2_healthy(v.now.status) && v.now.bytes <= PAGE_MAX;
        p->fit_first += whole && v.now.big > 0;
        if (whole)
            note_size(p, v.now.bytes);
        if (whole && visit_ask(&v, QN_H2_FETCH, p->path, PAGE_MAX, PAGE_PATIENCE)) {
            p->fit_second += no_second(&v.now)[0] == '\0';
            (void)snprintf(p->why, sizeof p->why, "%s", no_second(&v.now));
            note_size(p, v.now.bytes);
        } else if (v.now.err == QN_LIMIT) { /* too long for a visit, but it shows long records */
            p->asked_for = false;
        } else if (p->asked_for) {
            (void)snprintf(p->why, sizeof p->why, "no complete answer of at most 1 MiB");
        }
    }
    visit_close(&v);
}

/* A client ends a visit whose answer is longer than it was told. */
static void judge_size(check *k, candidate *p)
{
    if (p->least == p->largest)
        return;
    find(k, WARNING, "page-varies",
         "answers to %s have %llu to %llu bytes; a quarter is added, and a page that never changes "
         "would be better",
         p->path, (unsigned long long)p->least, (unsigned long long)p->largest);
    p->largest += p->largest / 4;
}

void check_pages(check *k)
{
    unsigned first = 0, second = 0;

    for (unsigned i = 0; i < k->path_n; i++) {
        candidate *p = &k->path[i];

        progress("page %s", p->path);
        for (unsigned n = 0; n < k->profile_n; n++)
            see(k, p, n);
        judge_size(k, p);
        first += p->fit_first == k->profile_n;
        second += p->fit_second == k->profile_n;
        if (p->asked_for && p->fit_first < k->profile_n && p->fit_second < k->profile_n)
            find(k, WARNING, "page", "%s is of no use here: %s", p->path,
                 p->why[0] != '\0' ? p->why : "it needs a 2xx answer, not too short");
    }
    if (first == 0)
        find(k, UNFIT, "first-page",
             "no page begins a visit: one must answer 2xx with a record of at least %d bytes (a "
             "page of 2 to 100 KiB does); name it with --page",
             QN_HTX_PROOF_MIN);
    if (second == 0)
        find(k, UNFIT, "second-page",
             "no page has the one record that PROOF takes the place of: serve one of 2 to 8 KB "
             "that is not compressed (a small image, say) and name it with --page");
}

/* ---- what only some may see ---------------------------------------------------------------- */

static const char *const private_paths[] = {"/server-status", "/server-info", "/nginx_status",
                                            "/stub_status",   "/status",      "/basic_status"};
static const char *const mirror_paths[] = {"/cdn-cgi/trace", "/ip", "/whoami", "/server-status"};

static void ask_private(check *k, const char *path)
{
    visit v;

    if (check_visit(k, &v, 0, NULL, false)) {
        (void)visit_ask(&v, QN_H2_DOCUMENT, path, PAGE_MAX, PAGE_PATIENCE);
        if (qn_h2_healthy(v.now.status) && k->mirror)
            find(k, UNFIT, "address",
                 "it answers %s, which shows or judges addresses: visitors would see the peer's "
                 "instead of their own; mirror another site",
                 path);
        else if (qn_h2_healthy(v.now.status) && k->site.proxy)
            find(k, WARNING, "private", "it shows %s to strangers; close that page", path);
        else if (qn_h2_healthy(v.now.status))
            find(k, UNFIT, "private",
                 "it answers %s here, where every visitor would seem local; close that page and "
                 "let the site expect a PROXY header (then check with --proxy)",
                 path);
    }
    visit_close(&v);
}

/* A site that answers everything with its front page shows nothing by it. */
static bool answers_anything(check *k)
{
    bool yes = false;
    visit v;

    if (check_visit(k, &v, 0, NULL, false)) {
        (void)visit_ask(&v, QN_H2_DOCUMENT, "/no-such-page-3141592", PAGE_MAX, PAGE_PATIENCE);
        yes = qn_h2_healthy(v.now.status);
    }
    visit_close(&v);
    return yes;
}

void check_private(check *k)
{
    const char *const *paths = k->mirror ? mirror_paths : private_paths;
    unsigned n = k->mirror ? QN_LEN(mirror_paths) : QN_LEN(private_paths);

    progress("pages that only some may see");
    if (answers_anything(k)) {
        find(k, QUESTION, "private-unknown",
             "it answers 2xx for pages that do not exist, so this cannot see whether it treats "
             "local visitors otherwise: does it?");
        return;
    }
    for (unsigned i = 0; i < n; i++)
        ask_private(k, paths[i]);
    if (k->mirror)
        find(k, QUESTION, "mirror",
             "does any page of it show or judge the visitor's address (rate limits, geography, "
             "logins), is it on a shared network of another company, does its name have an HTTPS "
             "record with ech or h3? each would show the peer");
    else if (!k->site.proxy)
        find(k, QUESTION, "local",
             "does the site grant anything to local visitors? behind a peer every visitor is one, "
             "unless it expects a PROXY header (check with --proxy)");
}
