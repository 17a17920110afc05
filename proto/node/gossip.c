/*
 * Nodes tell each other of nodes. All descriptors travel as answers: who has news says so when it
 * asks for news itself (what it holds), and whoever lacks it asks back. So nobody can push more at
 * us than we ask for, and our own pace bounds what we take.
 *
 * Rounds are for when there is a reason: the operators do not answer, or the list does not have us,
 * or there is news of others. In a network whose operators answer nobody asks anything.
 */
#include "node/internal.h"

#include "dir/envelope.h"

enum { HEARD_MAX = QN_GOSSIP_SAMPLE * (QN_DESCRIPTOR_MAX + 8) };

/* ---- whom to ask ----------------------------------------------------------------------------- */

static bool is_asked(const qn_node *n, const neighbour *nb)
{
    for (unsigned i = 0; i < GOSSIP_ASKS; i++)
        if (n->discovery.ask[i].tie.nb == nb)
            return true;
    return false;
}

/* A link that we chose to dial: who dials us does not choose whom we ask. */
static bool is_ours(const qn_node *n, const neighbour *nb)
{
    return nb->outbound && nb->known && nb->under.up && !nb->over && !nb->retired &&
           !is_asked(n, nb);
}

static neighbour *a_link(qn_node *n)
{
    uint32_t count = 0, pick;

    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        count += is_ours(n, nb);
    if (count == 0)
        return NULL;
    pick = qn_rng_below(n->env, count);
    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        if (is_ours(n, nb) && pick-- == 0)
            return nb;
    return NULL;
}

