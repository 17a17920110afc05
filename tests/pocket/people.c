/*
 * Users and servers. A user speaks SOCKS5, then sends: up u64, down u64, `up` bytes of pattern. The
 * server checks them, answers `down` bytes of pattern and ends with FIN. The byte at offset i of
 * either direction is (i * 7 + i / 251) mod 256, so any loss, repeat or swap shows.
 */
#include "pocket/internal.h"

#include <stdlib.h>

enum { REQUEST = 16, PART = 4096 };

struct pw_fetch {
    pw_fetch *next;
    pw_node *node;
    pw_pipe *pipe;
    char user[32];
    qn_dest dest;
    uint64_t up, down, sent, received;
    uint8_t step; /* 0 greeting sent, 1 auth sent, 2 request sent, 3 data */
    uint8_t got[32];
    uint32_t got_n;
    int reply;
    bool clean, corrupt, paused, over, hurried, hushed, talks;
    qn_time began, ended;
};

typedef struct serving {
    pw_server *server;
    uint8_t head[REQUEST];
    uint32_t head_n;
    uint64_t up, down, received, sent;
    void *visit; /* PW_SITE */
    bool corrupt;
} serving;

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static bool matches(const uint8_t *p, size_t n, uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != pattern(at + i))
            return false;
    return true;
}

/* Sends pattern bytes while the pipe has room; returns the new count of sent bytes. */
static uint64_t pour(pw_world *w, pw_pipe *p, int side, uint64_t sent, uint64_t total)
{
    uint8_t part[PART];

    while (sent < total) {
        size_t n = QN_MIN(pw__room(w, p, side), (size_t)PART);

        n = (size_t)QN_MIN((uint64_t)n, total - sent);
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            part[i] = pattern(sent + i);
        pw__write(w, p, side, part, n, false);
        sent += n;
    }
    return sent;
}

/* ---- servers --------------------------------------------------------------------------------- */

pw_server *pw_serve(pw_world *w, const char *name, const qn_addr *addr, pw_manner manner)
{
    pw_server *s = &w->server[w->servers_n++];

    QN_ASSERT(w->servers_n <= PW_SERVERS && strlen(name) < sizeof s->name);
    *s = (pw_server){.addr = *addr, .manner = manner};
    memcpy(s->name, name, strlen(name) + 1);
    return s;
}

pw_server *pw_serve_site(pw_world *w, const qn_addr *addr, const pw_site *site)
{
    pw_server *s = pw_serve(w, "", addr, PW_SITE);

    s->site = *site;
    return s;
}

void pw_name(pw_world *w, const char *name, const qn_addr *addr)
{
    (void)pw_serve(w, name, addr, PW_NAME);
}

void pw_refuse(pw_server *s, bool refuse)
{
    s->refuse = refuse;
}

unsigned pw__resolve(const pw_world *w, const char *name, uint16_t port, qn_addr *v, unsigned max)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < w->servers_n && n < max; i++)
        if (strcmp(w->server[i].name, name) == 0) {
            v[n] = w->server[i].addr;
            v[n++].port = port;
        }
    return n;
}

static void serving_free(serving *v)
{
    if (v->visit != NULL)
        v->server->site.free(v->visit);
    free(v);
}

bool pw__server_accepts(pw_world *w, pw_pipe *p, int side, const qn_addr *to)
{
    for (uint32_t i = 0; i < w->servers_n; i++) {
        pw_server *s = &w->server[i];
        serving *v;

        if (!qn_addr_equal(&s->addr, to) || s->manner == PW_REFUSE || s->manner == PW_NAME ||
            s->refuse)
            continue;
        v = calloc(1, sizeof *v);
        QN_ASSERT(v != NULL);
        v->server = s;
        v->visit = s->manner == PW_SITE ? s->site.open(s->site.site) : NULL;
        p->end[side] = (end){.kind = HOLD_SERVING, .person = v};
        p->end[side].read_paused = s->manner == PW_NEVER_READ;
        return true;
    }
    return false;
}

