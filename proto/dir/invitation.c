/*
 * An invitation: the map
 *
 *     1 version (1)  2 network id  3 pre-shared key  4 descriptor, signed
 *
 * behind its length (u16) and the first 8 bytes of its hash, in base32 behind "qnet-invite:". Only
 * the descriptor is signed: who the key lets in is judged by the node itself, so a forged key is a
 * wrong one. docs/wire/invitation.md.
 */
#include "dir/invitation.h"

#include "base/base32.h"
#include "dir/body.h"
#include "dir/envelope.h"

#include <stdio.h>

enum { KEY_VERSION = 1, NETWORK, PSK, DESCRIPTOR, KEYS = 4 };
/* Ten bytes are sixteen characters, so the length is known from a head of whole ones. */
enum { LENGTH = 2, CHECK = 8, HEAD = LENGTH + CHECK, HEAD_TEXT = QN_BASE32_LEN(HEAD) };

#define PREFIX "qnet-invite:"
enum { PREFIX_LEN = sizeof PREFIX - 1, TEXT_MAX = QN_BASE32_LEN(HEAD + QN_INVITATION_MAX) };

_Static_assert(PREFIX_LEN + TEXT_MAX < QN_INVITATION_TEXT, "the longest text fits");
_Static_assert(QN_DESCRIPTOR_MAX + 1 + 2 + 35 + 35 + 4 <= QN_INVITATION_MAX, "so does its content");

static qn_err refuse(char why[160], const char *sentence, qn_err err)
{
    (void)snprintf(why, 160, "%s", sentence);
    return err;
}

