/* The client's machine: records, bytes and endings. What handshake messages
 * mean is in shake*.c. */
#include "tls/internal.h"

/* ---- beginning and end --------------------------------------------------------------------- */

void qn_tls_shake_free(qn_tls *c)
{
    if (c->shake == NULL)
        return;
    qn_cert_key_free(c->shake->leaf);
    qn_wipe(c->shake, sizeof *c->shake);
    qn_mem_put(&c->env->mem, c->shake, sizeof *c->shake);
    c->shake = NULL;
    qn_running_clear(&c->transcript);
}

static void drop_input(qn_tls *c)
{
    qn_inbox_drop(&c->records);
    qn_mem_put(&c->env->mem, c->message, c->message_cap);
    c->message = NULL;
    c->message_n = c->message_cap = 0;
}

void qn_tls_destroy(qn_tls *c)
{
    qn_env *env;

    if (c == NULL)
        return;
    env = c->env;
    drop_input(c);
    qn_block_drop(c->data.block);
    qn_queue_clear(&c->out, &env->mem);
    qn_tls_shake_free(c);
    qn_wipe(c, sizeof *c);
    qn_mem_put(&env->mem, c, sizeof *c);
}

/* The hello as it will leave, but for session id and binder. */
static qn_err write_hello(qn_tls *c, const qn_tls_ticket *ticket)
{
    qn_tls_shake *s = c->shake;
    const qn_tls_suite *suite = ticket != NULL ? qn_tls_suite_of(ticket->suite) : NULL;
    qn_tls_hello_spec spec = {.profile = c->profile, .name = qn_slice_of(c->name, c->name_n)};
    qn_err err;

    if (suite != NULL) {
        spec.binder = qn_md_size(suite->md);
        s->offered = qn_tls_ticket_fits(c->profile, ticket, spec.binder, c->env->now);
    }
    if (s->offered) {
        s->ticket = *ticket;
        spec.ticket = &s->ticket;
    }
    qn_tls_draw_make(&s->draw, c->env, c->profile,
                     s->offered ? qn_tls_psk_size(ticket, spec.binder) : 0);
    qn_tls_shares_draw(&s->shares, c->env, c->profile->one_x25519);
    err = qn_tls_hello_write(&spec, &s->draw, &s->shares, c->env, s->hello, &s->hello_n, &s->cut);
    memset(s->hello + QN_TLS_HELLO_SESSION_ID, 0, sizeof s->draw.session_id);
    return err;
}

qn_err qn_tls_create(qn_tls **out, qn_env *env, const qn_tls_cfg *cfg)
{
    qn_tls *c = qn_mem_get(&env->mem, sizeof *c);
    qn_err err;

    QN_ASSERT(cfg->name.n > 0 && cfg->name.n <= sizeof c->name);
    if (c == NULL)
        return QN_NOMEM;
    c->env = env;
    c->profile = cfg->profile;
    c->roots = cfg->roots;
    c->name_n = (uint8_t)cfg->name.n;
    memcpy(c->name, cfg->name.p, cfg->name.n);
    c->shake = qn_mem_get(&env->mem, sizeof *c->shake);
    err = c->shake != NULL ? write_hello(c, cfg->ticket) : QN_NOMEM;
    if (err != QN_OK) {
        qn_tls_destroy(c);
        return err;
    }
    *out = c;
    return QN_OK;
}

qn_slice qn_tls_prologue(const qn_tls *c)
{
    QN_ASSERT(c->state == QN_TLS_CREATED);
    return qn_slice_of(c->shake->hello, c->shake->cut);
}

const qn_tls_shares *qn_tls_secrets(const qn_tls *c)
{
    return c->shake != NULL ? &c->shake->shares : NULL;
}

/* ---- out ----------------------------------------------------------------------------------- */

/* Before the version is settled records say 1.0, as BoringSSL and NSS write
 * them. */
qn_err qn_tls_emit(qn_tls *c, uint8_t type, qn_slice content)
{
    bool settled = c->state > QN_TLS_WANT_HELLO || c->retried;

    return qn_tls_seal(&c->tx, c->env, type, settled ? 0x0303 : 0x0301, content, &c->out);
}

/* Once, before the first flight that follows the first hello (RFC 8446 D.4). */
qn_err qn_tls_emit_ccs(qn_tls *c)
{
    qn_tls_keys plain = {0};

    if (c->ccs_sent)
        return QN_OK;
    c->ccs_sent = true;
    return qn_tls_seal(&plain, c->env, QN_TLS_CCS, 0x0303, qn_slice_of("\x01", 1), &c->out);
}