static void site_says(pw_world *w, pw_pipe *p, int side, serving *v)
{
    const pw_site *site = &v->server->site;
    qn_slice s;
    size_t n;

    while ((s = site->peek(v->visit)).n > 0 && (n = QN_MIN(s.n, pw__room(w, p, side))) > 0) {
        uint8_t part[PART];

        n = QN_MIN(n, sizeof part);
        memcpy(part, s.p, n);
        site->consume(v->visit, n);
        pw__write(w, p, side, part, n, false);
    }
    if (s.n == 0 && site->over(v->visit) && !p->lane[side].fin_sent)
        pw__write(w, p, side, NULL, 0, true);
}

void pw_hang_up(pw_world *w, pw_server *s)
{
    for (pw_pipe *p = w->pipes; p != NULL; p = p->next)
        for (int side = 0; side < 2; side++) {
            serving *v = p->end[side].person;

            if (p->dead || p->end[side].kind != HOLD_SERVING || v->server != s)
                continue;
            s->site.end(v->visit);
            site_says(w, p, side, v);
        }
}

static void serve_on(pw_world *w, pw_pipe *p, int side, serving *v)
{
    bool mid = v->server->manner == PW_RESET_MID;

    if (v->server->manner == PW_SITE) {
        site_says(w, p, side, v);
        return;
    }
    if (v->server->manner == PW_ORIGIN || v->head_n < REQUEST || v->received < v->up)
        return;
    v->sent = pour(w, p, side, v->sent, mid ? v->down / 2 : v->down);
    if (mid && v->sent >= v->down / 2) {
        serving_free(v);
        pw__reset(w, p, side);
    } else if (v->sent == v->down) {
        pw__write(w, p, side, NULL, 0, true);
    }
}

uint64_t pw_heard(const pw_server *s)
{
    return s->heard;
}

bool pw_heard_wrong(const pw_server *s)
{
    return s->corrupt;
}

uint32_t pw_requests(const pw_server *s)
{
    return s->requests;
}

static void origin_hears(pw_world *w, pw_pipe *p, int side, serving *v, const uint8_t *bytes,
                         size_t n)
{
    static const char unasked[] = "and another thing\n";
    bool line = memchr(bytes, '\n', n) != NULL;

    if (v->sent > 0)
        return;
    pw__write(w, p, side, bytes, n, false);
    if (line) {
        v->sent = sizeof unasked - 1;
        pw__write(w, p, side, (const uint8_t *)unasked, sizeof unasked - 1, false);
    }
}

static size_t server_takes(pw_world *w, pw_pipe *p, int side, const uint8_t *bytes, size_t n)
{
    serving *v = p->end[side].person;
    size_t done = QN_MIN(n, (size_t)(REQUEST - v->head_n));

    v->server->heard += n;
    if (v->server->manner == PW_SITE) {
        v->server->site.hear(v->visit, bytes, n);
        site_says(w, p, side, v);
        return n;
    }
    if (v->server->manner == PW_ORIGIN) {
        origin_hears(w, p, side, v, bytes, n);
        return n;
    }
    memcpy(v->head + v->head_n, bytes, done);
    v->head_n += (uint32_t)done;
    if (v->head_n == REQUEST) {
        v->up = qn_get64(v->head);
        v->down = qn_get64(v->head + 8);
        v->server->requests += done > 0;
        v->corrupt |= !matches(bytes + done, n - done, v->received);
        v->received += n - done;
        if (v->corrupt || v->received > v->up) {
            v->server->corrupt = true;
            serving_free(v);
            pw__reset(w, p, side);
        } else {
            serve_on(w, p, side, v);
        }
    }
    return n;
}

/* ---- users ----------------------------------------------------------------------------------- */

static void fetch_over(pw_fetch *f, qn_time now, bool clean)
{
    f->over = true;
    f->clean = clean;
    f->ended = now;
    f->pipe = NULL;
}

