/*
 * Active probing, with replay. A server that somebody in the country talks to is asked by the
 * censor itself, seconds to days later: with the very bytes that the client began with, and with
 * 221 random ones. Source: Ensafi et al., "Examining How the Great Firewall Discovers Hidden
 * Circumvention Servers" (IMC 2015); Alice et al., "How China Detects and Blocks Shadowsocks" (IMC
 * 2020), for replays after 0.28 s to 570 h (their median some minutes) and the 221 bytes; Frolov et
 * al., "Detecting Probe-resistant Proxies" (NDSS 2020), for what gives a server away. The
 * duplicator only replays, at once: it copies a ClientHello it sees and compares both answers.
 *
 * A replay is answered distinguishably when the server's flight differs from the one that the
 * client got: silence or a close where there was an answer, other TLS records, or other lengths of
 * them than an ECDSA signature's two bytes explain. Sites
 * answer the same hello alike. Random bytes are, when 10 s bring neither a close nor an alert
 * nor an HTTP error: web servers do not wait for more of that. The server is then blocked.
 *
 * It completes no handshake and speaks no protocol: a relay of Tor, which the real prober asks for
 * its VERSIONS cell, looks like a web server to this one. Cost: a conn per probe, and for each
 * server the first payload.
 */
#include "base/env.h"
#include "censor/internal.h"

enum {
    RANDOM = 221, /* bytes */
    SLACK = 4     /* an ECDSA signature is up to two bytes shorter, in each of two places */
};

static bool fits(const censor_cfg *cfg)
{
    for (size_t i = 1; i < cfg->delays_n; i++)
        if (cfg->delays[i] < cfg->delays[i - 1])
            return false;
    return cfg->suspects_max > 0 && cfg->delays_n > 0 && cfg->delays_n <= CENSOR_DELAYS_MAX;
}

static censor_suspect *find(const censor *c, const qn_addr *server)
{
    for (size_t i = 0; i < c->suspects_n; i++)
        if (qn_addr_equal(&c->cfg.suspects[i].server, server))
            return &c->cfg.suspects[i];
    return NULL;
}

static censor_verdict open(censor *c, censor_flow *f, qn_time now)
{
    const censor_suspect *s = find(c, &f->server);

    f->judged = s != NULL; /* one flow of each server is kept */
    return s != NULL && s->found ? censor_catch(c, f, CENSOR_DROP, now) : pass();
}

static void suspect(censor *c, const censor_flow *f, qn_time now)
{
    censor_suspect *s = &c->cfg.suspects[c->suspects_n];

    if (c->suspects_n == c->cfg.suspects_max || find(c, &f->server) != NULL)
        return;
    c->suspects_n++;
    *s = (censor_suspect){
        .server = f->server, .seen = now, .shape = f->shape, .first_n = f->first_n};
    memcpy(s->first, f->first, f->first_n);
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    const censor_suspect *s = find(c, &f->server);

    if (s != NULL && s->found)
        return censor_catch(c, f, CENSOR_DROP, now);
    if (f->judged || bytes.n == 0)
        return pass();
    if (direction == CENSOR_DOWN && f->first_n > 0) {
        censor_inspected(c, f, bytes.n);
        censor_shape_add(&f->shape, bytes);
    }
    /* the server's flight is whole: the client goes on, or nothing more is to be known of it */
    if (f->shape.opaque || f->shape.n == CENSOR_RECORDS_MAX ||
        (direction == CENSOR_UP && !censor_first(c, f, direction, bytes))) {
        f->judged = true;
        if (f->shape.bytes > 0 && f->first_n < CENSOR_FIRST_MAX)
            suspect(c, f, now);
    }
    return pass();
}

const censor_kind censor_prober = {.name = "prober", .fits = fits, .open = open, .see = see};
const censor_kind censor_duplicator = {
    .name = "duplicator", .fits = fits, .open = open, .see = see};

/* ---- probes ---------------------------------------------------------------------------------- */

static qn_time due(const censor *c, const censor_suspect *s)
{
    return s->found || s->next == c->cfg.delays_n ? QN_NEVER : s->seen + c->cfg.delays[s->next];
}

qn_time censor_probe_due(const censor *c)
{
    qn_time first = QN_NEVER;

    for (size_t i = 0; i < c->suspects_n; i++)
        first = QN_MIN(first, due(c, &c->cfg.suspects[i]));
    return first;
}

static void write_probe(censor *c, censor_suspect *s, censor_probe *out)
{
    *out = (censor_probe){.server = s->server,
                          .suspect = (size_t)(s - c->cfg.suspects),
                          .random = s->random,
                          .n = s->random ? RANDOM : s->first_n};
    if (s->random) {
        qn_rng_fill(c->env, out->bytes, RANDOM);
        /* No letter of a method, no SSL 2, no record of a version 3: sites wait for more of those.
         * OpenSSL looks at a record's version and length, not at its type, before it waits. */
        out->bytes[0] &= 0x0f;
        out->bytes[1] |= 0x80;
    } else {
        memcpy(out->bytes, s->first, s->first_n);
    }
    if (!s->random && c->cfg.kind == &censor_prober) {
        s->random = true;
        return;
    }
    s->random = false;
    s->next++;
}

bool censor_probe_next(censor *c, qn_time now, censor_probe *out)
{
    for (size_t i = 0; i < c->suspects_n; i++)
        if (due(c, &c->cfg.suspects[i]) <= now) {
            write_probe(c, &c->cfg.suspects[i], out);
            c->stats.probes++;
            c->stats.probe_bytes += out->n;
            return true;
        }
    return false;
}

static bool differs(const censor_shape *a, const censor_shape *b)
{
    if (a->opaque != b->opaque || a->n != b->n)
        return true;
    for (size_t i = 0; i < a->n; i++) {
        uint16_t longer = QN_MAX(a->record[i].length, b->record[i].length);
        uint16_t shorter = QN_MIN(a->record[i].length, b->record[i].length);

        if (a->record[i].type != b->record[i].type || longer - shorter > SLACK)
            return true;
    }
    return false;
}

/* Of random bytes: what no web server does. */
static bool odd(const censor_reaction *r)
{
    const censor_shape *s = &r->answer;

    if (s->bytes == 0)
        return !r->ended;
    return s->opaque ? !s->http : s->n == 0 || s->record[0].type != 0x15; /* alert */
}

bool censor_probe_done(censor *c, const censor_probe *p, const censor_reaction *r)
{
    censor_suspect *s = &c->cfg.suspects[p->suspect];
    bool told =
        r->opened && (p->random ? odd(r) : r->answer.bytes == 0 || differs(&s->shape, &r->answer));

    c->stats.found += told && !s->found;
    s->found = s->found || told;
    return told;
}