static qn_err bind_ticket(qn_tls *c)
{
    qn_tls_shake *s = c->shake;
    qn_md md = qn_tls_suite_of(s->ticket.suite)->md;
    qn_slice hello = qn_slice_of(s->hello, s->cut);
    uint8_t hash[QN_MD_MAX];
    qn_err err = c->retried ? qn_running_peek(&c->transcript, c->env, hello, hash)
                            : qn_md_hash(c->env, md, &hello, 1, hash);

    if (err == QN_OK) /* behind the lengths of the list and of the binder */
        err = qn_tls_binder(c->env, md, qn_slice_of(s->ticket.psk, qn_md_size(md)), hash,
                            s->hello + s->cut + 3);
    return err;
}

qn_err qn_tls_emit_hello(qn_tls *c)
{
    qn_tls_shake *s = c->shake;
    qn_err err = s->offered ? bind_ticket(c) : QN_OK;

    if (err == QN_OK)
        err = qn_tls_emit(c, QN_TLS_HANDSHAKE, qn_slice_of(s->hello, s->hello_n));
    return err;
}

qn_err qn_tls_start(qn_tls *c, const uint8_t session_id[32])
{
    qn_tls_shake *s = c->shake;
    qn_err err;

    QN_ASSERT(c->state == QN_TLS_CREATED);
    if (session_id != NULL)
        memcpy(s->draw.session_id, session_id, sizeof s->draw.session_id);
    memcpy(s->hello + QN_TLS_HELLO_SESSION_ID, s->draw.session_id, sizeof s->draw.session_id);
    err = qn_tls_emit_hello(c);
    if (err == QN_OK)
        c->state = QN_TLS_WANT_HELLO;
    return err;
}

/* Nothing follows; secrets of the handshake go now, the rest with destroy. */
static void end(qn_tls *c, qn_err err)
{
    c->state = QN_TLS_OVER;
    c->err = err;
    c->ended_due = true;
    drop_input(c);
    qn_tls_shake_free(c);
}

/* In Finished's place, so under keys, Chromium's stands behind the CCS that belongs there. */
static qn_err emit_alert(qn_tls *c, const uint8_t alert[2])
{
    qn_err err = QN_OK;

    if (c->profile->ccs_first && c->state > QN_TLS_WANT_HELLO && c->state < QN_TLS_UP)
        err = qn_tls_emit_ccs(c);
    return err == QN_OK ? qn_tls_emit(c, QN_TLS_ALERT, qn_slice_of(alert, 2)) : err;
}

void qn_tls_fail(qn_tls *c, qn_tls_fault fault)
{
    uint8_t alert[2] = {2, fault.alert};

    if (c->state == QN_TLS_OVER)
        return;
    if (c->state != QN_TLS_CREATED && emit_alert(c, alert) != QN_OK)
        qn_log_line(c->env, QN_LOG_DEBUG, "tls", "no memory for an alert");
    end(c, fault.err);
}

void qn_tls_damaged(qn_tls *c)
{
    qn_tls_fail(c, qn_tls_fault_of(QN_AUTH, QN_TLS_BAD_RECORD_MAC));
}

void qn_tls_misframed(qn_tls *c, qn_err err)
{
    qn_tls_fail(c, qn_tls_fault_of(err, err == QN_LIMIT ? QN_TLS_RECORD_OVERFLOW
                                                        : QN_TLS_PROTOCOL_VERSION));
}

void qn_tls_eof(qn_tls *c)
{
    if (c->state != QN_TLS_OVER)
        end(c, QN_GONE);
}

unsigned qn_tls_peek(const qn_tls *c, qn_slice *v, unsigned max)
{
    return qn_queue_peek(&c->out, v, max);
}

void qn_tls_consume(qn_tls *c, size_t n)
{
    qn_queue_consume(&c->out, &c->env->mem, n);
}

/* The answer to a KeyUpdate leaves in front of the next data, as BoringSSL
 * sends it. */
static qn_err send_update(qn_tls *c)
{
    static const uint8_t message[5] = {QN_TLS_KEY_UPDATE, 0, 0, 1, 0};
    qn_err err = qn_tls_emit(c, QN_TLS_HANDSHAKE, qn_slice_of(message, sizeof message));

    if (err != QN_OK)
        return err;
    err = qn_tls_keys_update(&c->tx, c->env);
    if (err != QN_OK) /* the server already counts on new keys */
        end(c, err);
    c->update_owed = false;
    return err;
}

qn_err qn_tls_send(qn_tls *c, qn_slice data)
{
    qn_err err = QN_OK;

    if (c->state != QN_TLS_UP)
        return QN_STATE;
    if (c->out.bytes > QN_TLS_OUT_MAX)
        return QN_FULL;
    if (c->update_owed)
        err = send_update(c);
    return err == QN_OK ? qn_tls_emit(c, QN_TLS_DATA, data) : err;
}

