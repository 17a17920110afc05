/*
 * The directory's client side, but for seek.c. One request at a time, over a directory stream of an
 * ordinary link: LIST for everybody, REGISTER and HEARTBEAT for nodes that are listed. The stream
 * is opened when there is something to ask and closed when there is not; the link stays warm by
 * itself.
 */
#include "node/internal.h"

#define BACKOFF_FIRST (500 * QN_MS) /* doubled with every failure in a row ... */
enum { BACKOFF_DOUBLINGS = 4 };     /* ... up to 8 s */
#define DESCRIBE_EVERY (6 * 3600 * QN_SEC)

/* ---- our own descriptor ---------------------------------------------------------------------- */

static void dated(qn_dated_key *k, const qn_secret32 *secret, int64_t wall)
{
    qn_dh_secret s;

    memcpy(s.b, secret->b, sizeof s.b);
    qn_dh_derive(&s, &k->key);
    qn_wipe(&s, sizeof s);
    k->not_before = wall;
    k->not_after = wall + QN_KEY_LIFE_S;
}

static void exit_fields(qn_descriptor *d, const qn_node *n)
{
    qn_policy_said said;

    if (qn_policy_say(&n->policy, &said) == QN_OK) { /* start_exit has asked before */
        d->ports_n = said.singles_n;
        memcpy(d->ports, said.singles, said.singles_n * sizeof said.singles[0]);
        d->ranges_n = said.ranges_n;
        memcpy(d->ranges, said.ranges, said.ranges_n * sizeof said.ranges[0]);
    }
    d->roles |= QN_ROLE_EXIT;
    memcpy(d->contact, n->cfg.contact, sizeof d->contact);
}

static qn_err describe(qn_node *n)
{
    asker *a = &n->asker;
    int64_t wall = n->env->wall;
    qn_descriptor d = {.sequence = QN_MAX((uint64_t)wall, a->self.sequence + 1),
                       .valid_after = wall,
                       .valid_until = wall + QN_DESCRIPTOR_LIFE_S,
                       .roles = QN_ROLE_RELAY,
                       .addrs_n = 1,
                       .onions_n = 1};
    qn_err err;

    if (n->cfg.follower) /* whoever leads does, for all */
        return QN_OK;
    d.addrs[0] = n->cfg.listen;
    dated(&d.link, &n->cfg.keys.link, wall);
    dated(&d.onion[0], &n->cfg.keys.onion, wall);
    memcpy(d.country, n->cfg.country, sizeof d.country);
    d.card = site_card(n->site);
    if (node_exits(n))
        exit_fields(&d, n);
    d.via_n = berths_via(n, d.via);
    if (node_serves_directory(n))
        d.roles |= QN_ROLE_DIRECTORY;
    err = qn_descriptor_sign(&d, n->env, &n->net, &n->cfg.keys.identity, a->descriptor,
                             &a->descriptor_n);
    if (err == QN_OK)
        a->self = d;
    n->store_descriptor |= n->cfg.unlisted && err == QN_OK;
    return err;
}

static qn_err beat(qn_node *n, uint8_t out[QN_HEARTBEAT_MAX], size_t *len)
{
    asker *a = &n->asker;
    int64_t wall = n->env->wall;
    bool was_ahead = a->last_beat > wall + 2 * QN_HEARTBEAT_SKEW_S; /* nobody took that one */
    qn_heartbeat h = {.descriptor = a->self.sequence,
                      .time = was_ahead ? wall : QN_MAX(a->last_beat + 1, wall)};
    qn_err err = qn_heartbeat_sign(&h, n->env, &n->net, &n->cfg.keys.identity, out, len);

    if (err == QN_OK)
        a->last_beat = h.time;
    return err;
}

