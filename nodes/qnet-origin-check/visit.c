#include "visit.h"

#include "htx/proxy.h"
#include "tls/numbers.h"
#include "tls/protect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define DIAL_PATIENCE (5 * QN_SEC)
#define SHAKE_PATIENCE (10 * QN_SEC)
#define SEND_SECONDS 5

static qn_time now(visit *v)
{
    qn_real_env_stamp(&v->site->real);
    return v->site->real.env.now;
}

/* ---- out ----------------------------------------------------------------------------------- */

static void send_all(visit *v, const uint8_t *p, size_t n, int flags)
{
    if (v->watch != NULL)
        qn_htx_watch_client(v->watch, v->site->real.env.now, p, n);
    while (n > 0) {
        ssize_t sent = send(v->fd, p, n, MSG_NOSIGNAL | flags);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) /* reading says how the origin ended */
            return;
        p += sent;
        n -= (size_t)sent;
    }
}

/* One bit of the first application record among whole records. */
static void turn_bit(visit *v, uint8_t *p, size_t n)
{
    for (size_t at = 0; v->damage && at < n; at += QN_RECORD_HEADER + qn_get16(p + at + 3))
        if (p[at] == QN_TLS_DATA) {
            p[at + QN_RECORD_HEADER] ^= 1;
            v->damage = false;
        }
}

static void flush_tls(visit *v)
{
    uint8_t copy[QN_BLOCK_LARGE];
    qn_slice s;

    while (qn_tls_peek(v->tls, &s, 1) > 0) {
        size_t n = QN_MIN(s.n, sizeof copy); /* a block's pieces hold whole records */

        memcpy(copy, s.p, n);
        turn_bit(v, copy, n);
        send_all(v, copy, n, 0);
        qn_tls_consume(v->tls, n);
    }
}

void visit_flush(visit *v)
{
    qn_slice w;

    while (v->h2 != NULL && (w = qn_h2_peek(v->h2)).n > 0) {
        if (qn_tls_send(v->tls, w) != QN_OK)
            break;
        qn_h2_consume(v->h2, w.n);
    }
    flush_tls(v);
}

void visit_say(visit *v, const void *p, size_t n)
{
    visit_flush(v);
    if (qn_tls_send(v->tls, qn_slice_of(p, n)) == QN_OK)
        flush_tls(v);
}

void visit_raw(visit *v, const void *p, size_t n)
{
    visit_flush(v);
    send_all(v, p, n, 0);
}

/* ---- in ------------------------------------------------------------------------------------ */

static void on_answer(visit *v, const qn_h2_event *ev, size_t length)
{
    answer *a = &v->now;

    if (ev->type == QN_H2_GOAWAY)
        v->goaway = length;
    if (ev->type == QN_H2_FAILED) {
        v->h2_over = true;
        a->err = ev->err;
    }
    if (ev->id != a->id || a->done)
        return;
    if (ev->type == QN_H2_RESPONSE) {
        a->status = ev->status;
        a->date = ev->date;
        a->elsewhere = ev->elsewhere;
        v->site->answers++;
        v->site->slow += now(v) - a->asked > SLOW;
    } else if (ev->type == QN_H2_BODY) {
        a->bytes += ev->n;
    } else if (ev->type == QN_H2_DONE) {
        a->done = true;
        a->err = ev->err;
    }
}

static void take_answers(visit *v, size_t length)
{
    qn_h2_event ev;

    while (v->h2 != NULL && qn_h2_next(v->h2, &ev))
        on_answer(v, &ev, length);
}

static void on_established(visit *v, const qn_tls_event *ev)
{
    qn_h2_cfg cfg = {.profile = v->h2_profile,
                     .authority = qn_slice_of(v->name, strlen(v->name)),
                     .resumed = ev->resumed};

    v->up = true;
    v->est = *ev;
    if (ev->alpn.n != 2 || memcmp(ev->alpn.p, "h2", 2) != 0)
        return;
    if (qn_h2_new(&v->h2, &v->site->real.env, &cfg) != QN_OK)
        v->h2 = NULL;
}

/* Returns how much application data there was. */
static size_t take_events(visit *v, size_t length)
{
    size_t content = 0;
    qn_tls_event ev;

    while (qn_tls_next(v->tls, &ev)) {
        if (ev.type == QN_TLS_ESTABLISHED) {
            on_established(v, &ev);
        } else if (ev.type == QN_TLS_BYTES) {
            content += ev.piece.len;
            if (v->h2 != NULL &&
                qn_h2_push(v->h2, qn_slice_of(qn_piece_data(&ev.piece), ev.piece.len)) != QN_OK)
                v->h2_over = true;
            qn_block_drop(ev.piece.block);
        } else if (ev.type == QN_TLS_TICKET) {
            v->site->early_data |= ev.ticket.early_data;
            if (v->tickets++ == 0)
                v->ticket = ev.ticket;
        } else {
            v->over = true;
            v->err = ev.err;
        }
    }
    take_answers(v, length);
    return content;
}

