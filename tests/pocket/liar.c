/* The wrapped calls of a lying hop, and of its witnesses. */
#include "pocket/liar.h"

#include "link/stream.h"
#include "pocket/internal.h"

liar_state liar;

static struct {
    const qn_onion *client;
    qn_onion *hop;
    qn_key key; /* forward, as split: what pairs the two */
} pairs[LIAR_KEYS];
static uint32_t pairs_n;

static liar_view views[LIAR_VIEWS];
static uint32_t views_n;

static struct {
    qn_piece v[LIAR_TEXTS];
    uint32_t n;
} kept; /* DROP and DELAY: in order; REORDER, SWAP, REFLECT: the one that was taken out */

const char *deed_name(deed d)
{
    static const char *const names[DEEDS] = {
        [DEED_FLIP] = "flip",       [DEED_INNER] = "inner",   [DEED_CUT] = "cut",
        [DEED_RESIZE] = "resize",   [DEED_DROP] = "drop",     [DEED_REPEAT] = "repeat",
        [DEED_REORDER] = "reorder", [DEED_INJECT] = "inject", [DEED_REFLECT] = "reflect",
        [DEED_SWAP] = "swap",       [DEED_DELAY] = "delay"};

    return names[d];
}

static void forget_kept(void)
{
    for (uint32_t i = 0; i < kept.n; i++)
        qn_block_drop(kept.v[i].block);
    kept.n = 0;
}

void liar_reset(void)
{
    forget_kept();
    liar = (liar_state){0};
    pairs_n = views_n = 0;
}

/* ---- witnesses: texts ------------------------------------------------------------------------ */

static const liar_view *view_of(const qn_onion *keys)
{
    for (uint32_t i = views_n; i-- > 0;)
        if (views[i].keys == keys)
            return &views[i];
    return NULL;
}

const liar_view *liar_said(const circuit *c)
{
    return view_of(c->core.layer);
}

const liar_view *liar_heard(const qn_onion *keys)
{
    return view_of(keys);
}

/* Fresh keys, maybe where old ones lay: what those said stays with who holds their view. */
static void fresh_view(const qn_onion *keys)
{
    liar_view *old = (liar_view *)view_of(keys);

    if (old != NULL)
        old->keys = NULL;
    QN_ASSERT(views_n < LIAR_VIEWS);
    views[views_n].keys = keys;
    views[views_n++].n = 0;
}

static void note(const qn_onion *keys, qn_env *env, const uint8_t *text, size_t size)
{
    liar_view *v = (liar_view *)view_of(keys);
    qn_slice whole = qn_slice_of(text, qn_cell_text(size));

    QN_ASSERT(v != NULL && v->n < LIAR_TEXTS);
    QN_ASSERT(qn_sha256(env, &whole, 1, &v->text[v->n]) == QN_OK);
    v->at[v->n++] = env->now;
}

/* ---- witnesses: handshakes ------------------------------------------------------------------- */

qn_err __real_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o);
qn_err __wrap_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o);
qn_err __real_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o);
qn_err __wrap_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o);

qn_err __wrap_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o)
{
    qn_err err = __real_qn_create_answer(all, data, out, o);

    if (err == QN_OK)
        fresh_view(o);
    if (err == QN_OK && pairs_n < LIAR_KEYS) {
        pairs[pairs_n].hop = o;
        pairs[pairs_n].client = NULL;
        pairs[pairs_n++].key = o->forward.key;
    }
    return err;
}

qn_err __wrap_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o)
{
    qn_err err = __real_qn_create_finish(x, all, data, o);

    if (err == QN_OK)
        fresh_view(o);
    for (uint32_t i = pairs_n; err == QN_OK && i-- > 0;)
        if (memcmp(&pairs[i].key, &o->forward.key, sizeof pairs[i].key) == 0) {
            pairs[i].client = o;
            break;
        }
    return err;
}

relay *liar_hop(const circuit *c, unsigned i)
{
    for (uint32_t k = pairs_n; k-- > 0;)
        if (pairs[k].client == &c->core.layer[i])
            return (relay *)(void *)((char *)pairs[k].hop - offsetof(relay, hop.onion));
    return NULL;
}

relay *liar_entry(const circuit *c, pw_node *entry)
{
    bool enters = qn_peerid_equal(&c->hops[0].id, &pw_core(entry)->id);

    for (relay *r = pw_core(entry)->relays; enters && r != NULL; r = r->next)
        if (r->prev_tie.nb != NULL && r->prev_tie.stream == c->tie.stream &&
            r->hop.state == QN_HOP_PIPE && !r->prev_tie.nb->known)
            return r;
    return NULL;
}

/* ---- witnesses: cells ------------------------------------------------------------------------ */

static qn_err caught(qn_env *env, qn_err err)
{
    if (err != QN_OK && err != QN_SHORT && liar.done && liar.first.env == NULL)
        liar.first = (liar_catch){env, err, env->now};
    return err;
}

