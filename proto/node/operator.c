/*
 * An operator: its registry, and the lists it makes of it together with the others.
 *
 *     our turn, and the list is old --> pledge --> proposal, offered to all --> enough signatures:
 *     another's proposal, and it agrees with us --> pledge --> SIGNED   `--> snapshot, to all
 *
 * A pledge is kept on disk before anything is signed: of one version we sign one list, whatever
 * happens to this process (promise P5).
 */
#include "node/internal.h"

#include "dir/offer.h"

/* ---- turns ----------------------------------------------------------------------------------- */

static bool alone(const qn_node *n)
{
    return n->net.operators_n == 1;
}

static qn_time due_turn(const qn_node *n)
{
    const operators *op = n->op;
    int64_t wall = n->env->wall;

    if (alone(n))
        return QN_MAX(op->made, op->looked) + QN_SNAPSHOT_PAUSE;
    return n->env->now + (qn_time)(qn_turn_next(&n->net, op->me, wall) - wall) * QN_SEC;
}

static void rearm(qn_node *n)
{
    operators *op = n->op;
    qn_time due = QN_MIN(qn_registry_due(&op->registry), op->made + QN_SNAPSHOT_EVERY);

    op->stale |= op->death_at <= n->env->now;
    op->death_at = qn_registry_next_death(&op->registry);
    due = QN_MIN(due, op->death_at);
    if (op->pledge.state != PLEDGE_NONE) /* which comes first, and arms again */
        due = QN_NEVER;
    else if (op->stale)
        due = due_turn(n);
    node_timer(n, &op->timer, TIMER_OPERATOR, due);
}

static void changed(qn_node *n)
{
    n->op->stale = true;
    n->op->news_at = n->env->now;
    n->op->looked = 0;
    rearm(n);
}

void operator_news(qn_node *n)
{
    operators *op = n->op;

    if (op->registry.described != op->dialled)
        node_timer(n, &op->dial_timer, TIMER_DIALBACK, n->env->now);
    if (op->registry.news == op->news_known)
        return;
    op->news_known = op->registry.news;
    changed(n);
}

/* The version we may propose now; 0: none. */
static int64_t version_now(const qn_node *n)
{
    const operators *op = n->op;
    uint64_t held = n->snapshot != NULL ? n->snapshot->version : 0;
    int64_t version;

    if (alone(n))
        return signed_free(&op->versions, QN_MAX((int64_t)held + 1, n->env->wall));
    version = qn_turn(&n->net, op->me, n->env->wall);
    return version > (int64_t)held && signed_free(&op->versions, version) == version ? version : 0;
}

static bool outdated(const qn_node *n)
{
    return n->snapshot == NULL || qn_snapshot_outdated(n->snapshot, &n->op->registry) ||
           (n->net.distrusted & ~n->snapshot->proven) != 0;
}

/* ---- pledges --------------------------------------------------------------------------------- */

static void pledge_drop(qn_node *n)
{
    pledge *p = &n->op->pledge;

    if (p->to != NULL)
        p->to->waits = false;
    qn_blob_clear(&p->offer, &n->env->mem);
    *p = (pledge){0};
}

