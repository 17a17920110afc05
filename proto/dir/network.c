/*
 * The network file: [body, founder's key, signature] with the body's map
 *
 *     1 version (1)  2 founder's key  3 name  4 lab  5 created  6 threshold
 *     7 operators: [[PeerID, snapshot key, link key, address], ...]
 *
 * and behind it contacts of operators, [body, operator's snapshot key, signature] with
 *
 *     1 version (1)  2 card (htx/card.h)
 *
 * which are no part of what the id is made of, since the keys in them expire. Between the two may
 * stand later roots (dir/root.h), which say who the operators are by now.
 *
 * It cannot name the network id, which is the hash of it; zeros stand in that place under the
 * signature. The founder's key is part of the body, so a copy signed by somebody else is another
 * network. docs/wire/network.md.
 */
#include "qnet/network.h"

#include "base/ipjudge.h"
#include "base/limits.h"
#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/internal.h"
#include "dir/root.h"
#include "htx/card.h"

#include <stdio.h>

enum { KEY_VERSION = 1, FOUNDER, NAME, LAB, CREATED, THRESHOLD, OPERATORS, KEYS = 7 };
enum { CONTACT_VERSION = 1, CONTACT_CARD, CONTACT_KEYS = 2 };

static const uint8_t no_network[32];

/* ---- what both directions demand ------------------------------------------------------------- */

/* One key listed twice would let its holder count as two operators. */
static bool operators_distinct(const qn_network *net)
{
    for (unsigned i = 0; i < net->operators_n; i++)
        for (unsigned j = 0; j < i; j++) {
            const qn_operator *a = &net->operators[i], *b = &net->operators[j];

            if (qn_peerid_equal(&a->id, &b->id) || memcmp(a->sign_key, b->sign_key, 32) == 0 ||
                memcmp(a->link_key, b->link_key, 32) == 0)
                return false;
        }
    return true;
}

static bool addresses_ok(const qn_network *net)
{
    for (unsigned i = 0; i < net->operators_n; i++) {
        const qn_addr *a = &net->operators[i].addr;

        if ((a->family != 4 && a->family != 6) || a->port == 0 || (!net->lab && !qn_ip_global(a)))
            return false;
    }
    return true;
}

/* NULL when all is well, else one sentence. */
const char *qn_network_fault(const qn_network *net)
{
    if (qn_body_text(net->name, sizeof net->name) == 0)
        return "the network name is not 1 to 63 printable ASCII characters";
    if (net->created < 0 || net->created > QN_BODY_TIME_MAX)
        return "the creation time is out of range";
    if (net->operators_n < 1 || net->operators_n > QN_OPERATORS_MAX)
        return "a network has 1 to 16 operators";
    if (net->threshold < net->operators_n / 2 + 1 || net->threshold > net->operators_n)
        return "the threshold is not a majority of the operators, or more than all of them";
    if (!operators_distinct(net))
        return "two operators share a PeerID or a key";
    if (!addresses_ok(net))
        return "an operator's address is missing or not global (only a lab network may do that)";
    return NULL;
}