qn_err qn_tls_close(qn_tls *c)
{
    static const uint8_t notify[2] = {1, QN_TLS_CLOSE_NOTIFY};

    if (c->state != QN_TLS_UP)
        return QN_STATE;
    c->closed = true;
    return qn_tls_emit(c, QN_TLS_ALERT, qn_slice_of(notify, sizeof notify));
}

qn_err qn_tls_answer_close(qn_tls *c, qn_slice data)
{
    static const uint8_t notify[2] = {1, QN_TLS_CLOSE_NOTIFY};
    qn_err err = QN_OK;

    if (c->state != QN_TLS_OVER || c->err != QN_OK || c->closed)
        return QN_STATE;
    c->closed = true;
    if (data.n > 0)
        err = qn_tls_emit(c, QN_TLS_DATA, data);
    return err == QN_OK ? qn_tls_emit(c, QN_TLS_ALERT, qn_slice_of(notify, sizeof notify)) : err;
}

/* ---- in ------------------------------------------------------------------------------------ */

/* Handshake bytes wait here until their message is complete. */
static qn_tls_fault gather(qn_tls *c, qn_slice s)
{
    size_t need = c->message_n + s.n;

    if (s.n == 0) /* 5.1: no empty fragments of handshake */
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    if (need > c->message_cap) {
        size_t cap = QN_MAX(need, 2 * c->message_cap);
        uint8_t *grown = qn_mem_get(&c->env->mem, cap);

        if (grown == NULL)
            return qn_tls_ours(QN_NOMEM);
        if (c->message_n > 0)
            memcpy(grown, c->message, c->message_n);
        qn_mem_put(&c->env->mem, c->message, c->message_cap);
        c->message = grown;
        c->message_cap = cap;
    }
    memcpy(c->message + c->message_n, s.p, s.n);
    c->message_n = need;
    return qn_tls_fine();
}

static qn_tls_fault on_alert(qn_tls *c, qn_slice s)
{
    if (s.n != 2)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_DECODE_ERROR);
    if (s.p[1] == QN_TLS_USER_CANCELED && ++c->warnings <= QN_TLS_FLOOD_MAX)
        return qn_tls_fine();
    end(c, s.p[1] == QN_TLS_CLOSE_NOTIFY && c->state == QN_TLS_UP ? QN_OK : QN_REFUSED);
    return qn_tls_fine();
}

static qn_tls_fault on_ccs(qn_tls *c, qn_slice s)
{
    if (c->state == QN_TLS_UP || s.n != 1 || s.p[0] != 1 || ++c->ccs > QN_TLS_FLOOD_MAX)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    return qn_tls_fine();
}

static qn_tls_fault on_plain(qn_tls *c, uint8_t type, qn_slice s)
{
    if (s.n > QN_RECORD_CONTENT_MAX)
        return qn_tls_fault_of(QN_LIMIT, QN_TLS_RECORD_OVERFLOW);
    if (type == QN_TLS_ALERT)
        return on_alert(c, s);
    if (type != QN_TLS_HANDSHAKE)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    return gather(c, s);
}

/* Takes the piece over. */
static qn_tls_fault on_opened(qn_tls *c, uint8_t type, qn_piece piece)
{
    qn_slice s = qn_slice_of(qn_piece_data(&piece), piece.len);
    qn_tls_fault fault = qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    bool whole = c->message_n == 0; /* nothing may stand inside a handshake message */

    if (type == QN_TLS_DATA && c->state == QN_TLS_UP && whole) {
        c->updates = 0;
        if (s.n > 0) {
            c->empty = 0;
            c->data = piece;
            return qn_tls_fine();
        }
        if (++c->empty <= QN_TLS_FLOOD_MAX)
            fault = qn_tls_fine();
    } else if (type == QN_TLS_HANDSHAKE) {
        fault = gather(c, s);
    } else if (type == QN_TLS_ALERT && whole) {
        fault = on_alert(c, s);
    }
    qn_block_drop(piece.block);
    return fault;
}

static qn_tls_fault opened(qn_tls *c, const uint8_t *record, size_t n)
{
    qn_piece piece;
    uint8_t type;
    qn_err err = qn_tls_unseal(&c->rx, c->env, record, n, &piece, &type);

    if (err == QN_OK)
        return on_opened(c, type, piece);
    if (err == QN_LIMIT)
        return qn_tls_fault_of(err, QN_TLS_RECORD_OVERFLOW);
    if (err == QN_PROTO)
        return qn_tls_fault_of(err, QN_TLS_UNEXPECTED_MESSAGE);
    return err == QN_AUTH ? qn_tls_fault_of(err, QN_TLS_BAD_RECORD_MAC) : qn_tls_ours(err);
}