static void pledge_make(qn_node *n, const qn_statement *what, answer *to)
{
    operators *op = n->op;

    op->pledge.state = PLEDGE_TO_KEEP;
    op->pledge.what = *what;
    op->pledge.to = to;
    if (to != NULL)
        to->waits = true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void proposal_drop(qn_node *n)
{
    qn_blob_clear(&n->op->proposal.body, &n->env->mem);
    qn_blob_clear(&n->op->proposal.verified, &n->env->mem);
    n->op->proposal = (proposal){0};
}

/* The next thing every other operator hears from us. A list that enough have signed needs nothing
 * beside it: whoever takes it counts operators. */
static qn_err offer_all(qn_node *n, const qn_blob *list, const qn_blob *verified)
{
    operators *op = n->op;
    qn_blob offer = {0};
    qn_err err;

    if (alone(n))
        return QN_OK;
    err = qn_offer_write(&offer, n->env, qn_slice_of(list->p, list->n),
                         verified != NULL ? qn_slice_of(verified->p, verified->n) : (qn_slice){0});
    if (err != QN_OK)
        return err;
    qn_blob_clear(&op->offer, &n->env->mem);
    op->offer = offer;
    op->offer_serial++;
    fellows_wake(n);
    return QN_OK;
}

/* Enough have signed: it is the list, for us and everybody. */
static qn_err conclude(qn_node *n, qn_slice body, const qn_snapshot_signature *v, unsigned count)
{
    qn_blob all = {0};
    qn_err err = qn_snapshot_join(&all, n->env, body, v, count);

    if (err == QN_OK)
        err = node_adopt(n, qn_slice_of(all.p, all.n));
    if (err == QN_OK)
        err = offer_all(n, &all, NULL);
    qn_blob_clear(&all, &n->env->mem);
    return err;
}

static uint16_t bits(const qn_snapshot_signature *v, unsigned count)
{
    uint16_t who = 0;

    for (unsigned i = 0; i < count; i++)
        who |= (uint16_t)(1u << v[i].operator_index);
    return who;
}

static qn_err proposal_advance(qn_node *n)
{
    proposal *p = &n->op->proposal;
    qn_slice body = qn_slice_of(p->body.p, p->body.n);
    qn_blob one = {0};
    qn_err err;

    if (qn_snapshot_enough(&n->net, bits(p->v, p->n))) {
        err = conclude(n, body, p->v, p->n);
        proposal_drop(n);
        return err;
    }
    if (p->n > 1)
        return QN_OK;
    err = qn_snapshot_join(&one, n->env, body, p->v, 1);
    if (err == QN_OK)
        err = offer_all(n, &one, &p->verified);
    qn_blob_clear(&one, &n->env->mem);
    return err;
}

static qn_err propose(qn_node *n, int64_t version)
{
    uint8_t proofs[QN_EQUIVOCATIONS_MAX];
    proposal *p = &n->op->proposal;
    qn_slice body;
    qn_err err;

    proposal_drop(n);
    p->what = (qn_statement){
        .operator_index = n->op->me, .version = version, .until = version + QN_SNAPSHOT_LIVES_S};
    err = qn_snapshot_build(&p->body, &n->op->registry, version, p->what.until,
                            proofs_write(n, proofs));
    body = qn_slice_of(p->body.p, p->body.n);
    if (err == QN_OK)
        err = qn_offer_signatures(&p->verified, &n->op->registry, body);
    if (err == QN_OK)
        err = qn_sha256(n->env, &body, 1, &p->what.hash);
    if (err == QN_OK)
        pledge_make(n, &p->what, NULL);
    return err;
}

static qn_err sign_own(qn_node *n)
{
    proposal *p = &n->op->proposal;
    qn_slice body = qn_slice_of(p->body.p, p->body.n);
    qn_err err = qn_snapshot_sign(&p->v[0], n->env, &n->net, body, &n->cfg.operator_seed);

    if (err != QN_OK)
        return err;
    p->n = 1;
    return proposal_advance(n);
}

/* Ours is the last signature some lists need; then we say so to everybody. */
static qn_err sign_others(qn_node *n)
{
    pledge *p = &n->op->pledge;
    qn_snapshot_signature v[QN_OPERATORS_MAX];
    qn_dir_message m = {.type = QN_DIR_SIGNED};
    qn_signed_list o;
    qn_err err = qn_signed_list_open(&o, n->env, &n->net, qn_slice_of(p->offer.p, p->offer.n));

    if (err == QN_OK)
        err = qn_snapshot_sign(&o.v[o.n], n->env, &n->net, o.body, &n->cfg.operator_seed);
    if (err != QN_OK)
        return err;
    m.bytes = qn_slice_of(o.v[o.n].signature.b, sizeof o.v[o.n].signature.b);
    o.n++;
    if (p->to != NULL) {
        p->to->waits = false;
        answer_reply(p->to, &m);
        p->to = NULL;
    }
    memcpy(v, o.v, sizeof v);
    if (qn_snapshot_enough(&n->net, bits(v, o.n)))
        return conclude(n, o.body, v, o.n);
    return QN_OK;
}

/* The pledge is on disk. */
static void pledge_kept(qn_node *n)
{
    pledge *p = &n->op->pledge;
    bool own = p->offer.n == 0;
    qn_err err;

    signed_add(&n->op->versions, &p->what);
    err = own ? sign_own(n) : sign_others(n);
    if (p->to != NULL)
        answer_refuse(p->to, err);
    if (err != QN_OK) {
        n->op->made = n->env->now; /* tried again after the pause between two lists */
        qn_log_line(n->env, QN_LOG_ERROR, "dir", "list %lld was not signed: %s",
                    (long long)p->what.version, qn_err_text(err));
    }
    pledge_drop(n);
    rearm(n);
}

bool operator_store(qn_node *n, qn_action *a)
{
    operators *op = n->op;
    signed_versions with;

    if (op == NULL || op->pledge.state == PLEDGE_NONE)
        return false;
    if (op->pledge.state == PLEDGE_KEPT) {
        pledge_kept(n);
        node_settle(n);
        return false;
    }
    op->pledge.state = PLEDGE_KEPT;
    with = op->versions;
    signed_add(&with, &op->pledge.what);
    *a = (qn_action){.type = QN_ACT_STORE,
                     .name = "signed",
                     .bytes = qn_slice_of(op->signed_file, signed_write(&with, op->signed_file))};
    return true;
}

void operator_store_failed(qn_node *n)
{
    if (n->op == NULL || n->op->pledge.state == PLEDGE_NONE)
        return;
    qn_log_line(n->env, QN_LOG_ERROR, "dir",
                "nothing is signed, because what was signed cannot be kept");
    if (n->op->pledge.to != NULL)
        answer_refuse(n->op->pledge.to, QN_INTERNAL);
    pledge_drop(n);
    n->op->made = n->env->now; /* tried again after the pause between two lists */
    rearm(n);
}

void operator_forget(qn_node *n, const answer *a)
{
    if (n->op != NULL && n->op->pledge.to == a)
        n->op->pledge.to = NULL;
}

/* ---- what the others say --------------------------------------------------------------------- */

void operator_signed(qn_node *n, uint8_t who, qn_slice signature)
{
    proposal *p = &n->op->proposal;
    qn_statement s = p->what;

    if (p->n == 0 || signature.n != sizeof s.signature.b || (bits(p->v, p->n) >> who & 1) != 0)
        return;
    s.operator_index = who;
    memcpy(s.signature.b, signature.p, signature.n);
    if (qn_statement_verify(&n->net, &s) != QN_OK) {
        qn_log_line(n->env, QN_LOG_WARN, "dir", "operator %u gave a bad signature", who);
        return;
    }
    p->v[p->n++] = (qn_snapshot_signature){.operator_index = who, .signature = s.signature};
    if (proposal_advance(n) != QN_OK)
        proposal_drop(n);
    rearm(n);
}

static qn_err check_version(const qn_node *n, const qn_signed_list *o, const qn_statement *what)
{
    const operators *op = n->op;
    int whose = qn_turn_whose(&n->net, o->valid_after);

    if (whose < 0 || o->signers != 1u << whose || (n->net.distrusted >> whose & 1) != 0)
        return QN_REFUSED;
    if (o->valid_until - o->valid_after != QN_SNAPSHOT_LIVES_S)
        return QN_POLICY;
    if (o->valid_after > n->env->wall + QN_TURN_SKEW_S)
        return QN_EARLY;
    if (o->valid_after < n->env->wall - QN_TURN_SKEW_S ||
        (n->snapshot != NULL && (uint64_t)o->valid_after <= n->snapshot->version))
        return QN_STALE;
    return signed_may(&op->versions, what) ? QN_OK : QN_STALE;
}

static qn_err agree(qn_node *n, const qn_signed_list *o, qn_slice verified)
{
    operators *op = n->op;
    qn_time since = op->wanting_since;
    bool patient = since != 0 && n->env->now - since > QN_AGREE_AFTER;
    qn_differences d;
    qn_err err = qn_proposal_compare(&d, &op->registry, o, verified);

    if (err != QN_OK || qn_differences_bearable(&d, patient))
        return err;
    qn_log_line(n->env, QN_LOG_INFO, "dir",
                "list %lld not signed: of %u nodes %u are not alive here, and %u are missing",
                (long long)o->valid_after, d.listed, d.unknown, d.missing);
    return d.unknown > 0 ? QN_UNKNOWN : QN_REFUSED;
}

/* The bytes are gone when the answer's reader goes on, and the pledge is kept first. */
static qn_err keep_offer(qn_node *n, qn_slice list)
{
    qn_blob *b = &n->op->pledge.offer;

    b->p = qn_mem_get(&n->env->mem, list.n);
    if (b->p == NULL)
        return QN_NOMEM;
    memcpy(b->p, list.p, list.n);
    b->n = b->cap = list.n;
    return QN_OK;
}

qn_err operator_offered(answer *a, qn_slice bytes, bool *later)
{
    qn_node *n = a->n;
    qn_slice list, verified;
    qn_statement what;
    qn_signed_list o;
    qn_err err;

    if (n->op == NULL)
        return QN_STATE;
    err = qn_offer_read(bytes, &list, &verified);
    if (err == QN_OK)
        err = qn_signed_list_open(&o, n->env, &n->net, list);
    if (err != QN_OK)
        return err;
    proofs_heard(n, &o);
    if (qn_snapshot_enough(&n->net, o.signers)) {
        err = node_adopt(n, list);
        return err == QN_STALE ? QN_OK : err;
    }
    what = (qn_statement){.operator_index = n->op->me,
                          .version = o.valid_after,
                          .until = o.valid_until,
                          .hash = o.hash};
    err = n->op->pledge.state != PLEDGE_NONE ? QN_BUSY : check_version(n, &o, &what);
    if (err == QN_OK)
        err = agree(n, &o, verified);
    if (err == QN_OK)
        err = keep_offer(n, list);
    if (err != QN_OK)
        return err;
    pledge_make(n, &what, a);
    *later = true;
    return QN_OK;
}

/* [[descriptor, heartbeat], ...]; one bad object does not keep out the others. */
qn_err operator_told(qn_node *n, qn_slice objects)
{
    qn_cbor_r r;
    uint64_t count;
    bool unknown = false;

    if (n->op == NULL)
        return QN_STATE;
    qn_cbor_r_init(&r, objects.p, objects.n);
    count = qn_cbor_get_array(&r);
    for (uint64_t i = 0; i < count && r.err == QN_OK; i++) {
        qn_slice descriptor, heartbeat;

        if (qn_cbor_get_array(&r) != 2 && r.err == QN_OK)
            return QN_PROTO;
        descriptor = qn_cbor_get_bytes(&r);
        heartbeat = qn_cbor_get_bytes(&r);
        if (r.err == QN_OK)
            unknown |= qn_registry_share(&n->op->registry, descriptor, heartbeat) == QN_UNKNOWN;
    }
    operator_news(n);
    if (r.err != QN_OK)
        return r.err;
    return unknown ? QN_UNKNOWN : qn_cbor_end(&r);
}

/* ---- what nodes say -------------------------------------------------------------------------- */

qn_err operator_register(qn_node *n, qn_slice bytes)
{
    qn_err err = qn_registry_register(&n->op->registry, bytes, NULL);

    operator_news(n);
    fellows_wake(n);
    return err;
}

qn_err operator_heartbeat(qn_node *n, qn_slice bytes)
{
    qn_err err = qn_registry_heartbeat(&n->op->registry, bytes);

    operator_news(n);
    fellows_wake(n);
    return err;
}

uint32_t operator_prune(qn_node *n)
{
    uint32_t removed = qn_registry_prune(&n->op->registry);

    if (removed > 0)
        changed(n);
    return removed;
}

qn_err operator_self(qn_node *n, qn_slice descriptor, qn_slice heartbeat)
{
    qn_err err = operator_register(n, descriptor);

    return err == QN_OK ? operator_heartbeat(n, heartbeat) : err;
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool must_propose(qn_node *n)
{
    operators *op = n->op;
    qn_time now = n->env->now;
    bool old = now >= op->made + QN_SNAPSHOT_EVERY, news = op->stale && outdated(n);

    if (!news)
        op->wanting_since = 0;
    else if (op->wanting_since == 0)
        op->wanting_since = now;
    /* Newcomers that have not settled will make it old later. */
    op->stale = news || old || (op->stale && now < op->news_at + op->registry.settle + QN_SEC);
    return news || old;
}

void operator_tick(qn_node *n)
{
    operators *op = n->op;
    qn_time now = n->env->now;
    bool pruned = qn_registry_due(&op->registry) <= now;
    int64_t version;
    qn_err err;

    op->looked = now;
    qn_registry_tick(&op->registry);
    op->stale |= pruned || op->death_at <= now || now >= op->made + QN_SNAPSHOT_EVERY;
    version = op->pledge.state == PLEDGE_NONE ? version_now(n) : 0;
    if (must_propose(n) && version != 0 && (!alone(n) || now >= op->made + QN_SNAPSHOT_PAUSE)) {
        err = propose(n, version);
        if (err != QN_OK)
            qn_log_line(n->env, QN_LOG_ERROR, "dir", "no list could be made: %s", qn_err_text(err));
    }
    rearm(n);
}

void operator_listed(qn_node *n)
{
    if (n->op == NULL)
        return;
    n->op->registry.list = n->snapshot;
    n->op->made = n->env->now;
    n->op->stale = true; /* until it has been compared */
    rearm(n);
}

qn_slice operator_keeps(qn_node *n)
{
    qn_blob verified = {0};
    operators *op = n->op;
    qn_slice list = n->snapshot->bytes;
    qn_err err = qn_offer_signatures(&verified, &op->registry, n->snapshot->body);

    qn_blob_clear(&op->kept, &n->env->mem);
    if (err == QN_OK)
        err = qn_offer_write(&op->kept, n->env, list, qn_slice_of(verified.p, verified.n));
    qn_blob_clear(&verified, &n->env->mem);
    return err == QN_OK ? qn_slice_of(op->kept.p, op->kept.n) : list;
}

qn_err operator_start(qn_node *n, qn_slice verified, char why[160])
{
    operators *op;
    qn_sign_secret secret;
    qn_sign_public key;
    qn_err err = QN_OK;

    if (!n->cfg.has_operator)
        return QN_OK;
    op = n->op = qn_mem_get(&n->env->mem, sizeof *n->op);
    if (op == NULL)
        return QN_NOMEM;
    memcpy(secret.seed, n->cfg.operator_seed.b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    qn_wipe(&secret, sizeof secret);
    op->made = n->env->now;
    op->death_at = QN_NEVER;
    qn_registry_init(&op->registry, n->env, &n->net);
    op->registry.must_reach = true;
    op->registry.list = n->snapshot;
    if (!alone(n))
        op->registry.settle = QN_SETTLE;
    if (!qn_operator_find(&n->net, &key, &op->me))
        return node_wrong(why, "the operator key is not one of the network file's");
    if (n->cfg.stored_signed.n > 0 && signed_read(&op->versions, n->cfg.stored_signed) != QN_OK)
        return node_wrong(why, "the record of what this operator signed is damaged: restore it, "
                               "for without it two lists of one version might be signed");
    n->cfg.stored_signed = (qn_slice){0};
    if (n->snapshot != NULL)
        err = qn_offer_seed(&op->registry, n->snapshot, verified);
    if (err == QN_OK)
        err = measure_start(n);
    if (err == QN_OK)
        err = fellows_start(n);
    changed(n);
    return err;
}

void operator_clear(qn_node *n)
{
    if (n->op == NULL)
        return;
    qn_timers_cancel(&n->timers, &n->op->timer);
    qn_timers_cancel(&n->timers, &n->op->dial_timer);
    measure_clear(n);
    fellows_clear(n);
    pledge_drop(n);
    proposal_drop(n);
    qn_blob_clear(&n->op->offer, &n->env->mem);
    qn_blob_clear(&n->op->kept, &n->env->mem);
    qn_registry_clear(&n->op->registry);
    qn_mem_put(&n->env->mem, n->op, sizeof *n->op);
    n->op = NULL;
}