/* Whose the record was: an alert's, an answer's, or neither's. */
static void note(visit *v, size_t length, size_t content, bool answering)
{
    site *s = v->site;

    if (v->over && (v->err == QN_OK || v->err == QN_REFUSED)) {
        v->alert = length;
        return;
    }
    s->ordinary[length / 8] |= (uint8_t)(1u << length % 8);
    s->content_max = QN_MAX(s->content_max, content);
    if (answering) {
        if (length >= QN_HTX_PROOF_MIN) {
            v->now.big++;
            v->now.behind = 0;
        } else if (v->now.big > 0) {
            v->now.behind++;
        }
    }
    if (content == 0 || !answering || v->now.status == 0)
        s->control_max = QN_MAX(s->control_max, length);
}

/* A whole record is never held: it passes, or it is the one that PROOF goes out instead of. */
static void show(visit *v, const uint8_t *record, size_t n)
{
    size_t used, due;

    if (v->watch == NULL || v->proved)
        return;
    v->proved = qn_htx_watch_origin(v->watch, v->site->real.env.now, record, n, &used, &due) ==
                QN_HTX_PROVE;
    qn_htx_watch_sent(v->watch, used);
}

static void on_record(visit *v, const uint8_t *record, size_t n)
{
    size_t length = n - QN_RECORD_HEADER, content;
    bool was_up = v->up, answering = v->talking && !v->now.done;

    show(v, record, n);
    if (v->over) {
        if (v->late++ == 0)
            v->late_length = length;
        return;
    }
    if (qn_tls_record(v->tls, record, n) == QN_AUTH)
        qn_tls_damaged(v->tls);
    content = take_events(v, length);
    if (record[0] != QN_TLS_DATA)
        return;
    if (!was_up) {
        v->flight += length;
        v->flight_last = length;
        if (!v->over)
            v->site->ordinary[length / 8] |= (uint8_t)(1u << length % 8);
    }
    if (was_up || v->over)
        note(v, length, content, answering);
}

static void take_records(visit *v)
{
    size_t at = 0, size;
    qn_err err;

    while ((err = qn_tls_track(v->in + at, v->in_n - at, &size)) == QN_OK) {
        on_record(v, v->in + at, size);
        at += size;
    }
    if (err != QN_SHORT && !v->over) {
        qn_tls_misframed(v->tls, err);
        (void)take_events(v, 0);
        v->err = err;
    }
    if (err != QN_SHORT) /* no records: none of it will make sense */
        at = v->in_n;
    memmove(v->in, v->in + at, v->in_n - at);
    v->in_n -= at;
}

static void on_end(visit *v, ending how)
{
    v->end = how;
    if (!v->over) {
        qn_tls_eof(v->tls);
        (void)take_events(v, 0);
    }
}

/* Sends what is ready and takes in what comes before `until`. False: nothing came, or the end. */
static bool step(visit *v, qn_time until)
{
    struct pollfd wait = {.fd = v->fd, .events = POLLIN};
    qn_time at;
    ssize_t n;

    visit_flush(v);
    at = now(v);
    if (v->end != OPEN || at >= until)
        return false;
    if (poll(&wait, 1, (int)((until - at) / QN_MS + 1)) <= 0)
        return true; /* the loop looks at the clock again */
    n = recv(v->fd, v->in + v->in_n, sizeof v->in - v->in_n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        on_end(v, n == 0 ? FIN : RST);
        return false;
    }
    v->in_n += (size_t)n;
    (void)now(v);
    take_records(v);
    return true;
}

void visit_wait(visit *v, qn_time patience)
{
    qn_time until = now(v) + patience;

    while (step(v, until)) {
    }
}

void visit_wait_goaway(visit *v, qn_time patience)
{
    qn_time until = now(v) + patience;

    while (v->goaway == 0 && step(v, until)) {
    }
}

/* ---- beginning and end --------------------------------------------------------------------- */

