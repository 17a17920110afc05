/*
 * The web site we stand in front of: what HTX's peer knows of it, our mirror keys and the tags
 * already answered, whether it answers, and who is let in. docs/wire/htx.md.
 */
#include "node/internal.h"

#include "dir/vouch.h"
#include "htx/peer.h"

#define ASK_ORIGIN_AGAIN (5 * QN_SEC)

/* ---- beginning and end ----------------------------------------------------------------------- */

static bool figures_ok(const qn_htx_origin *o)
{
    return o->flight > 0 && o->flight_resumed > 0 && o->alert >= QN_HTX_ALERT_MIN &&
           o->alert <= QN_RECORD_BODY_MAX && o->goaway > QN_TAG && o->goaway <= QN_RECORD_BODY_MAX;
}

static void take_figures(qn_htx_site *s, const qn_htx_origin *o, uint16_t drain)
{
    s->own = !o->mirror;
    s->proven = true;
    s->flight = o->flight;
    s->flight_r = o->flight_resumed;
    s->alert = o->alert;
    s->goaway = o->goaway;
    s->after_fatal = (qn_htx_parting){o->on_fatal.alert, o->on_fatal.reset};
    s->after_notify = (qn_htx_parting){o->on_close_notify.alert, o->on_close_notify.reset};
    s->max_record = o->largest_record;
    s->idle = o->idle != 0 ? o->idle * QN_SEC : QN_NEVER;
    s->drain = drain != 0 ? drain : QN_HTX_DRAIN_S;
}

static qn_err take_replay(site *s, qn_env *env, qn_slice stored)
{
    qn_err err = stored.n > 0 ? qn_htx_replay_load(&s->replay, stored) : QN_OK;

    if (err != QN_OK && err != QN_NOMEM) {
        qn_log_line(env, QN_LOG_WARN, "htx", "the stored replay set is of no use: %s",
                    qn_err_text(err));
        err = QN_OK;
    }
    s->store_replay = true;
    return err;
}

static void take_mirror_keys(site *s, qn_env *env, qn_slice stored)
{
    qn_err err = qn_htx_mirror_init(&s->mirror, stored);

    if (err != QN_OK)
        qn_log_line(env, QN_LOG_WARN, "htx", "the stored mirror keys are of no use: %s",
                    qn_err_text(err));
}

/* The card with the keys of now; the names the judge compares with point into it. */
static qn_err write_card(site *s, qn_env *env, qn_htx_card *facts)
{
    unsigned other = !s->which;
    qn_cbor_w w;

    qn_htx_mirror_show(&s->mirror, env->wall, 1u + s->mirror.ahead, facts);
    qn_cbor_w_init(&w, s->card[other], sizeof s->card[other]);
    qn_htx_card_put(&w, facts);
    if (w.err != QN_OK)
        return w.err;
    s->which = (uint8_t)other;
    s->card_n = (uint16_t)w.n;
    if (qn_htx_card_read(facts, site_card(s), QN_HTX_DESCRIPTOR_KEYS) != QN_OK)
        return QN_INTERNAL;
    memcpy(s->name, facts->name, sizeof s->name);
    s->htx.judge.names = s->name;
    s->htx.judge.names_n = facts->names_n;
    return QN_OK;
}

/* Every visitor brings us here, and signing takes longer than a stranger may cost: only when the
 * keys are others than before. */
static void try_keys_of_now(const qn_node *n)
{
    qn_dh_public before[QN_HTX_TRIED_MAX];
    site *s = n->site;

    for (unsigned i = 0; i < QN_HTX_TRIED_MAX; i++)
        before[i] = s->tried[i].pub;
    s->htx.judge.keys = s->tried;
    s->htx.judge.keys_n = qn_htx_mirror_tried(&s->mirror, n->env->wall, s->tried);
    s->htx.vouches = s->vouches;
    for (unsigned i = 0; i < s->htx.judge.keys_n; i++)
        if (memcmp(before[i].b, s->tried[i].pub.b, sizeof before[i].b) != 0)
            qn_vouch_sign(&s->vouches[i], n->net.id, &n->cfg.keys.identity, QN_VOUCHED_MIRROR,
                          &s->tried[i].pub);
}

/* Whoever is invited has no list that would bring the next key, so he is told of it now. */
static void own_keys(qn_htx_mirror *m, const qn_node *n)
{
    m->id = n->id;
    m->ahead = n->cfg.unlisted ? QN_HTX_DESCRIPTOR_KEYS - 1 : QN_HTX_LISTED_KEYS - 1;
}

