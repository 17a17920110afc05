/* The way back: what is not ours, or no longer sound, is the origin's. docs/wire/htx.md, "The
 * switch". */
#include "htx/peer.h"

void qn_htx_peer_drop(qn_htx_peer *p)
{
    qn_htx_bond *b = p->bond;

    qn_inbox_drop(&p->in);
    if (b == NULL)
        return;
    qn_htx_traffic_clear(&b->traffic);
    qn_block_drop(b->first.block);
    qn_wipe(b, sizeof *b);
    qn_mem_put(&p->env->mem, b, sizeof *b);
    p->bond = NULL;
    if (p->visit.state == QN_HTX_VISIT_ANSWERED)
        qn_htx_visit_release(&p->visit);
}

void qn_htx_peer_fail(qn_htx_peer *p, qn_err err)
{
    qn_htx_splice_fail(&p->visit.splice, err);
    qn_htx_peer_drop(p);
    p->state = QN_HTX_PEER_RAW;
}

/* The origin is not there to react, so this is what it would have said and done. */
static qn_err react(qn_htx_peer *p)
{
    const qn_htx_site *site = p->site;
    qn_htx_splice *s = &p->visit.splice;
    size_t n = QN_RECORD_HEADER + (size_t)site->alert;
    qn_block *b = qn_block_get(p->env, n);

    if (b == NULL)
        return QN_NOMEM;
    memcpy(b->data, "\x17\x03\x03", 3);
    qn_put16(b->data + 3, site->alert);
    qn_rng_fill(p->env, b->data + QN_RECORD_HEADER, site->alert);
    qn_htx_splice_write(s, 0, qn_slice_of(b->data, n));
    qn_block_drop(b);
    qn_htx_splice_leave(s, site->after_fatal.reset ? 3 : 0, QN_AUTH);
    return QN_OK;
}

/* O's bytes that C has not had leave as they are, but for R, whose number PROOF has taken: whoever
 * deleted PROOF meets the sequence that a browser would die of. */
static qn_err let_out(qn_htx_peer *p)
{
    qn_htx_traffic *t = &p->bond->traffic;
    qn_queue *out = qn_htx_peer_out(p);
    qn_err err = QN_OK;

    if (qn_htx_peer_mute(p))
        return QN_OK;
    if (t->carry.sent == 0)
        qn_htx_carry_drop(&t->carry, &p->env->mem);
    else
        err = qn_htx_traffic_finish(t, out);
    return err == QN_OK ? qn_queue_move(out, &t->carry.out, &p->env->mem) : err;
}

/* All that was read of C and has not been used goes on in one write. */
static void give_up_input(qn_htx_peer *p)
{
    const qn_inbox *in = &p->in;

    if (in->p != NULL)
        qn_htx_splice_write(&p->visit.splice, 1, qn_slice_of(in->p, in->n));
    else if (in->left.len > 0)
        qn_htx_splice_write(&p->visit.splice, 1,
                            qn_slice_of(qn_piece_data(&in->left), in->left.len));
}

void qn_htx_peer_raw(qn_htx_peer *p, qn_err err)
{
    bool linked = p->state == QN_HTX_PEER_QNET;
    qn_err ours = p->bond->o_over ? react(p) : let_out(p);

    if (ours != QN_OK) {
        qn_htx_peer_fail(p, ours);
        return;
    }
    give_up_input(p);
    p->raw_due = linked && !p->bond->est_due;
    p->err = err;
    qn_htx_peer_drop(p);
    p->state = QN_HTX_PEER_RAW;
}
