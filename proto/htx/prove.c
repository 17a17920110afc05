/* The way in: PROOF instead of R, and message 3. */
#include "htx/peer.h"

/* ---- PROOF ------------------------------------------------------------------------------------
 */

static qn_terms offer_of(const qn_htx_peer *p)
{
    QN_ASSERT(p->site->shape != NULL && p->site->max_record >= QN_RECORD_CONTENT_MIN &&
              p->site->max_record <= QN_RECORD_CONTENT_MAX);
    return (qn_terms){.time = (uint32_t)p->env->wall,
                      .max_record = QN_MIN(p->site->max_record, p->max_record),
                      .vouch = p->visit.tied->vouch,
                      .ciphers = 1u << QN_TERMS_CHACHA20_POLY1305};
}

static qn_err write_proof(qn_htx_peer *p, const qn_terms *offer, uint8_t *record)
{
    qn_htx_tied *t = p->visit.tied;
    uint8_t content[QN_HTX_PROOF_CONTENT_MAX];
    qn_htx_lock lock;
    qn_hash passed;
    size_t n;
    qn_err err = qn_htx_lock_proof(&lock, p->env, &t->x);

    if (err == QN_OK)
        err = qn_htx_transcript_hash(&t->to_c, p->env, &passed);
    if (err == QN_OK)
        err = qn_htx_proof_write(&t->x, p->env, &passed, &t->kem, offer, content, &n);
    if (err == QN_OK)
        err = qn_htx_lock_seal(&lock, p->env, qn_slice_of(content, n), record, p->visit.record);
    qn_wipe(&lock, sizeof lock);
    return err;
}

/* R, and what came behind it, waits for what becomes of C. */
static qn_err make_bond(qn_htx_peer *p, const qn_terms *offer)
{
    const qn_piece *held = &p->visit.held;
    qn_htx_bond *b = qn_mem_get(&p->env->mem, sizeof *b);

    if (b == NULL)
        return QN_NOMEM;
    p->bond = b;
    qn_htx_traffic_init(&b->traffic, p->env, p->tally);
    b->traffic.max_record = offer->max_record;
    b->traffic.farewell = b->traffic.end = p->site->goaway;
    b->ciphers = offer->ciphers;
    b->until = b->stale = b->leave = QN_NEVER;
    return qn_htx_carry_send(&b->traffic.carry, p->env,
                             qn_slice_of(qn_piece_data(held), held->len));
}

void qn_htx_peer_prove(qn_htx_peer *p)
{
    qn_terms offer = offer_of(p);
    qn_block *proof = qn_block_get(p->env, p->visit.record);
    qn_err err = proof != NULL ? make_bond(p, &offer) : QN_NOMEM;

    if (err == QN_OK)
        err = write_proof(p, &offer, proof->data);
    if (err == QN_OK)
        err = qn_htx_lock_final(&p->bond->final, p->env, &p->visit.tied->x);
    if (err == QN_OK) {
        qn_htx_visit_answer(&p->visit, proof->data);
        p->state = QN_HTX_PEER_HOLD;
    } else {
        qn_htx_peer_drop(p);
        qn_htx_visit_refuse(&p->visit);
    }
    qn_block_drop(proof);
}

/* ---- message 3 --------------------------------------------------------------------------------
 */

static qn_err keep_frames(qn_htx_peer *p, qn_slice frames)
{
    qn_htx_bond *b = p->bond;

    if (frames.n == 0)
        return QN_OK;
    if (frames.n > b->traffic.max_record)
        return QN_PROTO;
    b->first.block = qn_block_get(p->env, frames.n);
    if (b->first.block == NULL)
        return QN_NOMEM;
    memcpy(b->first.block->data, frames.p, frames.n);
    b->first.len = (uint32_t)frames.n;
    return QN_OK;
}

/* x is past message 3. */
static qn_err establish(qn_htx_peer *p, const qn_noise *x, const qn_choice *choice)
{
    qn_htx_bond *b = p->bond;
    qn_established est = {.known = choice->claim,
                          .peer = choice->id,
                          .peer_key = x->rs,
                          .vouch = choice->vouch,
                          .hash = *qn_noise_hash(x),
                          .max_record = b->traffic.max_record};
    qn_err err = qn_terms_split(x, p->env, &b->traffic.tx, &b->traffic.rx, &est.resume);

    if (err == QN_OK)
        err = keep_frames(p, choice->frames);
    if (err == QN_OK) {
        b->est = est;
        b->est_due = true;
        qn_htx_traffic_begin(&b->traffic, &(qn_shape_cfg){.profile = p->site->shape,
                                                          .relays = choice->claim,
                                                          .max_record = b->traffic.max_record,
                                                          .pick = est.hash.b[0]});
    }
    qn_wipe(&est, sizeof est);
    return err;
}

static qn_err read_final(qn_htx_peer *p, size_t size, uint8_t *content, uint8_t *plain)
{
    const qn_htx_tied *t = p->visit.tied;
    qn_noise x = t->x;
    qn_choice choice;
    qn_hash sent;
    size_t n;
    qn_err err = qn_htx_lock_open(&p->bond->final, p->env, p->in.p, size, content, &n);

    if (err == QN_OK)
        err = qn_htx_transcript_hash(&t->to_o, p->env, &sent);
    if (err == QN_OK)
        err = qn_htx_final_read(&x, p->env, &sent, qn_slice_of(content, n), p->bond->ciphers, plain,
                                &choice);
    if (err == QN_OK)
        err = establish(p, &x, &choice);
    qn_noise_clear(&x);
    return err;
}

qn_err qn_htx_peer_final(qn_htx_peer *p, size_t size)
{
    qn_block *content = qn_block_get(p->env, size), *plain = qn_block_get(p->env, size);
    qn_err err = QN_NOMEM;

    if (content != NULL && plain != NULL)
        err = read_final(p, size, content->data, plain->data);
    qn_block_drop(content);
    qn_block_drop(plain);
    if (err != QN_OK)
        return err;
    if (p->tally != NULL) {
        p->tally->dh++; /* se */
        p->tally->handshakes++;
    }
    qn_wipe(&p->bond->final, sizeof p->bond->final);
    qn_htx_visit_release(&p->visit);
    p->state = QN_HTX_PEER_QNET;
    return QN_OK;
}