qn_err __real_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __wrap_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __real_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __wrap_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __real_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size);
qn_err __wrap_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size);
qn_err __real_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size);
qn_err __wrap_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size);
qn_err __real_qn_cell_in_put(qn_cell_in *in, qn_env *env, qn_piece piece, bool more, qn_piece *out);
qn_err __wrap_qn_cell_in_put(qn_cell_in *in, qn_env *env, qn_piece piece, bool more, qn_piece *out);

qn_err __wrap_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    return caught(env, __real_qn_onion_joint_forward(o, env, cell, size));
}

qn_err __wrap_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = caught(env, __real_qn_onion_end_forward(o, env, cell, size));

    if (err == QN_OK)
        note(o, env, cell, size);
    return err;
}

qn_err __wrap_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size)
{
    if (n == 2) /* with one it extends: that text is the joint's */
        note(o, env, cell, size);
    return __real_qn_onion_client_forward(o, n, env, cell, size);
}

qn_err __wrap_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size)
{
    return caught(env, __real_qn_onion_client_backward(o, n, env, cell, size));
}

qn_err __wrap_qn_cell_in_put(qn_cell_in *in, qn_env *env, qn_piece piece, bool more, qn_piece *out)
{
    return caught(env, __real_qn_cell_in_put(in, env, piece, more, out));
}

/* ---- deeds ----------------------------------------------------------------------------------- */

qn_err __real_qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin);
qn_err __wrap_qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin);
void __real_qn_hop_clear(qn_hop *h);
void __wrap_qn_hop_clear(qn_hop *h);
void __real_qn_hop_backward(qn_hop *h, qn_piece cell);
void __wrap_qn_hop_backward(qn_hop *h, qn_piece cell);

void liar_begin(relay *on, relay *other, const liar_plan *plan)
{
    liar.on = on;
    liar.other = other;
    liar.plan = *plan;
    liar.passed = 0;
}

static void keep(qn_piece cell)
{
    QN_ASSERT(kept.n < LIAR_TEXTS);
    kept.v[kept.n++] = cell;
}

static qn_piece take_kept(void)
{
    qn_piece first = kept.v[0];

    memmove(kept.v, kept.v + 1, --kept.n * sizeof kept.v[0]);
    return first;
}

static qn_piece fresh(qn_env *env, size_t size, const uint8_t *from, size_t n)
{
    qn_piece p;

    QN_ASSERT(qn_cell_get(env, size, &p) == QN_OK);
    memset(qn_piece_data(&p), 0, size);
    memcpy(qn_piece_data(&p), from, QN_MIN(n, size));
    return p;
}

static void did(const qn_piece *cell)
{
    liar.done = true;
    liar.size = cell->len;
}

/* A joint's forward cells end in filler, which the end does not read. */
static void flip(qn_piece *cell)
{
    uint32_t at = liar.plan.where % cell->len;

    qn_piece_data(cell)[at] ^= liar.plan.mask;
    liar.filler = liar.plan.forward && liar.on->hop.state == QN_HOP_JOINT &&
                  at >= qn_cell_text(cell->len) + QN_TAG;
}

static qn_err send_both(qn_link *l, uint32_t id, qn_piece first, qn_piece second)
{
    qn_err err = __real_qn_link_send(l, id, first, false);

    QN_ASSERT(err == QN_OK);
    return __real_qn_link_send(l, id, second, false);
}

static qn_err inject(qn_link *l, uint32_t id, qn_piece cell, bool random)
{
    qn_piece more = fresh(l->env, cell.len, qn_piece_data(&cell), cell.len);

    if (random) /* by the plan, so that the node's own draws stay what they were */
        for (uint32_t i = 0; i < more.len; i++)
            qn_piece_data(&more)[i] = (uint8_t)(liar.plan.where + i * (liar.plan.mask | 1u));
    return send_both(l, id, more, cell);
}

static qn_err resize(qn_link *l, uint32_t id, qn_piece cell)
{
    size_t size = cell.len == QN_CELL_S ? QN_CELL_L : QN_CELL_S;
    qn_piece other = fresh(l->env, size, qn_piece_data(&cell), cell.len);

    qn_block_drop(cell.block);
    return __real_qn_link_send(l, id, other, false);
}

static bool room_for_two(const qn_link *l, uint32_t id, const qn_piece *cell)
{
    size_t most = liar.plan.deed == DEED_RESIZE ? QN_CELL_L : cell->len;

    return qn_link_writable(l, id) >= cell->len + most + QN_CELL_L;
}