qn_err qn_tls_record(qn_tls *c, const uint8_t *record, size_t n)
{
    qn_slice body = qn_slice_of(record + QN_RECORD_HEADER, n - QN_RECORD_HEADER);
    uint8_t type = record[0];
    qn_tls_fault fault;

    QN_ASSERT(n >= QN_RECORD_HEADER && c->data.block == NULL);
    if (c->state == QN_TLS_OVER)
        return QN_STATE;
    if (type == QN_TLS_CCS)
        fault = on_ccs(c, body);
    else if (c->rx.suite == NULL)
        fault = on_plain(c, type, body);
    else if (type != QN_TLS_DATA)
        fault = qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    else
        fault = opened(c, record, n);
    if (fault.err == QN_AUTH)
        return QN_AUTH;
    if (fault.err != QN_OK)
        qn_tls_fail(c, fault);
    return QN_OK;
}

qn_err qn_tls_record_behind(qn_tls *c, unsigned missed, const uint8_t *record, size_t n)
{
    qn_err err;

    c->rx.seq += missed;
    err = qn_tls_record(c, record, n);
    if (err == QN_AUTH)
        c->rx.seq -= missed;
    return err;
}

qn_span qn_tls_space(qn_tls *c)
{
    if (c->state == QN_TLS_CREATED || c->state == QN_TLS_OVER)
        return (qn_span){0};
    return qn_inbox_space(&c->records, c->env);
}

void qn_tls_commit(qn_tls *c, size_t n)
{
    if (n > 0 && c->state != QN_TLS_OVER)
        qn_inbox_commit(&c->records, c->env, n);
}

/* Puts an incomplete record away, so that the scratch is free. */
static void stow(qn_tls *c)
{
    if (qn_inbox_stow(&c->records, c->env) != QN_OK)
        qn_tls_fail(c, qn_tls_ours(QN_NOMEM));
}

/* ---- events -------------------------------------------------------------------------------- */

/* One message of the buffer, if it is complete. False: more bytes are needed.
 */
static bool step_message(qn_tls *c, qn_tls_event *ev, bool *event)
{
    qn_tls_fault fault = qn_tls_fine();
    size_t size;

    if (c->message_n < 4)
        return false;
    size = 4 + qn_get24(c->message + 1);
    if (size > QN_TLS_MESSAGE_MAX)
        fault = qn_tls_fault_of(QN_LIMIT, QN_TLS_ILLEGAL_PARAMETER);
    else if (c->message_n < size)
        return false;
    else if (c->state == QN_TLS_UP)
        fault = qn_tls_on_post(c, qn_slice_of(c->message, size), ev, event);
    else
        fault = qn_tls_on_shake(c, qn_slice_of(c->message, size));
    if (fault.err != QN_OK) {
        qn_tls_fail(c, fault);
        return true;
    }
    c->message_n -= size;
    if (c->message_n > 0) {
        memmove(c->message, c->message + size, c->message_n);
        return true;
    }
    qn_mem_put(&c->env->mem, c->message, c->message_cap);
    c->message = NULL;
    c->message_cap = 0;
    return true;
}

/* One record of what was read. False: more bytes are needed, or none are left.
 */
static bool step_record(qn_tls *c)
{
    const uint8_t *record = c->records.p;
    size_t n = c->records.n, size;
    qn_err err = n > 0 ? qn_tls_track(record, n, &size) : QN_SHORT;

    if (err == QN_SHORT) {
        stow(c);
        return c->state == QN_TLS_OVER;
    }
    if (err != QN_OK) {
        qn_tls_misframed(c, err);
        return true;
    }
    qn_inbox_take(&c->records, size);
    if (qn_tls_record(c, record, size) != QN_OK)
        qn_tls_damaged(c);
    return true;
}

static void say_established(qn_tls *c, qn_tls_event *ev)
{
    c->established_due = false;
    *ev = (qn_tls_event){.type = QN_TLS_ESTABLISHED,
                         .suite = c->suite->id,
                         .group = c->group,
                         .resumed = c->resumed,
                         .retried = c->retried,
                         .asked_certificate = c->asked,
                         .alps = c->alps,
                         .anchors = c->anchors,
                         .ech = c->ech,
                         .leaf = c->leaf,
                         .alpn = qn_slice_of(c->alpn, c->alpn_n)};
}

bool qn_tls_next(qn_tls *c, qn_tls_event *ev)
{
    bool event = false;

    for (;;) {
        if (c->data.block != NULL) {
            *ev = (qn_tls_event){.type = QN_TLS_BYTES, .piece = c->data};
            c->data = (qn_piece){0};
            return true;
        }
        if (c->established_due) {
            say_established(c, ev);
            return true;
        }
        if (c->state == QN_TLS_OVER) {
            *ev = (qn_tls_event){.type = QN_TLS_ENDED, .err = c->err};
            event = c->ended_due;
            c->ended_due = false;
            return event;
        }
        if (!step_message(c, ev, &event) && !step_record(c))
            return false;
        if (event)
            return true;
    }
}