static void say(pw_world *w, pw_fetch *f, const void *bytes, size_t n)
{
    pw__write(w, f->pipe, 0, bytes, n, false);
}

pw_fetch *pw_get(pw_world *w, pw_node *n, const char *name, uint16_t port, uint64_t up,
                 uint64_t down, const char *user)
{
    static const qn_addr loopback = {.family = 4, .ip = {127, 0, 0, 1}, .port = 40000};
    pw_fetch *f = calloc(1, sizeof *f);
    pw_pipe *p = pw__pipe_new(w);
    qn_conn c;

    QN_ASSERT(f != NULL && strlen(name) < 200);
    f->next = w->fetches;
    w->fetches = f;
    f->node = n;
    f->up = up;
    f->down = down;
    f->reply = -1;
    f->began = w->now;
    f->dest = (qn_dest){.type = 3, .port = port, .name_len = (uint8_t)strlen(name)};
    memcpy(f->dest.name, name, f->dest.name_len);
    if (user != NULL)
        memcpy(f->user, user, QN_MIN(strlen(user), sizeof f->user - 1));
    pw__stamp(n);
    c = qn_node_accepted(n->core, QN_LISTEN_SOCKS, &loopback, &loopback);
    if (c == 0) {
        fetch_over(f, w->now, false);
        pw__forget(w, p);
        pw__drain(n);
        return f;
    }
    p->end[0] = (end){.kind = HOLD_FETCH, .person = f};
    p->end[1] = (end){.kind = HOLD_NODE, .node = n, .conn = c};
    p->open = true;
    f->pipe = p;
    pw__bind(n, c, p);
    pw__drain(n);
    if (f->pipe != NULL)
        say(w, f, user != NULL ? "\x05\x01\x02" : "\x05\x01\x00", 3);
    return f;
}

static void ask_auth(pw_world *w, pw_fetch *f)
{
    uint8_t msg[3 + sizeof f->user + 1];
    size_t n = strlen(f->user);

    msg[0] = 1;
    msg[1] = (uint8_t)n;
    memcpy(msg + 2, f->user, n);
    msg[2 + n] = 1;
    msg[3 + n] = 'x';
    say(w, f, msg, 4 + n);
}

static void put_head(const pw_fetch *f, uint8_t head[REQUEST])
{
    qn_put64(head, f->up);
    qn_put64(head + 8, f->down);
}

static void fetch_pour(pw_world *w, pw_fetch *f)
{
    if (f->talks && f->sent < f->up)
        f->sent = pour(w, f->pipe, 0, f->sent, f->up);
}

static void ask_connect(pw_world *w, pw_fetch *f)
{
    uint8_t msg[3 + 1 + 1 + 255 + 2 + REQUEST] = {5, 1, 0, 3, f->dest.name_len};
    size_t n = 7u + f->dest.name_len;

    memcpy(msg + 5, f->dest.name, f->dest.name_len);
    qn_put16(msg + 5 + f->dest.name_len, f->dest.port);
    put_head(f, msg + n);
    f->talks = f->hurried;
    say(w, f, msg, f->hurried ? n + REQUEST : n);
    fetch_pour(w, f);
}

/* One SOCKS answer after another; returns how many bytes belong to the conversation so far. */
static size_t fetch_socks(pw_world *w, pw_fetch *f, const uint8_t *p, size_t n)
{
    static const uint32_t want[3] = {2, 2, 10};
    size_t take = QN_MIN(n, (size_t)(want[f->step] - f->got_n));

    memcpy(f->got + f->got_n, p, take);
    f->got_n += (uint32_t)take;
    if (f->got_n < want[f->step])
        return take;
    f->got_n = 0;
    if (f->step == 0 && f->got[1] == 2) {
        f->step = 1;
        ask_auth(w, f);
    } else if (f->step == 2) {
        uint8_t head[REQUEST];

        put_head(f, head);
        f->reply = f->got[1];
        if (f->reply != 0)
            return take;
        f->step = 3;
        if (!f->talks && !f->hushed)
            say(w, f, head, sizeof head);
        f->talks |= !f->hushed;
        fetch_pour(w, f);
    } else {
        f->step = 2;
        ask_connect(w, f);
    }
    return take;
}