static qn_err check_of(qn_env *env, const uint8_t *p, size_t n, uint8_t out[CHECK])
{
    qn_slice parts[2] = {qn_slice_of("qnet-invitation", 15), qn_slice_of(p, n)};
    qn_hash h;
    qn_err err = qn_sha256(env, parts, 2, &h);

    if (err == QN_OK)
        memcpy(out, h.b, CHECK);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

qn_err qn_invitation_text(qn_env *env, qn_slice invitation, char text[QN_INVITATION_TEXT])
{
    uint8_t raw[HEAD + QN_INVITATION_MAX];
    qn_err err = QN_CONFIG;

    if (invitation.n <= QN_INVITATION_MAX)
        err = check_of(env, invitation.p, invitation.n, raw + LENGTH);
    if (err != QN_OK)
        return err;
    qn_put16(raw, (uint16_t)invitation.n);
    memcpy(raw + HEAD, invitation.p, invitation.n);
    memcpy(text, PREFIX, PREFIX_LEN);
    qn_base32_encode(text + PREFIX_LEN, raw, HEAD + invitation.n);
    qn_wipe(raw, sizeof raw);
    return QN_OK;
}

qn_err qn_invitation_make(qn_env *env, const qn_network *net, qn_slice descriptor,
                          const qn_secret32 *psk, char text[QN_INVITATION_TEXT])
{
    static const qn_key zero;
    uint8_t out[QN_INVITATION_MAX];
    qn_descriptor d;
    qn_cbor_w w;
    qn_err err;

    if (qn_equal(psk->b, zero.b, sizeof zero.b) ||
        qn_descriptor_open(&d, env, net, descriptor) != QN_OK)
        return QN_CONFIG;
    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_map(&w, KEYS);
    qn_cbor_uint(&w, KEY_VERSION);
    qn_cbor_uint(&w, QN_BODY_VERSION);
    qn_cbor_uint(&w, NETWORK);
    qn_cbor_bytes(&w, net->id, sizeof net->id);
    qn_cbor_uint(&w, PSK);
    qn_cbor_bytes(&w, psk->b, sizeof psk->b);
    qn_cbor_uint(&w, DESCRIPTOR);
    qn_cbor_bytes(&w, descriptor.p, descriptor.n);
    err = w.err == QN_OK ? qn_invitation_text(env, qn_slice_of(out, w.n), text) : w.err;
    qn_wipe(out, sizeof out);
    return err;
}

/* ---- finding one in a text ------------------------------------------------------------------- */

static bool is_prefix(const uint8_t *p)
{
    for (unsigned i = 0; i < PREFIX_LEN; i++)
        if ((p[i] | (p[i] >= 'A' && p[i] <= 'Z' ? 0x20 : 0)) != PREFIX[i])
            return false;
    return true;
}

static bool find_prefix(qn_slice *text)
{
    for (; text->n >= PREFIX_LEN; text->p++, text->n--)
        if (is_prefix(text->p)) {
            text->p += PREFIX_LEN;
            text->n -= PREFIX_LEN;
            return true;
        }
    return false;
}

/* So many characters, without the line breaks and quoting marks that mail puts between them. */
static bool collect(qn_slice *text, char *out, size_t n)
{
    size_t got = 0;

    for (; text->n > 0 && got < n; text->p++, text->n--)
        if (text->p[0] > ' ' && text->p[0] != '>')
            out[got++] = (char)text->p[0];
    return got == n;
}

qn_err qn_invitation_next(qn_env *env, qn_slice *text, uint8_t out[QN_INVITATION_MAX], size_t *n,
                          char why[160])
{
    static const char cut[] = "the invitation is cut short: copy all of it";
    static const char damaged[] = "the invitation is damaged: copy it again, or ask for it again";
    uint8_t raw[HEAD + QN_INVITATION_MAX], check[CHECK];
    char chars[TEXT_MAX];
    size_t len;
    qn_err err;

    if (!find_prefix(text))
        return refuse(why, "there is no invitation here: one begins with " PREFIX, QN_GONE);
    if (!collect(text, chars, HEAD_TEXT))
        return refuse(why, cut, QN_TRUNCATED);
    if (qn_base32_decode(raw, HEAD, chars, HEAD_TEXT) != QN_OK || qn_get16(raw) > QN_INVITATION_MAX)
        return refuse(why, damaged, QN_PROTO);
    len = qn_get16(raw);
    if (!collect(text, chars + HEAD_TEXT, QN_BASE32_LEN(HEAD + len) - HEAD_TEXT))
        return refuse(why, cut, QN_TRUNCATED);
    if (qn_base32_decode(raw, HEAD + len, chars, QN_BASE32_LEN(HEAD + len)) != QN_OK)
        return refuse(why, damaged, QN_PROTO);
    err = check_of(env, raw + HEAD, len, check);
    if (err == QN_OK && memcmp(check, raw + LENGTH, CHECK) != 0)
        err = QN_AUTH;
    if (err != QN_OK)
        return refuse(why, err == QN_AUTH ? damaged : qn_err_text(err), err);
    memcpy(out, raw + HEAD, len);
    *n = len;
    return QN_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct fields {
    uint8_t network[32];
    qn_key psk;
    qn_slice descriptor;
} fields;

static qn_err get_fields(qn_slice in, fields *f)
{
    qn_body b;
    uint64_t key;

    qn_body_open(&b, in);
    while (qn_body_next(&b, &key)) {
        if (key == KEY_VERSION)
            qn_body_get_version(&b.r);
        else if (key == NETWORK)
            qn_cbor_get_fixed(&b.r, f->network, sizeof f->network);
        else if (key == PSK)
            qn_cbor_get_fixed(&b.r, f->psk.b, sizeof f->psk.b);
        else if (key == DESCRIPTOR)
            f->descriptor = qn_cbor_get_bytes(&b.r);
        else
            qn_body_unknown_key(&b.r, key);
    }
    return qn_body_end(&b, QN_BODY_KEYS(KEYS));
}

qn_err qn_invitation_open(qn_invitation *out, qn_env *env, const qn_network *net, qn_slice in,
                          char why[160])
{
    static const qn_key zero;
    fields f = {0};
    qn_descriptor d;
    qn_err err = get_fields(in, &f);

    if (err == QN_VERSION)
        return refuse(why, "the invitation is of a version this program does not read", err);
    if (err != QN_OK)
        return refuse(why, "a field of the invitation is malformed", err);
    if (memcmp(f.network, net->id, sizeof f.network) != 0)
        return refuse(why, "the invitation is for another network", QN_NETWORK);
    if (qn_equal(f.psk.b, zero.b, sizeof zero.b))
        return refuse(why, "the invitation's key is zero, as nobody's is", QN_PROTO);
    err = qn_descriptor_open(&d, env, net, f.descriptor);
    if (err != QN_OK)
        return refuse(why, "the invitation's descriptor is malformed or forged", err);
    if ((d.roles & QN_ROLE_RELAY) == 0)
        return refuse(why, "the invitation leads to a node that does not relay", QN_POLICY);
    *out = (qn_invitation){.d = d, .descriptor = f.descriptor, .psk = f.psk};
    return QN_OK;
}

int64_t qn_invitation_until(const qn_descriptor *d)
{
    qn_htx_card card;

    if (qn_htx_card_read(&card, d->card, QN_HTX_DESCRIPTOR_KEYS) != QN_OK || card.keys_n == 0)
        return d->link.not_after;
    return qn_htx_card_until(&card, &d->id);
}

qn_err qn_invitation_check(qn_env *env, const qn_network *net, qn_slice invitation,
                           qn_invitation_facts *facts, char why[160])
{
    qn_invitation i;
    qn_err err = qn_invitation_open(&i, env, net, invitation, why);

    if (err != QN_OK)
        return err;
    *facts = (qn_invitation_facts){.id = i.d.id, .until = qn_invitation_until(&i.d)};
    qn_wipe(&i.psk, sizeof i.psk);
    if (env->wall >= facts->until)
        return refuse(why, "the invitation is too old to lead anywhere: ask for a fresh one",
                      QN_EXPIRED);
    return QN_OK;
}