/* The cell whose turn it is to be lied about. */
static qn_err commit_deed(qn_link *l, uint32_t id, qn_piece cell)
{
    did(&cell);
    switch (liar.plan.deed) {
    case DEED_FLIP:
        flip(&cell);
        break;
    case DEED_CUT:
        cell.len -= 1 + liar.plan.where % (cell.len - 1);
        break;
    case DEED_RESIZE:
        return resize(l, id, cell);
    case DEED_DROP:
    case DEED_REORDER:
    case DEED_REFLECT:
    case DEED_SWAP:
    case DEED_DELAY:
        keep(cell);
        return QN_OK;
    case DEED_REPEAT:
        return inject(l, id, cell, false);
    case DEED_INJECT:
        return inject(l, id, cell, true);
    case DEED_INNER:
    case DEEDS:
        break;
    }
    return __real_qn_link_send(l, id, cell, false);
}

/* What follows in the same lane. */
static qn_err after_deed(qn_link *l, uint32_t id, qn_piece cell)
{
    liar.later++;
    if (kept.n > 0 && liar.plan.deed == DEED_DELAY) {
        keep(cell);
        return QN_OK;
    }
    if (kept.n > 0 && liar.plan.deed == DEED_REORDER && room_for_two(l, id, &cell))
        return send_both(l, id, cell, take_kept());
    return __real_qn_link_send(l, id, cell, false);
}

/* SWAP's second circuit, and REFLECT's way back: the kept cell goes in place of this one. */
static qn_err exchange(qn_link *l, uint32_t id, qn_piece cell)
{
    qn_piece mine = take_kept();
    const tie *back = liar.plan.forward ? &liar.on->next_tie : &liar.on->prev_tie;

    liar.exchanged = true;
    /* The other circuit's way may be full or gone: then its cell is lost. */
    if (liar.plan.deed != DEED_SWAP || back->nb == NULL ||
        __real_qn_link_send(&back->nb->link, back->stream, cell, false) != QN_OK)
        qn_block_drop(cell.block);
    return __real_qn_link_send(l, id, mine, false);
}

static const tie *tie_of(const qn_link *l, uint32_t id)
{
    const qn_stream *s = qn_stream_get(l, id);

    return s != NULL && s->kind == QN_KIND_CIRCUIT ? s->user : NULL;
}

/* Whether a cell that leaves by this tie goes the plan's way. */
static bool same_way(const tie *t)
{
    return (t->kind == TIE_RELAY_NEXT) == liar.plan.forward;
}

qn_err __wrap_qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin)
{
    const tie *t = liar.on != NULL ? tie_of(l, id) : NULL;

    if (t == NULL || liar.plan.deed == DEED_INNER ||
        (t->kind != TIE_RELAY_NEXT && t->kind != TIE_RELAY_PREV))
        return __real_qn_link_send(l, id, piece, fin);
    if (t->owner == liar.on && same_way(t)) {
        if (liar.done)
            return after_deed(l, id, piece);
        if (liar.passed++ >= liar.plan.after && room_for_two(l, id, &piece))
            return commit_deed(l, id, piece);
    } else if (kept.n > 0 && qn_link_writable(l, id) >= kept.v[0].len + QN_STREAM_HEADER &&
               ((t->owner == liar.on && liar.plan.deed == DEED_REFLECT) ||
                (t->owner == liar.other && liar.plan.deed == DEED_SWAP && same_way(t)))) {
        return exchange(l, id, piece);
    }
    return __real_qn_link_send(l, id, piece, fin);
}

/* A joint that seals what it has damaged. */
void __wrap_qn_hop_backward(qn_hop *h, qn_piece cell)
{
    bool mine = liar.on != NULL && h == &liar.on->hop && liar.plan.deed == DEED_INNER;

    if (mine && liar.done) {
        liar.later++;
    } else if (mine && liar.passed++ >= liar.plan.after) {
        did(&cell);
        /* Not the filler, which it overwrites anyway. */
        qn_piece_data(&cell)[liar.plan.where % (qn_cell_text(cell.len) + QN_TAG)] ^= liar.plan.mask;
    }
    __real_qn_hop_backward(h, cell);
}

/* Their memory may soon be another circuit's. */
void __wrap_qn_hop_clear(qn_hop *h)
{
    if (liar.on != NULL && h == &liar.on->hop)
        liar.on = NULL;
    if (liar.other != NULL && h == &liar.other->hop)
        liar.other = NULL;
    __real_qn_hop_clear(h);
}

bool liar_release(pw_node *n)
{
    const tie *t;

    if (liar.on == NULL)
        return false;
    t = liar.plan.forward ? &liar.on->next_tie : &liar.on->prev_tie;

    pw__stamp(n);
    while (kept.n > 0 && t->nb != NULL &&
           qn_link_writable(&t->nb->link, t->stream) >= kept.v[0].len + QN_STREAM_HEADER) {
        QN_ASSERT(__real_qn_link_send(&t->nb->link, t->stream, take_kept(), false) == QN_OK);
        neighbour_touch(t->nb);
    }
    node_settle(pw_core(n));
    pw__drain(n);
    return kept.n > 0;
}
