#include "dir/message.h"

#include "base/cbor.h"
#include "crypto/crypto.h"

enum { PREFIX = 4, FIRST_BUFFER = 1024 };

/* ---- one message ----------------------------------------------------------------------------- */

/* The head of a string of n bytes: what qn_cbor_bytes writes in front of them. */
static void put_string_head(qn_cbor_w *w, bool text, size_t n)
{
    size_t at = w->n;

    /* Strings differ from integers in the three bits of the major type only (RFC 8949 3.1). */
    qn_cbor_uint(w, n);
    w->p[at] |= text ? 3 << 5 : 2 << 5;
}

size_t qn_dir_message_head(const qn_dir_message *m, uint8_t out[QN_DIR_HEAD_MAX])
{
    qn_cbor_w w;
    size_t payload = 0;

    qn_cbor_w_init(&w, out + PREFIX, QN_DIR_HEAD_MAX - PREFIX);
    switch (m->type) {
    case QN_DIR_REGISTER:
    case QN_DIR_HEARTBEAT:
    case QN_DIR_OFFER:
    case QN_DIR_SHARE:
    case QN_DIR_PROOF:
    case QN_DIR_SNAPSHOT:
    case QN_DIR_SIGNED:
    case QN_DIR_DESCRIPTOR:
    case QN_DIR_PACKED:
    case QN_DIR_DELTA:
    case QN_DIR_NEWS:
    case QN_DIR_HEARD:
    case QN_DIR_MOOR:
    case QN_DIR_MEASURED:
    case QN_DIR_ROOTS:
        QN_ASSERT(m->bytes.n <= QN_SNAPSHOT_MAX);
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, m->type);
        put_string_head(&w, false, m->bytes.n);
        payload = m->bytes.n;
        break;
    case QN_DIR_LIST:
        qn_cbor_array(&w, 4);
        qn_cbor_uint(&w, m->type);
        qn_cbor_uint(&w, m->version);
        qn_cbor_uint(&w, m->root);
        put_string_head(&w, false, m->bytes.n);
        payload = m->bytes.n;
        break;
    case QN_DIR_INTRODUCE:
        qn_cbor_array(&w, 3);
        qn_cbor_uint(&w, m->type);
        qn_cbor_uint(&w, m->version);
        put_string_head(&w, false, m->bytes.n);
        payload = m->bytes.n;
        break;
    case QN_DIR_ERROR:
        QN_ASSERT(m->bytes.n <= QN_DIR_TEXT_MAX && m->code >= 400 && m->code <= 599);
        qn_cbor_array(&w, 3);
        qn_cbor_uint(&w, m->type);
        qn_cbor_uint(&w, m->code);
        put_string_head(&w, true, m->bytes.n);
        payload = m->bytes.n;
        break;
    case QN_DIR_PROVEN:
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, m->type);
        qn_cbor_uint(&w, m->version);
        break;
    case QN_DIR_DESCRIBE:
    case QN_DIR_OK:
    case QN_DIR_UNCHANGED:
        qn_cbor_array(&w, 1);
        qn_cbor_uint(&w, m->type);
        break;
    }
    QN_ASSERT(w.err == QN_OK && w.n > 0);
    qn_put32(out, (uint32_t)(w.n + payload));
    return PREFIX + w.n;
}

/* Items in the array behind each type; 0: no such type. */
static uint64_t items_of(uint64_t type)
{
    switch (type) {
    case QN_DIR_REGISTER:
    case QN_DIR_HEARTBEAT:
    case QN_DIR_OFFER:
    case QN_DIR_SHARE:
    case QN_DIR_PROOF:
    case QN_DIR_SNAPSHOT:
    case QN_DIR_SIGNED:
    case QN_DIR_DESCRIPTOR:
    case QN_DIR_PACKED:
    case QN_DIR_DELTA:
    case QN_DIR_ROOTS:
    case QN_DIR_NEWS:
    case QN_DIR_HEARD:
    case QN_DIR_PROVEN:
    case QN_DIR_MOOR:
    case QN_DIR_MEASURED:
        return 2;
    case QN_DIR_LIST:
        return 4;
    case QN_DIR_INTRODUCE:
    case QN_DIR_ERROR:
        return 3;
    case QN_DIR_DESCRIBE:
    case QN_DIR_OK:
    case QN_DIR_UNCHANGED:
        return 1;
    default:
        return 0;
    }
}

static void get_list(qn_cbor_r *r, qn_dir_message *m)
{
    uint64_t root;

    m->version = qn_cbor_get_uint(r);
    root = qn_cbor_get_uint(r);
    m->bytes = qn_cbor_get_bytes(r);
    if (r->err == QN_OK && (root == 0 || root > UINT32_MAX))
        r->err = QN_PROTO;
    m->root = (uint32_t)root;
    if (r->err == QN_OK && m->bytes.n != (m->version != 0 ? sizeof(qn_hash) : 0))
        r->err = QN_PROTO;
}

static void get_nonce(qn_cbor_r *r, qn_dir_message *m)
{
    m->version = qn_cbor_get_uint(r);
    if (m->type == QN_DIR_INTRODUCE)
        m->bytes = qn_cbor_get_bytes(r);
}