/* The network id: SHA-256 of the bytes under the signature. */
static qn_err id_of(qn_env *env, qn_slice body, uint8_t id[32])
{
    qn_slice parts[3] = {qn_slice_of(QN_TAG_NETWORK, sizeof QN_TAG_NETWORK - 1),
                         qn_slice_of(no_network, sizeof no_network), body};
    qn_hash h;
    qn_err err = qn_sha256(env, parts, 3, &h);

    if (err == QN_OK)
        memcpy(id, h.b, sizeof h.b);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_body(qn_cbor_w *w, const qn_network *net, const qn_sign_public *founder)
{
    qn_cbor_map(w, KEYS);
    qn_cbor_uint(w, KEY_VERSION);
    qn_cbor_uint(w, QN_BODY_VERSION);
    qn_cbor_uint(w, FOUNDER);
    qn_cbor_bytes(w, founder->b, sizeof founder->b);
    qn_cbor_uint(w, NAME);
    qn_cbor_text(w, net->name, strlen(net->name));
    qn_cbor_uint(w, LAB);
    qn_cbor_bool(w, net->lab);
    qn_cbor_uint(w, CREATED);
    qn_cbor_uint(w, (uint64_t)net->created);
    qn_cbor_uint(w, THRESHOLD);
    qn_cbor_uint(w, net->threshold);
    qn_cbor_uint(w, OPERATORS);
    qn_cbor_array(w, net->operators_n);
    for (unsigned i = 0; i < net->operators_n; i++)
        qn_operator_put(w, &net->operators[i]);
}

qn_err qn_network_encode(qn_network *net, qn_env *env, const qn_secret32 *founder, uint8_t *out,
                         size_t cap, size_t *n)
{
    uint8_t body[QN_SIGNED_MAX], id[32];
    qn_sign_secret secret;
    qn_sign_public key;
    qn_cbor_w w;
    qn_err err;

    if (qn_network_fault(net) != NULL)
        return QN_CONFIG;
    memcpy(secret.seed, founder->b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    qn_cbor_w_init(&w, body, sizeof body);
    put_body(&w, net, &key);
    err = w.err == QN_OK ? id_of(env, qn_slice_of(body, w.n), id) : QN_CONFIG;
    if (err == QN_OK)
        err = qn_envelope_seal(QN_TAG_NETWORK, no_network, qn_slice_of(body, w.n), &secret, out,
                               cap, n);
    if (err == QN_OK) {
        memcpy(net->id, id, sizeof net->id);
        net->root = 1;
    }
    qn_wipe(&secret, sizeof secret);
    return err;
}

static qn_err check_card(qn_slice card)
{
    qn_htx_card read;

    if (card.n > QN_HTX_CONTACT_CARD_MAX)
        return QN_LIMIT;
    return qn_htx_card_read(&read, card, QN_HTX_EPOCHS_MAX);
}

bool qn_network_place(const qn_network *net, const qn_secret32 *operator_seed, uint8_t *place)
{
    qn_sign_secret secret;
    qn_sign_public key;

    memcpy(secret.seed, operator_seed->b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    qn_wipe(&secret, sizeof secret);
    return qn_operator_find(net, &key, place);
}

qn_err qn_network_contact(const qn_network *net, const qn_secret32 *operator_seed, qn_slice card,
                          uint8_t *out, size_t cap, size_t *n)
{
    uint8_t body[QN_SIGNED_MAX];
    qn_sign_secret secret;
    qn_sign_public key;
    uint8_t place;
    qn_cbor_w w;
    qn_err err = QN_CONFIG;

    memcpy(secret.seed, operator_seed->b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    qn_cbor_w_init(&w, body, sizeof body);
    qn_cbor_map(&w, CONTACT_KEYS);
    qn_cbor_uint(&w, CONTACT_VERSION);
    qn_cbor_uint(&w, QN_BODY_VERSION);
    qn_cbor_uint(&w, CONTACT_CARD);
    qn_cbor_item(&w, card);
    if (w.err == QN_OK && check_card(card) == QN_OK && qn_operator_find(net, &key, &place))
        err =
            qn_envelope_seal(QN_TAG_CONTACT, net->id, qn_slice_of(body, w.n), &secret, out, cap, n);
    qn_wipe(&secret, sizeof secret);
    return err;
}

/* ---- reading --------------------------------------------------------------------------------- */

void qn_operators_get(qn_cbor_r *r, qn_network *net)
{
    uint64_t count = qn_cbor_get_array(r);

    if (count > QN_OPERATORS_MAX && r->err == QN_OK)
        r->err = QN_LIMIT;
    for (uint64_t i = 0; i < count && r->err == QN_OK; i++)
        qn_operator_get(r, &net->operators[net->operators_n++]);
}

static void get_field(qn_cbor_r *r, uint64_t key, qn_network *net, qn_sign_public *founder)
{
    switch (key) {
    case KEY_VERSION:
        qn_body_get_version(r);
        break;
    case FOUNDER:
        qn_cbor_get_fixed(r, founder->b, sizeof founder->b);
        break;
    case NAME:
        qn_body_get_text(r, net->name, sizeof net->name);
        break;
    case LAB:
        net->lab = qn_cbor_get_bool(r);
        break;
    case CREATED:
        net->created = qn_body_get_time(r);
        break;
    case THRESHOLD:
        net->threshold = (uint8_t)qn_body_get_below(r, QN_OPERATORS_MAX + 1);
        break;
    case OPERATORS:
        qn_operators_get(r, net);
        break;
    default:
        qn_body_unknown_key(r, key);
    }
}

static qn_err get_body(qn_slice body, qn_network *net, qn_sign_public *founder)
{
    qn_body b;
    uint64_t key;

    qn_body_open(&b, body);
    while (qn_body_next(&b, &key))
        get_field(&b.r, key, net, founder);
    return qn_body_end(&b, QN_BODY_KEYS(KEYS));
}

static qn_err get_contact(qn_slice body, qn_slice *card)
{
    qn_body b;
    uint64_t key;
    qn_err err;

    qn_body_open(&b, body);
    while (qn_body_next(&b, &key)) {
        if (key == CONTACT_VERSION)
            qn_body_get_version(&b.r);
        else if (key == CONTACT_CARD)
            *card = qn_cbor_get_item(&b.r);
        else
            qn_body_unknown_key(&b.r, key);
    }
    err = qn_body_end(&b, QN_BODY_KEYS(CONTACT_KEYS));
    return err == QN_OK ? check_card(*card) : err;
}

/* The first contact of *rest; its operator is *place. */
static qn_err take_contact(qn_slice *rest, const qn_network *net, uint8_t *place, qn_slice *card)
{
    qn_envelope e;
    qn_err err = qn_envelope_take(&e, rest);

    if (err == QN_OK)
        err = qn_signed_verify(QN_TAG_CONTACT, net->id, e.body, &e.key, &e.signature);
    if (err != QN_OK)
        return err;
    return qn_operator_find(net, &e.key, place) ? get_contact(e.body, card) : QN_AUTH;
}

qn_err qn_network_contact_of(const qn_network *net, const uint8_t *p, size_t n, uint8_t *place)
{
    qn_slice rest = qn_slice_of(p, n), card;
    qn_err err = take_contact(&rest, net, place, &card);

    return err == QN_OK && rest.n > 0 ? QN_PROTO : err;
}

/* What begins as an array of two is a root, of three a contact. */
static bool is_root(qn_slice rest)
{
    qn_cbor_r r;

    qn_cbor_r_init(&r, rest.p, rest.n);
    return qn_cbor_get_array(&r) == 2 && r.err == QN_OK;
}

static qn_slice take_roots(qn_slice *rest)
{
    qn_slice all = *rest;
    qn_cbor_r r;

    while (is_root(*rest)) {
        qn_cbor_r_init(&r, rest->p, rest->n);
        qn_cbor_skip(&r);
        if (r.err != QN_OK)
            break;
        *rest = qn_slice_of(r.p, rest->n - (size_t)(r.p - rest->p));
    }
    return qn_slice_of(all.p, all.n - rest->n);
}

size_t qn_network_own_length(const uint8_t *p, size_t n)
{
    qn_slice rest = qn_slice_of(p, n);
    qn_envelope e;

    if (qn_envelope_take(&e, &rest) != QN_OK)
        return 0;
    (void)take_roots(&rest);
    return n - rest.n;
}

/* What follows the network: contacts, at most one for each operator, in the operators' order. */
static qn_err get_contacts(qn_slice rest, qn_network *net)
{
    int last = -1;

    while (rest.n > 0) {
        uint8_t who;
        qn_slice card;
        qn_err err = take_contact(&rest, net, &who, &card);

        if (err != QN_OK)
            return err;
        if (who <= last)
            return QN_CANON;
        net->operators[who].card = card;
        last = who;
    }
    return QN_OK;
}

static qn_err refuse(char why[160], const char *sentence, qn_err err)
{
    (void)snprintf(why, 160, "%s", sentence);
    return err;
}

qn_err qn_network_decode(qn_network *net, qn_env *env, const uint8_t *p, size_t n, char why[160])
{
    qn_network got = {0};
    qn_sign_public founder = {0};
    qn_envelope e;
    qn_slice rest = qn_slice_of(p, n);
    const char *fault;
    qn_err err;

    if (n > QN_NETWORK_FILE_MAX)
        return refuse(why, "the network file is too long", QN_LIMIT);
    err = qn_envelope_take(&e, &rest);
    if (err != QN_OK)
        return refuse(why, "this is not a network file, or it is damaged", err);
    err = qn_signed_verify(QN_TAG_NETWORK, no_network, e.body, &e.key, &e.signature);
    if (err != QN_OK)
        return refuse(why, "the founder's signature does not fit the network file", err);
    err = get_body(e.body, &got, &founder);
    if (err == QN_VERSION)
        return refuse(why, "the network file is of a version this program does not read", err);
    if (err != QN_OK)
        return refuse(why, "a field of the network file is malformed", err);
    if (memcmp(founder.b, e.key.b, sizeof founder.b) != 0)
        return refuse(why, "the network file is signed by another key than its founder's", QN_AUTH);
    fault = qn_network_fault(&got);
    if (fault != NULL)
        return refuse(why, fault, QN_CONFIG);
    err = id_of(env, e.body, got.id);
    if (err != QN_OK)
        return refuse(why, qn_err_text(err), err);
    got.root = 1;
    got.roots = take_roots(&rest);
    err = got.roots.n > QN_ROOTS_MAX ? QN_LIMIT : qn_roots_apply(&got, got.roots);
    if (err != QN_OK)
        return refuse(why, "a later root in the network file is malformed, or too few signed it",
                      err);
    err = get_contacts(rest, &got);
    if (err != QN_OK)
        return refuse(why, "an operator's contact behind the network is malformed or forged", err);
    *net = got;
    return QN_OK;
}

/* ---- keys ------------------------------------------------------------------------------------ */

void qn_keys_generate(qn_env *env, qn_keys *out)
{
    qn_rng_fill(env, out->identity.b, sizeof out->identity.b);
    qn_rng_fill(env, out->link.b, sizeof out->link.b);
    qn_rng_fill(env, out->onion.b, sizeof out->onion.b);
}

void qn_keys_wipe(qn_keys *keys)
{
    qn_wipe(keys, sizeof *keys);
}

qn_err qn_keys_peerid(qn_env *env, const qn_keys *keys, qn_peerid *out)
{
    qn_sign_secret secret;
    qn_sign_public key;

    memcpy(secret.seed, keys->identity.b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    qn_wipe(&secret, sizeof secret);
    return qn_peerid_of(env, key.b, out);
}