/* Anybody we know of, listed or heard of; without either an operator. */
static neighbour *anybody(qn_node *n)
{
    const qn_heard *h = &n->discovery.heard;
    uint32_t relays = n->snapshot != NULL ? n->snapshot->relays_n : 0, pick;

    if (relays + h->n == 0)
        return operator_dial(n, (uint8_t)qn_rng_below(n->env, n->net.operators_n));
    pick = qn_rng_below(n->env, relays + h->n);
    if (pick >= relays)
        return heard_get(n, &h->v[pick - relays]->d.id);
    return visits_reach(n, n->snapshot->relays[pick].d.card)
               ? neighbour_get(n, &n->snapshot->relays[pick])
               : NULL;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* A follower asks no directory; it is told, until nobody is. */
static bool has_no_directory(const qn_node *n)
{
    if (n->cfg.follower)
        return n->snapshot != NULL && !paths_list_fresh(n);
    return n->asker.heard == 0 || n->env->now - n->asker.heard > QN_LIVE_FOR;
}

static bool must_introduce(const qn_node *n)
{
    return node_registers(n) && !reach_listed(n);
}

/* Operators hear from the nodes themselves. */
static bool has_reason(const qn_node *n)
{
    if (n->op != NULL || n->cfg.mode == QN_CLIENT || n->cfg.unlisted || n->stopping)
        return false;
    return has_no_directory(n) || must_introduce(n) || n->discovery.heard.n > 0;
}

/* Half of it is by chance, so that nodes that began together do not go on together; and ever more
 * seldom while nothing is heard. */
static void next_round(qn_node *n)
{
    discovery *x = &n->discovery;
    bool soon = must_introduce(n) && reach_state(n) == QN_REACH_UNKNOWN;
    qn_time every = soon ? QN_GOSSIP_FIRST : QN_GOSSIP_EVERY << x->dull;

    if (has_reason(n) && !soon && x->dull < QN_GOSSIP_DOUBLINGS)
        x->dull++;

    node_timer(n, &n->discovery.timer, TIMER_GOSSIP,
               n->env->now + every / 2 + qn_rng_below(n->env, (uint32_t)(every / QN_MS)) * QN_MS);
}

/* The others are to hear of it soon. */
void gossip_news(qn_node *n)
{
    bool slow = n->discovery.dull > 0;

    n->discovery.dull = 0;
    if (slow && n->discovery.timer.pos != 0 && !n->stopping)
        next_round(n);
}

void gossip_tick(qn_node *n)
{
    uint8_t want = ASK_NEWS;

    if (has_reason(n)) {
        if (must_introduce(n) && !reach_proven_lately(n)) {
            qn_rng_fill(n->env, &n->discovery.nonce, sizeof n->discovery.nonce);
            want |= ASK_INTRODUCE;
        }
        for (unsigned i = 0; i < QN_GOSSIP_FANOUT; i++) {
            neighbour *nb = i == 0 ? a_link(n) : NULL;

            if (nb == NULL)
                nb = anybody(n);
            if (nb != NULL)
                gossip_ask_one(n, nb, want);
        }
    }
    if (!n->stopping)
        next_round(n);
}

/* ---- one question after the other ------------------------------------------------------------ */

static void end(gossip_ask *g)
{
    tie_close(&g->tie, QN_CLOSE_DONE);
    qn_dir_reader_clear(&g->reader, g->n->env);
    qn_timers_cancel(&g->n->timers, &g->timer);
    g->want = g->asking = 0;
}

static qn_err say(gossip_ask *g, const qn_dir_message *m)
{
    qn_link *l = &g->tie.nb->link;
    uint8_t head[QN_DIR_HEAD_MAX];
    size_t len = qn_dir_message_head(m, head);
    qn_err err = qn_link_send_bytes(l, g->tie.stream, head, len, false);

    if (err == QN_OK && m->bytes.n > 0)
        err = qn_link_send_bytes(l, g->tie.stream, m->bytes.p, m->bytes.n, false);
    neighbour_touch(g->tie.nb);
    return err;
}

static qn_err ask(gossip_ask *g, uint8_t what)
{
    const qn_node *n = g->n;
    uint8_t held[QN_GOSSIP_HELD * 16];
    qn_dir_message m = {.type = QN_DIR_NEWS};

    if (what == ASK_NEWS)
        m.bytes = qn_slice_of(held, n->cfg.mode == QN_CLIENT ? 0 : heard_held(n, held));
    else
        m = (qn_dir_message){.type = QN_DIR_INTRODUCE,
                             .version = n->discovery.nonce,
                             .bytes = qn_slice_of(n->asker.descriptor, n->asker.descriptor_n)};
    g->want &= (uint8_t)~what;
    g->asking = what;
    return say(g, &m);
}

static void proceed(gossip_ask *g)
{
    uint8_t what = g->want & ASK_NEWS ? ASK_NEWS : g->want;

    if (what == 0 || ask(g, what) != QN_OK)
        end(g);
}

static void ask_at(gossip_ask *g, neighbour *nb, uint8_t want)
{
    qn_node *n = g->n;

    if (nb->dial_back || is_asked(n, nb))
        return;
    qn_dir_reader_clear(&g->reader, n->env);
    if (!node_timer(n, &g->timer, TIMER_GOSSIP_ASK, n->env->now + 2 * QN_REACH_LOOK_MAX) ||
        tie_open(&g->tie, TIE_GOSSIP, g, nb, QN_KIND_DIRECTORY) != QN_OK) {
        end(g);
        return;
    }
    g->want = want;
    proceed(g);
}

void gossip_ask_one(qn_node *n, neighbour *nb, uint8_t want)
{
    for (unsigned i = QN_GOSSIP_FANOUT; i-- > 0;)
        if (n->discovery.ask[i].tie.nb == NULL) {
            ask_at(&n->discovery.ask[i], nb, want);
            return;
        }
}

void gossip_ask_back(qn_node *n, neighbour *nb)
{
    gossip_ask *g = &n->discovery.ask[QN_GOSSIP_FANOUT];

    if (g->tie.nb == NULL)
        ask_at(g, nb, ASK_NEWS);
}

void gossip_ask_tick(gossip_ask *g)
{
    end(g);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A newcomer has only claimed who it is, with a key that it has. */
static const qn_peerid *teller(const neighbour *nb)
{
    return nb->known || nb->outbound ? &nb->id : &nb->claimed;
}

static qn_err take_one(gossip_ask *g, qn_slice *all)
{
    const qn_peerid *from = teller(g->tie.nb);
    qn_node *n = g->n;
    qn_slice bytes = *all;
    qn_descriptor d;
    qn_envelope e;
    qn_err err = qn_envelope_take(&e, all);

    bytes.n -= all->n;
    if (err == QN_OK)
        err = qn_descriptor_open(&d, n->env, &n->net, bytes);
    /* Nobody has us dial third parties by a word about himself. */
    if (err == QN_OK && qn_peerid_equal(&d.id, from) && d.via_n == 0 &&
        !reach_comes_from(g->tie.nb, &d))
        return QN_OK;
    if (err == QN_OK && heard_take(n, &d, bytes, from) == QN_OK)
        qn_log_line(n->env, QN_LOG_DEBUG, "gossip", "heard of a node");
    return err;
}

/* Whoever tells what is forged tells us nothing more in this answer. */
static qn_err take_all(gossip_ask *g, qn_slice all)
{
    qn_err err = QN_OK;

    for (unsigned i = 0; all.n > 0 && err == QN_OK; i++)
        err = i < QN_GOSSIP_SAMPLE ? take_one(g, &all) : QN_PROTO;
    return err;
}

static void answered(gossip_ask *g, const qn_dir_message *m)
{
    uint8_t asked = g->asking;
    qn_err err = QN_OK;

    g->asking = 0;
    if (asked == ASK_NEWS && m->type == QN_DIR_HEARD)
        err = take_all(g, m->bytes);
    else if (asked == ASK_INTRODUCE && m->type == QN_DIR_ERROR &&
             (m->code == 403 || m->code == 504))
        reach_refused(g->n, &g->tie.nb->id);
    if (err == QN_OK && g->tie.nb != NULL)
        proceed(g);
    else
        end(g);
}

void gossip_data(gossip_ask *g, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);

    if (piece.len > 0)
        qn_link_returned(&g->tie.nb->link, g->tie.stream, piece.len);
    while (in.n > 0 && g->tie.nb != NULL) {
        qn_dir_message m;
        size_t used = 0;
        qn_err err = qn_dir_reader_push(&g->reader, g->n->env, in, &used, &m);

        in.p += used;
        in.n -= used;
        if (err == QN_SHORT)
            break;
        if (err != QN_OK || g->asking == 0)
            end(g);
        else
            answered(g, &m);
    }
    if (fin && g->tie.nb != NULL)
        end(g);
}

void gossip_closed(gossip_ask *g)
{
    end(g);
}

/* ---- being asked ----------------------------------------------------------------------------- */

/* A bucket as the time at which what was asked will have been paid for. */
static bool spend(qn_time *until, qn_time now, qn_time cost, qn_time burst)
{
    qn_time from = QN_MAX(*until, now);

    if (from + cost > now + burst)
        return false;
    *until = from + cost;
    return true;
}

bool gossip_paced(neighbour *nb, qn_time cost)
{
    qn_node *n = nb->n;

    return spend(&nb->gossip_tat, n->env->now, cost, QN_GOSSIP_BURST) &&
           spend(&n->discovery.answered_tat, n->env->now, QN_GOSSIP_ANSWER_COST, QN_SEC);
}

qn_err gossip_tell(answer *a, qn_slice held)
{
    qn_slice v[QN_GOSSIP_SAMPLE];
    qn_dir_message m = {.type = QN_DIR_HEARD};
    neighbour *nb = a->tie.nb;
    qn_node *n = a->n;
    unsigned count;

    if (held.n % 16 != 0 || held.n > QN_GOSSIP_HELD * 16)
        return QN_PROTO;
    if (!gossip_paced(nb, QN_GOSSIP_NEWS_COST))
        return QN_QUOTA;
    count = heard_news(n, held, v, QN_GOSSIP_SAMPLE);
    for (unsigned i = 0; i < count; i++)
        m.bytes.n += v[i].n;
    answer_reply(a, &m);
    for (unsigned i = 0; i < count && !a->dead; i++)
        answer_bytes(a, v[i]);
    if (!n->cfg.unlisted && (neighbour_known(nb) || nb->claims) && heard_lacks(n, held))
        gossip_ask_back(n, nb);
    return QN_OK;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void gossip_start(qn_node *n)
{
    discovery *x = &n->discovery;

    qn_heard_init(&x->heard, n->env);
    for (unsigned i = 0; i < GOSSIP_ASKS; i++) {
        x->ask[i].n = n;
        qn_dir_reader_init(&x->ask[i].reader, HEARD_MAX);
    }
    if (n->cfg.mode != QN_CLIENT && n->op == NULL && !n->cfg.unlisted)
        node_timer(n, &x->timer, TIMER_GOSSIP, n->env->now + QN_GOSSIP_FIRST);
}

void gossip_clear(qn_node *n)
{
    for (unsigned i = 0; i < GOSSIP_ASKS && n->discovery.ask[i].n != NULL; i++)
        qn_dir_reader_clear(&n->discovery.ask[i].reader, n->env);
    if (n->discovery.heard.env != NULL)
        qn_heard_clear(&n->discovery.heard);
}