static void get_error(qn_cbor_r *r, qn_dir_message *m)
{
    uint64_t code = qn_cbor_get_uint(r);

    m->bytes = qn_cbor_get_text(r);
    if (r->err == QN_OK && (code < 400 || code > 599 || m->bytes.n > QN_DIR_TEXT_MAX))
        r->err = QN_PROTO;
    m->code = (uint16_t)code;
}

qn_err qn_dir_message_decode(qn_dir_message *m, qn_slice in)
{
    qn_dir_message got = {0};
    uint64_t items, type;
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, in.p, in.n);
    items = qn_cbor_get_array(&r);
    type = qn_cbor_get_uint(&r);
    if (r.err == QN_OK && (items == 0 || items != items_of(type)))
        return QN_PROTO;
    got.type = (qn_dir_type)type;
    if (type == QN_DIR_LIST)
        get_list(&r, &got);
    else if (type == QN_DIR_INTRODUCE || type == QN_DIR_PROVEN)
        get_nonce(&r, &got);
    else if (type == QN_DIR_ERROR)
        get_error(&r, &got);
    else if (items == 2)
        got.bytes = qn_cbor_get_bytes(&r);
    err = qn_cbor_end(&r);
    if (err == QN_OK)
        *m = got;
    return err;
}

/* ---- codes ----------------------------------------------------------------------------------- */

static const struct {
    qn_err err;
    uint16_t code;
} codes[] = {
    {QN_AUTH, 403},     {QN_UNKNOWN, 404}, {QN_STATE, 405},       {QN_STALE, 409},
    {QN_EXPIRED, 410},  {QN_LIMIT, 413},   {QN_EARLY, 425},       {QN_QUOTA, 429},
    {QN_INTERNAL, 500}, {QN_BUSY, 503},    {QN_UNREACHABLE, 504},
};

uint16_t qn_dir_code_of(qn_err err)
{
    for (size_t i = 0; i < QN_LEN(codes); i++)
        if (codes[i].err == err)
            return codes[i].code;
    if (err == QN_REFUSED || err == QN_POLICY || err == QN_NETWORK)
        return 403;
    if (qn_err_band(err) == QN_BAND_PEER)
        return 400;
    return 503;
}

qn_err qn_dir_err_of(uint16_t code)
{
    for (size_t i = 0; i < QN_LEN(codes); i++)
        if (codes[i].code == code)
            return codes[i].err;
    return code == 400 ? QN_PROTO : QN_REFUSED;
}

/* ---- reader ---------------------------------------------------------------------------------- */

void qn_dir_reader_init(qn_dir_reader *r, uint32_t max)
{
    *r = (qn_dir_reader){.max = max};
}

void qn_dir_reader_clear(qn_dir_reader *r, qn_env *env)
{
    qn_mem_put(&env->mem, r->buf, r->cap);
    qn_dir_reader_init(r, r->max);
}

bool qn_dir_reader_idle(const qn_dir_reader *r)
{
    return r->got == 0 || (r->got >= PREFIX && r->got == r->need + PREFIX);
}

static uint32_t take_head(qn_dir_reader *r, qn_slice in)
{
    uint32_t n = (uint32_t)QN_MIN(in.n, (size_t)(PREFIX - r->got));

    memcpy(r->head + r->got, in.p, n);
    r->got += n;
    if (r->got == PREFIX)
        r->need = qn_get32(r->head);
    return n;
}

/* Room for `want` bytes of the message: doubled from what is there, never beyond its length. */
static qn_err grow(qn_dir_reader *r, qn_env *env, uint32_t want)
{
    uint32_t cap = QN_MAX(r->cap * 2, (uint32_t)FIRST_BUFFER), have = r->got - PREFIX;
    uint8_t *buf;

    if (want <= r->cap)
        return QN_OK;
    cap = QN_MIN(QN_MAX(cap, want), r->need);
    buf = qn_mem_get(&env->mem, cap);
    if (buf == NULL)
        return QN_NOMEM;
    if (have > 0)
        memcpy(buf, r->buf, have);
    qn_mem_put(&env->mem, r->buf, r->cap);
    r->buf = buf;
    r->cap = cap;
    return QN_OK;
}

static qn_err take_body(qn_dir_reader *r, qn_env *env, qn_slice in, size_t *used)
{
    uint32_t have = r->got - PREFIX;
    uint32_t n = (uint32_t)QN_MIN(in.n, (size_t)(r->need - have));
    qn_err err = grow(r, env, have + n);

    if (err != QN_OK)
        return err;
    if (n > 0)
        memcpy(r->buf + have, in.p, n);
    r->got += n;
    *used += n;
    return QN_OK;
}

qn_err qn_dir_reader_push(qn_dir_reader *r, qn_env *env, qn_slice in, size_t *used,
                          qn_dir_message *m)
{
    qn_err err;

    *used = 0;
    if (r->got > 0 && qn_dir_reader_idle(r)) /* the last message was handed out: let it go */
        qn_dir_reader_clear(r, env);
    if (r->got < PREFIX && in.n > 0)
        *used = take_head(r, in);
    if (r->got < PREFIX)
        return QN_SHORT;
    if (r->need == 0)
        return QN_PROTO;
    if (r->need > r->max)
        return QN_LIMIT;
    err = take_body(r, env, qn_slice_of(in.p + *used, in.n - *used), used);
    if (err != QN_OK)
        return err;
    if (r->got - PREFIX < r->need)
        return QN_SHORT;
    return qn_dir_message_decode(m, qn_slice_of(r->buf, r->need));
}
