/*
 * qnet-liar: a node whose operator shows every other of its fellows another list of the same
 * version.
 *
 * It is the whole program, linked with three functions wrapped (ld --wrap): what qnet itself signs
 * and sends cannot be bent this way from outside. The second list differs by a field that readers
 * pass over, so honest operators agree with both. Tests only; never installed.
 */
#include "dir/message.h"
#include "dir/offer.h"
#include "dir/snapshot.h"
#include "dir/agree.h"

qn_err __real_qn_snapshot_sign(qn_snapshot_signature *out, qn_env *env, const qn_network *net,
                               qn_slice body, const qn_secret32 *seed);
qn_err __wrap_qn_snapshot_sign(qn_snapshot_signature *out, qn_env *env, const qn_network *net,
                               qn_slice body, const qn_secret32 *seed);
size_t __real_qn_dir_message_head(const qn_dir_message *m, uint8_t out[QN_DIR_HEAD_MAX]);
size_t __wrap_qn_dir_message_head(const qn_dir_message *m, uint8_t out[QN_DIR_HEAD_MAX]);
bool __wrap_qn_snapshot_outdated(const qn_snapshot *s, const qn_registry *r);

static qn_env *liar_env;
static const qn_network *liar_net;
static qn_secret32 liar_seed;
static qn_blob second; /* the list that is being sent */
static unsigned offers;

qn_err __wrap_qn_snapshot_sign(qn_snapshot_signature *out, qn_env *env, const qn_network *net,
                               qn_slice body, const qn_secret32 *seed)
{
    liar_env = env;
    liar_net = net;
    liar_seed = *seed;
    return __real_qn_snapshot_sign(out, env, net, body, seed);
}

/* A proposal in each of its turns. */
bool __wrap_qn_snapshot_outdated(const qn_snapshot *s, const qn_registry *r)
{
    (void)s;
    (void)r;
    return true;
}

/* The body with one pair more: key 200, value 0. */
static bool another(qn_slice body, qn_blob *out)
{
    static const uint8_t pair[] = {0x18, 200, 0};

    *out = (qn_blob){.p = qn_mem_get(&liar_env->mem, body.n + sizeof pair),
                     .n = body.n + sizeof pair,
                     .cap = body.n + sizeof pair};
    if (out->p == NULL)
        return false;
    memcpy(out->p, body.p, body.n);
    memcpy(out->p + body.n, pair, sizeof pair);
    out->p[0]++; /* the map's head: it has few pairs */
    return true;
}

static void lie(qn_dir_message *m)
{
    qn_snapshot_signature signature;
    qn_slice list, verified;
    qn_signed_list l;
    qn_blob body, other = {0};

    if (liar_env == NULL || qn_offer_read(m->bytes, &list, &verified) != QN_OK ||
        qn_signed_list_open(&l, liar_env, liar_net, list) != QN_OK || l.n != 1 ||
        ++offers % 2 != 0 || !another(l.body, &body))
        return;
    qn_blob_clear(&second, &liar_env->mem);
    if (__real_qn_snapshot_sign(&signature, liar_env, liar_net, qn_slice_of(body.p, body.n),
                                &liar_seed) == QN_OK &&
        qn_snapshot_join(&other, liar_env, qn_slice_of(body.p, body.n), &signature, 1) == QN_OK &&
        qn_offer_write(&second, liar_env, qn_slice_of(other.p, other.n), verified) == QN_OK)
        m->bytes = qn_slice_of(second.p, second.n);
    qn_blob_clear(&other, &liar_env->mem);
    qn_blob_clear(&body, &liar_env->mem);
}

size_t __wrap_qn_dir_message_head(const qn_dir_message *m, uint8_t out[QN_DIR_HEAD_MAX])
{
    if (m->type == QN_DIR_OFFER)
        lie((qn_dir_message *)(uintptr_t)m); /* its caller made it for this call */
    return __real_qn_dir_message_head(m, out);
}