static size_t fetch_takes(pw_world *w, pw_fetch *f, const uint8_t *bytes, size_t n)
{
    size_t done = 0;

    while (done < n && f->step < 3 && f->pipe != NULL && f->reply <= 0)
        done += fetch_socks(w, f, bytes + done, n - done);
    if (f->step < 3)
        return n;
    f->corrupt |= !matches(bytes + done, n - done, f->received);
    f->received += n - done;
    return n;
}

/* ---- what pipes ask of people ---------------------------------------------------------------- */

size_t pw__person_takes(pw_world *w, pw_pipe *p, int side, const uint8_t *bytes, size_t n)
{
    if (p->end[side].kind == HOLD_SERVING)
        return server_takes(w, p, side, bytes, n);
    return fetch_takes(w, p->end[side].person, bytes, n);
}

void pw__person_fin(pw_world *w, pw_pipe *p, int side)
{
    if (p->end[side].kind == HOLD_SERVING) {
        serving *v = p->end[side].person;

        /* The user went away: a server that has said all it will closes too. */
        if (p->lane[side].fin_sent || v->head_n < REQUEST || v->received < v->up) {
            bool said = p->lane[side].fin_sent;

            p->end[side].kind = HOLD_NONE;
            serving_free(v);
            if (!said)
                pw__write(w, p, side, NULL, 0, true);
        }
    } else {
        pw_fetch *f = p->end[side].person;

        fetch_over(f, w->now, true);
        p->end[side].kind = HOLD_NONE;
        pw__write(w, p, side, NULL, 0, true);
    }
}

void pw__person_reset(pw_world *w, const end *was)
{
    if (was->kind == HOLD_FETCH)
        fetch_over(was->person, w->now, false);
    else if (was->kind == HOLD_SERVING)
        serving_free(was->person);
}

void pw__person_room(pw_world *w, pw_pipe *p, int side)
{
    if (p->end[side].kind == HOLD_SERVING)
        serve_on(w, p, side, p->end[side].person);
    else
        fetch_pour(w, p->end[side].person);
}

void pw__people_clear(pw_world *w)
{
    while (w->fetches != NULL) {
        pw_fetch *f = w->fetches;

        w->fetches = f->next;
        free(f);
    }
}

/* ---- asking about a fetch -------------------------------------------------------------------- */

pw_result pw_outcome(const pw_fetch *f)
{
    if (!f->over)
        return PW_RUNNING;
    return f->clean && !f->corrupt && f->reply == 0 && f->received == f->down ? PW_DONE : PW_FAILED;
}

uint64_t pw_received(const pw_fetch *f)
{
    return f->received;
}

bool pw_clean_end(const pw_fetch *f)
{
    return f->clean;
}

bool pw_corrupt(const pw_fetch *f)
{
    return f->corrupt;
}

int pw_socks_reply(const pw_fetch *f)
{
    return f->reply;
}

void pw_hurry(pw_fetch *f)
{
    f->hurried = true;
}

void pw_hush(pw_fetch *f)
{
    f->hushed = true;
}

void pw_pause_reading(pw_world *w, pw_fetch *f, bool paused)
{
    f->paused = paused;
    if (f->pipe == NULL)
        return;
    f->pipe->end[0].read_paused = paused;
    if (!paused)
        pw__lane(w, f->pipe, 1);
}

void pw_said_all(pw_world *w, pw_fetch *f)
{
    pw__write(w, f->pipe, 0, NULL, 0, true);
}

qn_time pw_took(const pw_fetch *f)
{
    return f->ended - f->began;
}
