/* Findings, and what follows from all the numbers together. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RTT_WARN (10 * QN_MS)
#define RTT_MAX (30 * QN_MS)
#define SLOW_SHARE 10 /* one answer in so many may be slow */
#define SKEW_MAX 90   /* seconds: a tag's time may be off by so much */
#define GOAWAY_MIN 34 /* frame header, two numbers, content type, tag: nothing to explain */

void find(check *k, weight w, const char *id, const char *format, ...)
{
    finding *f;
    va_list args;

    for (unsigned i = 0; i < k->finding_n; i++)
        if (strcmp(k->finding[i].id, id) == 0)
            return;
    if (k->finding_n == FINDINGS_MAX)
        return;
    f = &k->finding[k->finding_n++];
    f->weight = w;
    f->id = id;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

bool fit(const check *k)
{
    for (unsigned i = 0; i < k->finding_n; i++)
        if (k->finding[i].weight == UNFIT)
            return false;
    return true;
}

static void judge_times(check *k)
{
    unsigned rtt = (unsigned)(k->site.rtt / QN_MS);

    if (k->site.rtt > RTT_WARN)
        find(k, k->site.rtt > RTT_MAX ? UNFIT : WARNING, "far",
             "it is %u ms away: more than 10 are seen in every answer, more than 30 are too many; "
             "put the peer beside it",
             rtt);
    if (k->site.slow > 0)
        find(k, k->site.slow * SLOW_SHARE > k->site.answers ? UNFIT : WARNING, "slow",
             "%u of %u answers took over 3 s to begin, after which clients try another peer",
             k->site.slow, k->site.answers);
    if (!k->dated)
        find(k, WARNING, "date",
             "its answers have no Date header, by which clients whose clock is wrong find out");
    else if (k->ahead > SKEW_MAX || k->ahead < -SKEW_MAX)
        find(k, WARNING, "clock",
             "its clock and this machine's differ by %lld s; set both right (NTP): a peer accepts "
             "no client whose time is off by more than %d s",
             (long long)k->ahead, SKEW_MAX);
}

static void judge_lengths(check *k)
{
    if (k->alert == 0)
        find(k, UNFIT, "no-alert",
             "it never says an alert when a connection is damaged, so there is none to imitate; "
             "most servers do (nginx, Apache)");
    else if ((k->site.ordinary[k->alert / 8] & 1u << k->alert % 8) != 0)
        find(k, UNFIT, "ordinary-as-alert",
             "some of its ordinary records are as long as its alerts (%zu bytes), so a peer cannot "
             "tell them apart",
             k->alert);
    if (k->site.control_max >= QN_HTX_PROOF_MIN)
        find(k, UNFIT, "control-long",
             "its tickets or control records are up to %zu bytes long, as long as an answer's "
             "(PROOF needs %d); smaller tickets, or fewer certificates of clients in them, help",
             k->site.control_max, QN_HTX_PROOF_MIN);
    if (k->goaway == 0) {
        find(k, WARNING, "goaway",
             "it ends connections without GOAWAY; %d bytes are taken, the shortest there can be",
             GOAWAY_MIN);
        k->goaway = GOAWAY_MIN;
    }
    if (k->full_most - k->full >= k->full_last)
        find(k, WARNING, "flights",
             "its first flight is %zu to %zu bytes long, for different browsers: a peer waits for "
             "the shorter only (compressed certificates are a cause)",
             k->full, k->full_most);
}

void check_numbers(check *k)
{
    judge_times(k);
    judge_lengths(k);
    if (k->site.early_data)
        find(k, UNFIT, "early-data",
             "its tickets allow early data: browsers would send it, QNet does not; turn it off "
             "(nginx: 'ssl_early_data off;')");
    if (k->resumed == 0)
        find(k, WARNING, "no-resumption",
             "it never resumed a session; browsers expect it to (nginx: 'ssl_session_cache "
             "shared:SSL:10m;')");
    if (!k->quick && !k->mirror)
        find(k, QUESTION, "dns",
             "does the name's HTTPS record in DNS offer h3 or ech? browsers would use them; "
             "remove them");
}