static socklen_t socket_address(const qn_addr *a, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (a->family == 4) {
        four->sin_family = AF_INET;
        four->sin_port = htons(a->port);
        memcpy(&four->sin_addr, a->ip, 4);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(a->port);
    memcpy(&six->sin6_addr, a->ip, 16);
    return sizeof *six;
}

static socklen_t unix_address(const char *path, struct sockaddr_storage *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)out;

    memset(out, 0, sizeof *out);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, QN_MIN(strlen(path), sizeof un->sun_path - 1));
    return sizeof *un;
}

static bool connected(visit *v, const struct sockaddr *to, socklen_t n)
{
    struct pollfd wait = {.fd = v->fd, .events = POLLOUT};
    int error = 0;
    socklen_t error_n = sizeof error;

    if (connect(v->fd, to, n) == 0)
        return true;
    return errno == EINPROGRESS && poll(&wait, 1, (int)(DIAL_PATIENCE / QN_MS)) == 1 &&
           getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &error_n) == 0 && error == 0;
}

static bool dial(visit *v)
{
    struct timeval patience = {.tv_sec = SEND_SECONDS};
    struct sockaddr_storage to;
    const char *path = v->site->unix_path;
    socklen_t n = path != NULL ? unix_address(path, &to) : socket_address(&v->site->addr, &to);
    qn_time began;
    int on = 1;

    v->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (v->fd < 0)
        return false;
    began = now(v);
    if (!connected(v, (struct sockaddr *)&to, n))
        return false;
    v->site->rtt = QN_MIN(v->site->rtt, now(v) - began);
    (void)setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(v->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fcntl(v->fd, F_SETFL, 0) == 0;
}

/* A stranger's address (RFC 5737), so that the origin treats us as it treats strangers. */
static void send_proxy(visit *v)
{
    static const qn_addr stranger = {.family = 4, .ip = {192, 0, 2, 77}, .port = 40077};
    uint8_t header[QN_HTX_PROXY_MAX];

    send_all(v, header, qn_htx_proxy_put(&stranger, &v->site->addr, header), MSG_MORE);
}

/* The hello leaves; from then on the bystander looks on. */
static qn_err start(visit *v, qn_htx_watch *watch)
{
    qn_htx_watch_cfg cfg;
    uint8_t session_id[sizeof cfg.session_id];
    qn_err err;

    qn_rng_fill(&v->site->real.env, session_id, sizeof session_id);
    err = qn_tls_start(v->tls, session_id);
    if (err != QN_OK || watch == NULL)
        return err;
    visit_flush(v);
    cfg = watch->cfg;
    memcpy(cfg.session_id, session_id, sizeof session_id);
    qn_htx_watch_init(watch, &cfg);
    v->watch = watch;
    return QN_OK;
}

bool visit_open(visit *v, site *s, const visit_cfg *cfg)
{
    qn_tls_cfg tls = {.profile = cfg->tls,
                      .roots = s->roots,
                      .name = qn_slice_of(cfg->name, strlen(cfg->name)),
                      .ticket = cfg->ticket};
    qn_time until;

    *v = (visit){.site = s, .h2_profile = cfg->h2, .name = cfg->name, .fd = -1, .end = OPEN};
    v->damage = cfg->damage;
    if (!dial(v))
        return false;
    v->err = qn_tls_create(&v->tls, &s->real.env, &tls);
    if (v->err != QN_OK)
        return true;
    if (s->proxy)
        send_proxy(v);
    v->err = start(v, cfg->watch);
    until = now(v) + SHAKE_PATIENCE;
    while (v->err == QN_OK && !v->up && !v->over && step(v, until)) {
    }
    if (!v->up && v->err == QN_OK)
        v->err = QN_TIMEOUT;
    visit_flush(v);
    return true;
}

void visit_close(visit *v)
{
    if (v->h2 != NULL)
        qn_h2_free(v->h2);
    qn_tls_destroy(v->tls);
    if (v->fd >= 0)
        (void)close(v->fd);
    v->h2 = NULL;
    v->tls = NULL;
    v->fd = -1;
}

bool visit_ask(visit *v, qn_h2_kind kind, const char *path, uint64_t largest, qn_time patience)
{
    qn_time until = now(v) + patience;
    uint32_t id;

    v->now = (answer){.asked = now(v)};
    if (v->h2 == NULL || v->over ||
        qn_h2_request(v->h2, kind, qn_slice_of(path, strlen(path)), largest, &id) != QN_OK)
        return false;
    v->now.id = id;
    v->talking = true;
    while (!v->now.done && !v->over && !v->h2_over && step(v, until)) {
    }
    v->talking = false;
    visit_flush(v);
    return v->now.done && v->now.err == QN_OK;
}