void asker_described(qn_node *n, qn_slice descriptor)
{
    asker *a = &n->asker;

    a->descriptor_n = QN_MIN(descriptor.n, (size_t)QN_DESCRIPTOR_MAX);
    memcpy(a->descriptor, descriptor.p, a->descriptor_n);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void rearm(qn_node *n)
{
    asker *a = &n->asker;
    qn_time due = a->list_at;

    if (node_registers(n))
        due = QN_MIN(due, a->heartbeat_at);
    if (a->asking != 0)
        due = a->timeout_at;
    else if (a->want != 0)
        due = a->retry_at;
    if (n->stopping) /* nothing is asked any more, so it would stay due */
        due = QN_NEVER;
    node_timer(n, &a->timer, TIMER_ASKER, due);
}

static void failed(qn_node *n, qn_err why)
{
    asker *a = &n->asker;

    tie_close(&a->tie, QN_CLOSE_GONE);
    qn_dir_reader_clear(&a->reader, n->env);
    a->want |= a->asking;
    a->asking = 0;
    a->where++;
    a->last_error = n->last_error = why;
    a->retry_at = n->env->now + (BACKOFF_FIRST << QN_MIN(a->failures, (uint32_t)BACKOFF_DOUBLINGS));
    a->failures++;
    qn_log_line(n->env, QN_LOG_INFO, "dir", "the directory did not answer: %s", qn_err_text(why));
    rearm(n);
}

/* Whether this relay of a list is worth asking; of an old list only with keys that are still good.
 */
static bool serves(const qn_node *n, const qn_relay *r, bool directory)
{
    if (((r->d.roles & QN_ROLE_DIRECTORY) != 0) != directory || qn_peerid_equal(&r->d.id, &n->id))
        return false;
    if (n->snapshot != NULL)
        return visits_reach(n, r->d.card);
    return qn_relay_usable(r, n->env->wall) && visits_reach_now(n, &r->d.id, r->d.card);
}

static const qn_relay *one_of(qn_node *n, const qn_snapshot *s, bool directory)
{
    uint32_t count = 0, pick;

    for (uint32_t i = 0; i < s->relays_n; i++)
        count += serves(n, &s->relays[i], directory);
    if (count == 0)
        return NULL;
    pick = qn_rng_below(n->env, count);
    for (uint32_t i = 0; i < s->relays_n; i++)
        if (serves(n, &s->relays[i], directory) && pick-- == 0)
            return &s->relays[i];
    return NULL;
}

/* Where to ask for a list, in turn while nobody answers: a listed directory, an operator, another
 * relay, for all of them keep the list and serve it. With nothing but an old list operators come
 * first, then its nodes, and so on. NULL: an operator. */
static const qn_relay *listed_place(qn_node *n, unsigned i)
{
    enum { DIRECTORY, OPERATOR, RELAY, WAYS };
    uint32_t round = n->asker.failures, way = (round + i) % WAYS;

    if (n->snapshot != NULL)
        return way != OPERATOR ? one_of(n, n->snapshot, way == DIRECTORY) : NULL;
    if (n->cached != NULL && round % 2 == 1)
        return one_of(n, n->cached, i == 0);
    return NULL;
}

neighbour *operator_dial(qn_node *n, uint8_t index)
{
    const qn_operator *o = &n->net.operators[index];
    const qn_relay *r = n->snapshot != NULL ? qn_snapshot_find(n->snapshot, &o->id) : NULL;
    whom to = {.id = &o->id, .addr = &o->addr, .card = o->card};
    qn_dh_public key;

    if (r != NULL && visits_reach_now(n, &o->id, r->d.card))
        to.card = r->d.card;
    memcpy(key.b, o->link_key, sizeof key.b);
    to.key = &key;
    return neighbour_dial(n, &to);
}

neighbour *asker_place(qn_node *n, unsigned i)
{
    const qn_relay *r = listed_place(n, i);
    neighbour *near = NULL;

    if (r != NULL)
        return neighbour_get(n, r);
    if (i == QN_SEEKERS && n->snapshot == NULL) /* all nodes serve the list: those we came upon */
        near = heard_anybody(n);
    if (near != NULL)
        return near;
    if (i >= n->net.operators_n) /* each once */
        return NULL;
    return operator_dial(n, (uint8_t)((n->asker.where + i) % n->net.operators_n));
}

/* Registrations go to operators. */
static neighbour *directory(qn_node *n)
{
    if (n->invited_n > 0) /* whose first address is to stay unseen goes to no other */
        return invited_dial(n);
    if (n->asker.want == WANT_LIST)
        return asker_place(n, 0);
    return operator_dial(n, (uint8_t)(n->asker.where % n->net.operators_n));
}

static qn_err say(qn_node *n, const qn_dir_message *m)
{
    asker *a = &n->asker;
    qn_link *l = &a->tie.nb->link;
    uint8_t head[QN_DIR_HEAD_MAX];
    size_t len = qn_dir_message_head(m, head);
    qn_err err = qn_link_send_bytes(l, a->tie.stream, head, len, false);

    if (err == QN_OK && m->bytes.n > 0)
        err = qn_link_send_bytes(l, a->tie.stream, m->bytes.p, m->bytes.n, false);
    neighbour_touch(a->tie.nb);
    return err;
}

static qn_err ask(qn_node *n, uint8_t what)
{
    asker *a = &n->asker;
    uint8_t hb[QN_HEARTBEAT_MAX];
    qn_dir_message m = {.type = QN_DIR_LIST};
    size_t len = 0;
    qn_err err = QN_OK;

    if (what == WANT_LIST) {
        list_request(n, &m);
    } else if (what == WANT_DESCRIPTOR) {
        m.type = QN_DIR_DESCRIBE;
    } else if (what == WANT_REGISTER) {
        m = (qn_dir_message){.type = QN_DIR_REGISTER,
                             .bytes = qn_slice_of(a->descriptor, a->descriptor_n)};
    } else {
        err = beat(n, hb, &len);
        m = (qn_dir_message){.type = QN_DIR_HEARTBEAT, .bytes = qn_slice_of(hb, len)};
    }
    if (err == QN_OK)
        err = say(n, &m);
    if (err == QN_OK) {
        a->want &= (uint8_t)~what;
        a->asking = what;
        a->timeout_at = n->env->now + QN_DIR_TIMEOUT;
    }
    return err;
}

/* An operator is its own directory. */
static void ask_ourselves(qn_node *n)
{
    asker *a = &n->asker;
    uint8_t hb[QN_HEARTBEAT_MAX];
    size_t len = 0;

    a->want = 0;
    a->list_at = QN_NEVER;
    if (!node_registers(n))
        return;
    if (beat(n, hb, &len) == QN_OK && operator_self(n, qn_slice_of(a->descriptor, a->descriptor_n),
                                                    qn_slice_of(hb, len)) == QN_OK) {
        a->registered = true;
        a->heard = n->env->now;
    }
    a->heartbeat_at = n->env->now + QN_HEARTBEAT_EVERY;
}

static void proceed(qn_node *n)
{
    asker *a = &n->asker;
    qn_err err = QN_OK;
    neighbour *nb;

    if (a->asking != 0 || n->stopping)
        return;
    if (a->want == 0) {
        tie_close(&a->tie, QN_CLOSE_DONE);
        qn_dir_reader_clear(&a->reader, n->env);
        return;
    }
    if ((a->want & WANT_LIST) != 0)
        seek_begin(n);
    if (a->tie.nb == NULL) {
        qn_dir_reader_clear(&a->reader, n->env);
        qn_dir_reader_init(&a->reader, QN_DIR_MESSAGE_MAX);
        nb = directory(n);
        err = nb == NULL ? QN_UNREACHABLE : tie_open(&a->tie, TIE_ASKER, n, nb, QN_KIND_DIRECTORY);
    }
    if (err == QN_OK)
        err = ask(n, (uint8_t)(a->want & WANT_REGISTER    ? WANT_REGISTER
                               : a->want & WANT_HEARTBEAT ? WANT_HEARTBEAT
                               : a->want & WANT_LIST      ? WANT_LIST
                                                          : WANT_DESCRIPTOR));
    if (err != QN_OK)
        failed(n, err);
}

void asker_want(qn_node *n, uint8_t want)
{
    asker *a = &n->asker;

    if (n->op != NULL || n->stopping || ((a->want | a->asking) & want) == want)
        return;
    a->want |= want;
    /* Asked again soon after an answer: not at once, it is the same list. */
    if (a->asking == 0 && a->retry_at < a->heard + QN_SEC && a->heard != 0)
        a->retry_at = a->heard + QN_SEC;
    rearm(n);
}

/* A client's links are silent while nobody uses them, so its list grows old meanwhile. */
void asker_wanted(qn_node *n)
{
    asker *a = &n->asker;

    if (n->cfg.mode == QN_CLIENT && a->heard != 0 && n->env->now - a->heard >= QN_LIST_EVERY)
        asker_want(n, WANT_LIST);
}

void asker_renew(qn_node *n)
{
    asker *a = &n->asker;

    if (!node_relays(n) || describe(n) != QN_OK)
        return;
    a->registered = false;
    a->heartbeat_at = n->env->now; /* which registers first */
    rearm(n);
}

void asker_tick(qn_node *n)
{
    asker *a = &n->asker;
    qn_time now = n->env->now;

    if (a->asking != 0 && a->timeout_at <= now) {
        failed(n, QN_TIMEOUT);
        return;
    }
    if (node_relays(n) && n->env->wall > a->self.valid_after + QN_DESCRIPTOR_LIFE_S / 2 &&
        describe(n) == QN_OK)
        a->registered = false;
    if (a->list_at <= now) {
        a->want |= WANT_LIST;
        if (n->invited_n > 0 && a->describe_at <= now)
            a->want |= WANT_DESCRIPTOR;
        a->list_at = now + (n->cfg.mode == QN_CLIENT ? QN_LIST_UNUSED : QN_LIST_EVERY);
    }
    if (node_registers(n) && a->heartbeat_at <= now) {
        a->want |= a->registered ? WANT_HEARTBEAT : WANT_REGISTER;
        a->heartbeat_at = now + QN_HEARTBEAT_EVERY;
    }
    if (n->op != NULL)
        ask_ourselves(n);
    else if (a->retry_at <= now)
        proceed(n);
    rearm(n);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A network that is being founded lists its nodes a few at a time; ours is among the first. */
static bool young(const qn_node *n)
{
    return !n->cfg.follower && n->env->now < n->asker.young_until &&
           (n->snapshot == NULL || n->snapshot->relays_n < QN_YOUNG_RELAYS);
}

static void taken(qn_node *n)
{
    asker *a = &n->asker;

    a->failures = 0;
    a->retry_at = 0;
    a->heard = n->env->now;
}

static void listed(qn_node *n)
{
    seek_end(n);
    relays_listed(n);
    if (young(n))
        n->asker.list_at = n->env->now + QN_YOUNG_LIST_EVERY;
}

bool asker_seeks(const qn_node *n)
{
    return ((n->asker.want | n->asker.asking) & WANT_LIST) != 0;
}

/* Whom we asked first lets us wait: another is first next time. */
void asker_found(qn_node *n)
{
    asker *a = &n->asker;

    a->want &= (uint8_t)~WANT_LIST;
    if (a->asking == WANT_LIST) {
        a->asking = 0;
        tie_close(&a->tie, QN_CLOSE_DONE);
        qn_dir_reader_clear(&a->reader, n->env);
        a->where++;
    }
    taken(n);
    listed(n);
    proceed(n);
    rearm(n);
}

static void answered(qn_node *n, const qn_dir_message *m)
{
    asker *a = &n->asker;
    uint8_t asked = a->asking;
    qn_err err = QN_OK;

    a->asking = 0;
    if (m->type == QN_DIR_ERROR)
        err = qn_dir_err_of(m->code);
    else if (asked == WANT_LIST)
        err = list_answer(n, m, &a->tie.nb->id);
    else if (asked == WANT_DESCRIPTOR && m->type == QN_DIR_DESCRIPTOR)
        err = invited_renew(n, &a->tie.nb->id, m->bytes);
    else if (m->type != QN_DIR_OK)
        err = QN_PROTO;
    if (err == QN_STALE && asked == WANT_LIST)
        err = QN_OK;                            /* a mirror that is behind; ours is the newer one */
    if (err == QN_BUSY && asked == WANT_LIST) { /* a young network: nothing is listed yet */
        a->want |= WANT_LIST;
        a->retry_at = n->env->now + BACKOFF_FIRST;
        rearm(n);
        return;
    }
    if (err == QN_UNKNOWN && asked == WANT_HEARTBEAT) {
        a->registered = false; /* the operator forgot us, or restarted */
        a->want |= WANT_REGISTER;
        err = QN_OK;
    } else if (err == QN_OK && asked == WANT_REGISTER) {
        a->registered = true;
        a->want |= WANT_HEARTBEAT; /* the first heartbeat lists us */
    }
    if (err != QN_OK) {
        a->asking = asked;
        failed(n, err);
        return;
    }
    if (asked == WANT_LIST && a->failures > 0 && a->tie.nb != NULL)
        gossip_ask_one(n, a->tie.nb, ASK_NEWS); /* the list may be old by now */
    if (m->type == QN_DIR_ROOTS)                /* and now the list, which others may have signed */
        a->want |= WANT_LIST;
    taken(n);
    if (asked == WANT_LIST && m->type != QN_DIR_ROOTS)
        listed(n);
    if (asked == WANT_DESCRIPTOR)
        a->describe_at = n->env->now + DESCRIBE_EVERY;
    proceed(n);
    rearm(n);
}

void asker_data(qn_node *n, qn_piece piece, bool fin)
{
    asker *a = &n->asker;
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);

    if (piece.len > 0)
        qn_link_returned(&a->tie.nb->link, a->tie.stream, piece.len);
    while (in.n > 0 && a->tie.nb != NULL) {
        qn_dir_message m;
        size_t used = 0;
        qn_err err = qn_dir_reader_push(&a->reader, n->env, in, &used, &m);

        in.p += used;
        in.n -= used;
        if (err == QN_SHORT)
            break;
        if (err == QN_OK && a->asking == 0)
            err = QN_PROTO;
        if (err != QN_OK) {
            failed(n, err);
            return;
        }
        answered(n, &m);
    }
    if (fin && a->tie.nb != NULL && a->asking != 0)
        failed(n, QN_GONE);
}

void asker_closed(qn_node *n, qn_err why)
{
    asker *a = &n->asker;

    if (a->asking != 0)
        failed(n, why == QN_OK ? QN_GONE : why);
    else
        rearm(n);
}

qn_err asker_start(qn_node *n)
{
    asker *a = &n->asker;

    qn_dir_reader_init(&a->reader, QN_DIR_MESSAGE_MAX);
    seek_start(n);
    if (n->net.operators_n > 1) /* not everybody's first is the same */
        a->where = qn_rng_below(n->env, n->net.operators_n);
    a->list_at = n->cfg.follower ? QN_NEVER : n->env->now; /* it is told */
    a->heartbeat_at = n->env->now;
    a->young_until = n->env->now + QN_YOUNG;
    if (node_relays(n)) {
        qn_err err = QN_NOMEM;

        a->descriptor = qn_mem_get(&n->env->mem, QN_DESCRIPTOR_MAX);
        if (a->descriptor != NULL)
            err = describe(n);
        if (err != QN_OK)
            return err;
    }
    rearm(n);
    return QN_OK;
}

void asker_clear(qn_node *n)
{
    qn_dir_reader_clear(&n->asker.reader, n->env);
    qn_mem_put(&n->env->mem, n->asker.descriptor, QN_DESCRIPTOR_MAX);
    n->asker.descriptor = NULL;
    seek_clear(n);
}