static qn_err begin(qn_node *n, const qn_htx_cfg *cfg)
{
    site *s = n->site;
    qn_htx_card facts;
    qn_err err = qn_htx_card_of(&facts, cfg->origin);

    take_mirror_keys(s, n->env, cfg->stored_mirror_keys);
    own_keys(&s->mirror, n);
    qn_htx_replay_init(&s->replay, n->env, !s->mirror.used);
    s->store_mirror = qn_htx_mirror_turn(&s->mirror, n->env) || !s->mirror.used;
    s->mirror.used = true;
    if (err == QN_OK)
        err = write_card(s, n->env, &facts);
    if (err == QN_OK)
        err = take_replay(s, n->env, cfg->stored_replay);
    take_figures(&s->htx, cfg->origin, cfg->drain);
    memcpy(s->htx.judge.place.network, n->net.id, sizeof s->htx.judge.place.network);
    s->htx.judge.place.peer = n->id;
    site_admit(n);
    s->htx.replay = &s->replay;
    s->htx.answered = cfg->answered;
    s->htx.shape = &n->visits->guise->shape;
    s->origin = cfg->origin->addr;
    try_keys_of_now(n);
    return err;
}

qn_err site_start(qn_node *n, const qn_htx_cfg *cfg, char why[160])
{
    qn_err err;

    if (cfg->origin == NULL)
        return node_wrong(why, "this mode stands in front of a web site: give an origin");
    if (!figures_ok(cfg->origin))
        return node_wrong(why, "the origin's figures are out of range: measure it again");
    n->site = qn_mem_get(&n->env->mem, sizeof *n->site);
    if (n->site == NULL)
        return QN_NOMEM;
    err = begin(n, cfg);
    if (err == QN_CONFIG || err == QN_FULL)
        return node_wrong(why, "the origin's names or pages are not usable, or too long together");
    if (err != QN_OK)
        return err;
    node_timer(n, &n->site->turn_timer, TIMER_SITE_TURN,
               qn_htx_mirror_due(&n->site->mirror, n->env));
    node_timer(n, &n->site->ask_timer, TIMER_ORIGIN, n->env->now);
    return QN_OK;
}

void site_clear(qn_node *n)
{
    site *s = n->site;

    if (s == NULL)
        return;
    qn_timers_cancel(&n->timers, &s->turn_timer);
    qn_timers_cancel(&n->timers, &s->ask_timer);
    qn_htx_replay_clear(&s->replay);
    qn_mem_put(&n->env->mem, s->lent, s->lent_n);
    qn_wipe(s, sizeof *s);
    qn_mem_put(&n->env->mem, s, sizeof *s);
    n->site = NULL;
}

/* ---- epochs ---------------------------------------------------------------------------------- */

qn_slice site_card(const site *s)
{
    qn_slice none = {0};

    return s != NULL ? qn_slice_of(s->card[s->which], s->card_n) : none;
}

static void take_card(qn_node *n)
{
    site *s = n->site;
    qn_htx_card facts;

    if (qn_htx_card_read(&facts, site_card(s), QN_HTX_DESCRIPTOR_KEYS) == QN_OK &&
        write_card(s, n->env, &facts) == QN_OK)
        asker_renew(n);
}

/* Whoever is told of new keys is told after they were stored: actions of storing come first. */
void site_turn(qn_node *n)
{
    site *s = n->site;
    bool changed = qn_htx_mirror_turn(&s->mirror, n->env);

    try_keys_of_now(n);
    if (changed) {
        s->store_mirror = true;
        take_card(n);
    }
    node_timer(n, &s->turn_timer, TIMER_SITE_TURN, qn_htx_mirror_due(&s->mirror, n->env));
}

/* A follower begins with keys of its own that nobody is told of, and would make some at an epoch's
 * turn: all give way to those of the node it follows, long before anybody uses them. */
void site_told(qn_node *n, qn_slice mirror_keys)
{
    site *s = n->site;
    qn_htx_mirror told;

    if (s == NULL)
        return;
    if (qn_htx_mirror_init(&told, mirror_keys) == QN_OK) {
        s->mirror = told;
        own_keys(&s->mirror, n);
        try_keys_of_now(n);
        take_card(n);
    }
    qn_htx_mirror_wipe(&told);
}

void site_greet(qn_node *n, qn_carrier_cfg *cfg)
{
    try_keys_of_now(n);
    cfg->site = &n->site->htx;
    cfg->origin = n->site->origin;
}

/* An unlisted node that has invited nobody lets nobody in. */
void site_admit(qn_node *n)
{
    site *s = n->site;
    const qn_node_cfg *c = &n->cfg;

    qn_wipe(s->psk, sizeof s->psk);
    for (unsigned i = 0; c->unlisted && i < c->psks_n; i++)
        memcpy(s->psk[i].b, c->psk[i].b, sizeof s->psk[i].b);
    s->htx.judge.psks = s->psk;
    s->htx.judge.psks_n = c->unlisted ? c->psks_n : 1;
}

/* ---- storing --------------------------------------------------------------------------------- */

static void take_back(qn_node *n)
{
    site *s = n->site;

    qn_mem_put(&n->env->mem, s->lent, s->lent_n);
    s->lent = NULL;
    s->lent_n = 0;
    if (s->file_n > 0) /* seldom, but this is asked for after every single thing */
        qn_wipe(s->file, s->file_n);
    s->file_n = 0;
}

