#include "circuit/create.h"

static const uint8_t label[] = {'q', 'n', 'e', 't', '-', 'h', 'o', 'p', '-', '1'};

enum { AT_KEY_ID = 1, AT_MESSAGE = 1 + QN_ONION_ID }; /* in the data of a CREATE */

typedef struct prologue {
    uint8_t b[sizeof label + 32 + 32 + QN_ONION_ID];
} prologue;

static prologue prologue_of(const qn_circuits *all, const qn_peerid *id,
                            const uint8_t key_id[QN_ONION_ID])
{
    prologue p = {{0}};
    uint8_t *at = p.b;

    memcpy(at, label, sizeof label);
    at += sizeof label;
    memcpy(at, all->network, 32);
    at += 32;
    memcpy(at, id->b, 32);
    at += 32;
    memcpy(at, key_id, QN_ONION_ID);
    return p;
}

qn_err qn_onion_key_init(qn_env *env, const qn_dh_secret *secret, qn_onion_key *out)
{
    out->secret = *secret;
    qn_dh_derive(secret, &out->pub);
    return qn_onion_id(env, &out->pub, out->id);
}

/* ---- client ---------------------------------------------------------------------------------- */

qn_err qn_create_begin(qn_noise *x, qn_circuits *all, const qn_hop_key *hop,
                       uint8_t out[QN_CREATE_SIZE])
{
    prologue p;
    qn_err err;

    out[0] = QN_CREATE_NK;
    err = qn_onion_id(all->env, &hop->onion, out + AT_KEY_ID);
    if (err != QN_OK)
        return err;
    p = prologue_of(all, &hop->id, out + AT_KEY_ID);
    err = qn_noise_init(x, all->env,
                        &(qn_noise_cfg){.pattern = &qn_noise_nk,
                                        .initiator = true,
                                        .prologue = qn_slice_of(p.b, sizeof p.b),
                                        .rs = &hop->onion});
    if (err == QN_OK)
        err = qn_noise_write(x, all->env, qn_slice_of(NULL, 0), out + AT_MESSAGE);
    all->counts.dh += 2; /* e, es */
    return err;
}

/* Split, counted. */
static qn_err take_keys(const qn_noise *x, qn_circuits *all, qn_onion *o)
{
    qn_key first, second;
    qn_err err = qn_noise_split(x, all->env, &first, &second);

    if (err == QN_OK) {
        qn_onion_init(o, &first, &second);
        all->counts.handshakes++;
    }
    qn_wipe(&first, sizeof first);
    qn_wipe(&second, sizeof second);
    return err;
}

qn_err qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t data[QN_CREATED_SIZE],
                        qn_onion *o)
{
    uint8_t none[1];
    size_t n = 0;
    qn_err err;

    if (data[0] != QN_CREATE_NK)
        return QN_VERSION;
    all->counts.dh++; /* ee */
    err = qn_noise_read(x, all->env, qn_slice_of(data + 1, QN_CREATE_MESSAGE), none, &n);
    return err == QN_OK ? take_keys(x, all, o) : err;
}

/* ---- hop ------------------------------------------------------------------------------------- */

static const qn_onion_key *own_key(const qn_circuits *all, const uint8_t id[QN_ONION_ID])
{
    for (unsigned i = 0; i < all->keys_n; i++)
        if (memcmp(all->keys[i].id, id, QN_ONION_ID) == 0)
            return &all->keys[i];
    return NULL;
}

static qn_err answer(qn_noise *x, qn_circuits *all, const qn_onion_key *key, const uint8_t *message,
                     uint8_t *out)
{
    prologue p = prologue_of(all, &all->self, key->id);
    uint8_t none[1];
    size_t n = 0;
    qn_err err = qn_noise_init(x, all->env,
                               &(qn_noise_cfg){.pattern = &qn_noise_nk,
                                               .prologue = qn_slice_of(p.b, sizeof p.b),
                                               .s = &key->secret,
                                               .s_pub = &key->pub});

    if (err == QN_OK)
        err = qn_noise_read(x, all->env, qn_slice_of(message, QN_CREATE_MESSAGE), none, &n);
    all->counts.dh++; /* es: all that a forged message 1 costs */
    if (err != QN_OK)
        return err;
    all->counts.dh += 2; /* e, ee */
    return qn_noise_write(x, all->env, qn_slice_of(NULL, 0), out);
}

qn_err qn_create_answer(qn_circuits *all, const uint8_t data[QN_CREATE_SIZE],
                        uint8_t out[QN_CREATED_SIZE], qn_onion *o)
{
    const qn_onion_key *key = own_key(all, data + AT_KEY_ID);
    qn_noise x;
    qn_err err;

    if (data[0] != QN_CREATE_NK)
        return QN_VERSION;
    if (key == NULL)
        return QN_UNKNOWN;
    out[0] = QN_CREATE_NK;
    err = answer(&x, all, key, data + AT_MESSAGE, out + 1);
    if (err == QN_OK)
        err = take_keys(&x, all, o);
    qn_noise_clear(&x);
    return err;
}

/* ---- cells with one message ------------------------------------------------------------------ */

qn_err qn_create_cell(qn_env *env, uint8_t cmd, const uint8_t *data, uint16_t n, qn_piece *out)
{
    qn_err err = qn_cell_get(env, QN_CELL_S, out);
    uint8_t *cell;

    if (err != QN_OK)
        return err;
    cell = qn_piece_data(out);
    memset(cell, 0, QN_CELL_S);
    qn_msg_head(cell, cmd, 0, n, 0);
    memcpy(cell + QN_MSG_HEADER, data, n);
    return QN_OK;
}

qn_err qn_create_only(const uint8_t *text, size_t n, uint8_t cmd, qn_slice *data)
{
    qn_msgs it;
    qn_msg m, second;

    qn_msgs_init(&it, text, n);
    if (!qn_msgs_next(&it, &m) || m.cmd != cmd || qn_msgs_next(&it, &second) || it.err != QN_OK)
        return QN_PROTO;
    *data = qn_slice_of(m.data, m.len);
    return QN_OK;
}