static bool store_mirror(site *s, qn_action *a)
{
    size_t len;

    if (!s->store_mirror)
        return false;
    s->file_n = sizeof s->file; /* also if it fails half way */
    if (qn_htx_mirror_save(&s->mirror, (qn_span){s->file, sizeof s->file}, &len) != QN_OK)
        return false;
    s->store_mirror = false;
    *a = (qn_action){
        .type = QN_ACT_STORE, .name = "mirror-keys", .bytes = qn_slice_of(s->file, len)};
    return true;
}

/* The file is written anew at the start, and when four fifths of it are over. Without memory for
 * that it only grows on. */
static bool store_replay(qn_node *n, qn_action *a)
{
    site *s = n->site;
    size_t size = qn_htx_replay_size(&s->replay);

    s->store_replay |= s->replay_written > 5 * (size_t)QN_HTX_REPLAY_MAX;
    if (!s->store_replay)
        return false;
    s->lent = qn_mem_get(&n->env->mem, size);
    if (s->lent == NULL)
        return false;
    s->lent_n = size;
    qn_htx_replay_save(&s->replay, s->lent);
    s->replay.news = 0;
    s->store_replay = false;
    s->replay_written = 0;
    *a = (qn_action){.type = QN_ACT_STORE, .name = "replay", .bytes = qn_slice_of(s->lent, size)};
    return true;
}

static bool store_news(site *s, qn_action *a)
{
    uint32_t count = qn_htx_replay_news(&s->replay, s->file, sizeof s->file / QN_HTX_REPLAY_ENTRY);

    if (count == 0)
        return false;
    s->file_n = (size_t)count * QN_HTX_REPLAY_ENTRY;
    s->replay_written += count;
    *a = (qn_action){.type = QN_ACT_STORE,
                     .append = true,
                     .name = "replay",
                     .bytes = qn_slice_of(s->file, s->file_n)};
    return true;
}

bool site_store(qn_node *n, qn_action *a)
{
    if (n->site == NULL)
        return false;
    take_back(n);
    return store_mirror(n->site, a) || store_replay(n, a) || store_news(n->site, a);
}

/* Of the file of answered hellos a part is worth nothing: all of it is written again. */
void site_store_again(qn_node *n, const char *name)
{
    if (n->site == NULL)
        return;
    n->site->store_mirror |= strcmp(name, "mirror-keys") == 0;
    n->site->store_replay |= strcmp(name, "replay") == 0;
}

/* ---- the origin, and who is let in ----------------------------------------------------------- */

/* A connection that says nothing, for the answer only. Only while nobody else can ask. */
void site_ask(qn_node *n)
{
    site *s = n->site;

    if (n->stopping || s->asking != 0)
        return;
    s->asking = conns_add(&n->conns, &n->env->mem, CONN_ORIGIN, n, 1);
    if (s->asking != 0)
        conns_todo(&n->conns, s->asking, TODO_DIAL);
    else
        node_timer(n, &s->ask_timer, TIMER_ORIGIN, n->env->now + ASK_ORIGIN_AGAIN);
}

void site_down(qn_node *n)
{
    site *s = n->site;

    if (!s->down)
        qn_log_line(n->env, QN_LOG_WARN, "htx",
                    "the origin does not answer: nobody is let in until it does");
    s->down = true;
    if (s->asking == 0)
        node_timer(n, &s->ask_timer, TIMER_ORIGIN, n->env->now + ASK_ORIGIN_AGAIN);
}

void site_answered(qn_node *n, qn_err err)
{
    site *s = n->site;

    if (err == QN_OK) {
        if (s->down)
            qn_log_line(n->env, QN_LOG_INFO, "htx", "the origin answers again");
        s->down = false;
        conns_todo(&n->conns, s->asking, TODO_CLOSE);
        return;
    }
    conns_forget(&n->conns, s->asking);
    s->asking = 0;
    site_down(n);
}

void site_forget(qn_node *n)
{
    conns_forget(&n->conns, n->site->asking);
    n->site->asking = 0;
}

/* Whether strangers hold so many conns that no more are let in, or so few are left; each has as
 * many as legs. */
static bool crowded(const qn_node *n)
{
    uint64_t most = node_conns_max(n);
    uint64_t held = (uint64_t)n->strangers * n->cfg.carrier->legs;
    uint64_t strangers = n->shut ? QN_STRANGERS_AGAIN_PERCENT : QN_STRANGERS_PERCENT;
    uint64_t all = n->shut ? QN_CROWDED_AGAIN_PERCENT : QN_CROWDED_PERCENT;

    return held * 100 >= most * strangers || n->conns.used * UINT64_C(100) >= most * all;
}

bool site_door(qn_node *n, qn_action *a)
{
    bool shut = crowded(n) || (n->site != NULL && n->site->down);

    if (shut == n->shut || n->stopping)
        return false;
    n->shut = shut;
    *a = (qn_action){.type = QN_ACT_PAUSE_ACCEPT, .purpose = QN_LISTEN_LINK, .on = shut};
    return true;
}
