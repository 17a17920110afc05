/*
 * Links that go on upon another carrier (docs/wire/link.md, "Resuming"; decision 0012).
 *
 *     works ----- its carrier is lost, left or given back to the site -----> orphan
 *       |  ^                                                                   |
 *       |  +---- RESUME and its answer, on a carrier dialled for it -----------+
 *       |                                                                      |
 *       +-- moving: the dialler has it replaced while it works       QN_ORPHAN_LIFE: the link ends
 *
 * The dialler dials a neighbour on *behalf* of the link. When its carrier is established the two
 * change what is beneath them, and the neighbour that was dialled ends with the old carrier. At the
 * other end RESUME arrives at a neighbour that was accepted like any other, and the same happens.
 */
#include "node/internal.h"

/* ---- rights ---------------------------------------------------------------------------------- */

/* One who accepted finds a link by any token that may still come for it. Without memory for the
 * entry the link ends with its carrier. */
static void enter(neighbour *nb)
{
    qn_node *n = nb->n;

    if (!nb->outbound && nb->right.token != 0 &&
        qn_map_set(&n->rights, &n->env->mem, nb->right.token, nb) != QN_OK)
        qn_resume_wipe(&nb->right);
}

static void forget_right(neighbour *nb, qn_resume *r)
{
    qn_node *n = nb->n;

    if (r->token != 0 && qn_map_get(&n->rights, r->token) == nb)
        qn_map_del(&n->rights, &n->env->mem, r->token);
    qn_resume_wipe(r);
}

void resume_begin(neighbour *nb, const qn_key *secret)
{
    nb->fresh = !nb->outbound;
    if (qn_resume_init(&nb->right, nb->n->env, secret) == QN_OK)
        enter(nb);
}

/* ---- orphans --------------------------------------------------------------------------------- */

neighbour *resume_oldest(const qn_node *n)
{
    neighbour *oldest = NULL;

    for (neighbour *nb = n->neighbours; nb != NULL && n->orphans_n > 0; nb = nb->next)
        if (nb->orphan_until != QN_NEVER && !nb->over &&
            (oldest == NULL || nb->orphan_until < oldest->orphan_until))
            oldest = nb;
    return oldest;
}

static void an_orphan(neighbour *nb)
{
    qn_node *n = nb->n;

    if (nb->orphan_until != QN_NEVER)
        return;
    if (n->orphans_n >= QN_ORPHANS_MAX)
        neighbour_end(resume_oldest(n), QN_CLOSE_LIMIT);
    nb->orphan_until = n->env->now + QN_ORPHAN_LIFE;
    n->orphans_n++;
    if (!nb->outbound) /* we cannot dial for it, but a link of our own */
        neighbour_unname(nb);
}

static void no_orphan(neighbour *nb)
{
    nb->n->orphans_n -= nb->orphan_until != QN_NEVER;
    nb->orphan_until = QN_NEVER;
}

static bool may_resume(const neighbour *nb)
{
    const qn_node *n = nb->n;

    if (nb->over || n->stopping || !nb->announced || nb->right.token == 0)
        return false;
    return !nb->outbound || node_in_use(n);
}

/* Half of it is drawn, so that the clients of a site that restarted do not come back as one. */
static void redial_later(neighbour *nb)
{
    qn_time base = QN_REDIAL_FIRST << QN_MIN(nb->redials, (uint8_t)QN_REDIAL_DOUBLED);

    nb->redial_at =
        nb->n->env->now + base / 2 + qn_rng_below(nb->n->env, (uint32_t)(base / 2 / QN_MS)) * QN_MS;
}

bool resume_keeps(neighbour *nb)
{
    if (!may_resume(nb) || !qn_link_unfinished(&nb->link))
        return false;
    an_orphan(nb);
    nb->asking = false;
    nb->say = SAY_NOTHING;
    if (nb->outbound && nb->successor == NULL)
        redial_later(nb);
    neighbour_touch(nb);
    return true;
}

bool resume_move(neighbour *nb)
{
    if (!may_resume(nb))
        return false;
    nb->moving = true;
    if (nb->successor == NULL && nb->redials == 0)
        nb->redial_at = nb->n->env->now;
    else if (nb->successor == NULL)
        redial_later(nb);
    return true;
}

/* ---- the dialler ----------------------------------------------------------------------------- */

/* Addresses in turn. */
static void redial(neighbour *nb)
{
    const qn_relay *r = paths_relay(nb->n, &nb->id);
    const qn_descriptor *d = r != NULL ? heard_newest(nb->n, &r->d) : NULL;

    nb->redial_at = QN_NEVER;
    if (d != NULL)
        nb->successor = neighbour_dial_again(nb, d, &d->addrs[nb->redials % d->addrs_n]);
    if (nb->redials < UINT8_MAX)
        nb->redials++;
    if (nb->successor == NULL) {
        redial_later(nb);
        return;
    }
    nb->successor->behalf = nb;
    nb->redial_at = nb->n->env->now + QN_REDIAL_PATIENCE;
}

static void change_hands(neighbour *a, neighbour *b)
{
    under was = a->under;
    neighbour *owner[] = {a, b};

    a->under = b->under;
    b->under = was;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned leg = 0; leg < 2; leg++) {
            conn *c = conns_get(&a->n->conns, owner[i]->under.leg[leg]);

            if (c != NULL)
                c->owner = owner[i];
        }
    passage_moved(a);
    passage_moved(b);
}

/* The carrier that nb was left with is not its peer's link's any more, and nothing else. */
static void leave(neighbour *nb)
{
    bool attached = under_lives(nb) && qn_link_attach(&nb->link, nb->under.carrier, 0) == QN_OK;

    neighbour_end(nb, attached ? QN_CLOSE_MOVED : QN_CLOSE_GONE);
}

neighbour *resume_take(neighbour *nb, const qn_key *secret)
{
    neighbour *link = nb->behalf;

    nb->behalf = link->successor = NULL;
    qn_link_detach(&link->link); /* what still comes on the old carrier does not count */
    an_orphan(link);
    change_hands(link, nb);
    link->asking = true;
    link->say = SAY_CLAIM;
    link->redial_at = link->n->env->now + QN_RESUME_ANSWER;
    if (qn_resume_init(&link->other, link->n->env, secret) != QN_OK)
        qn_log_line(link->n->env, QN_LOG_WARN, "link", "this carrier will be its last");
    leave(nb);
    neighbour_touch(link);
    return link;
}

/* A peer that takes the link over and over and never says a word of it keeps nobody dialling. */
static void note_progress(neighbour *nb)
{
    uint64_t passed = qn_link_received(&nb->link) + nb->link.log.heard;
    qn_time now = nb->n->env->now;

    if (passed != nb->passed || now - nb->resumed_at >= QN_ORPHAN_LIFE)
        nb->redials = nb->barren = 0;
    else
        nb->barren += nb->stalled;
    nb->passed = passed;
    nb->resumed_at = now;
    nb->stalled = false;
}

/* Both sides go on. */
static void resumed(neighbour *nb)
{
    qn_node *n = nb->n;

    no_orphan(nb);
    note_progress(nb);
    nb->asking = nb->moving = nb->retired = nb->left = false;
    nb->redial_at = QN_NEVER;
    nb->resumes++;
    n->counters.links_resumed++;
    if (nb->known)
        neighbour_name(nb);
    qn_log_line(n->env, QN_LOG_INFO, "link", "%s goes on upon another carrier",
                nb->outbound ? "dialled" : "accepted");
}

static void answered(neighbour *nb, const qn_frame *f)
{
    qn_err err = qn_resume_check(&nb->right, nb->n->env, QN_RESUME_DIALLED, &nb->under.hash, f);

    if (err == QN_OK)
        err = qn_link_attach(&nb->link, nb->under.carrier, f->received);
    if (err != QN_OK) {
        qn_log_line(nb->n->env, QN_LOG_INFO, "link", "not resumed: %s", qn_err_text(err));
        neighbour_end(nb, err == QN_UNKNOWN ? QN_CLOSE_GONE : qn_close_of(err));
        return;
    }
    nb->right = nb->other;
    qn_resume_wipe(&nb->other);
    resumed(nb);
    if (nb->barren < QN_BARREN_MAX)
        return;
    qn_log_line(nb->n->env, QN_LOG_INFO, "link", "it goes on and carries nothing: left");
    paths_failed(nb->n, &nb->id);
    neighbour_end(nb, QN_CLOSE_TIMEOUT);
}

/* ---- the one who was dialled ----------------------------------------------------------------- */

static bool same_peer(const neighbour *a, const neighbour *b)
{
    if (a->claims != b->claims)
        return false;
    return !a->claims || (qn_peerid_equal(&a->claimed, &b->claimed) &&
                          qn_equal(a->claimed_key.b, b->claimed_key.b, sizeof a->claimed_key.b));
}

/* The link that f, on nb's carrier, has proved its right to. */
static neighbour *claimed_link(const neighbour *nb, const qn_frame *f)
{
    const qn_node *n = nb->n;
    neighbour *link = f->body.n > 0 ? qn_map_get(&n->rights, f->token) : NULL;
    const qn_resume *right;

    if (link == NULL || link == nb || !may_resume(link) || !same_peer(link, nb))
        return NULL;
    right = link->right.token == f->token ? &link->right : &link->other;
    return qn_resume_check(right, n->env, QN_RESUME_DIALLER, &nb->under.hash, f) == QN_OK ? link
                                                                                          : NULL;
}

/* The right that was used stays until the dialler has shown that it knows of the next one: the
 * answer may be lost with this carrier. */
static void next_right(neighbour *link, neighbour *nb, uint64_t used)
{
    if (used == link->right.token) {
        forget_right(link, &link->other);
        link->other = link->right;
    } else {
        forget_right(link, &link->right);
    }
    link->right = nb->right;
    qn_resume_wipe(&nb->right);
    enter(link);
}

static neighbour *give_over(neighbour *nb, neighbour *link, const qn_frame *f)
{
    qn_link_detach(&link->link);
    qn_link_detach(&nb->link);
    crowd_leave(link); /* it may come from elsewhere now */
    crowd_leave(nb);
    change_hands(link, nb);
    next_right(link, nb, f->token);
    link->fresh = false;
    link->say = SAY_CLAIM;
    neighbour_end(nb, QN_CLOSE_GONE);
    if (qn_link_attach(&link->link, link->under.carrier, f->received) == QN_OK)
        resumed(link);
    else
        neighbour_end(link, QN_CLOSE_MALFORMED);
    if (!link->over && !link->known)
        crowd_add(link);
    neighbour_touch(link);
    return link;
}

/* ---- records --------------------------------------------------------------------------------- */

/* What is the carrier's own in a record that is not the link's. */
static void carriers_part(neighbour *nb, qn_slice content)
{
    qn_carrier *c = nb->under.carrier;
    qn_frame f;
    size_t used;

    for (; content.n > 0 && qn_frame_get(&f, content.p, content.n, &used) == QN_OK;
         content.p += used, content.n -= used)
        if (f.type != QN_FRAME_PAD && !qn_resume_is_links(f.type) &&
            c->kind->frame(c, &f, used == content.n) != QN_OK) {
            c->kind->close(c, QN_CLOSE_MALFORMED);
            return;
        }
}

bool resume_record(neighbour **holder, const qn_piece *piece)
{
    neighbour *nb = *holder, *link;
    qn_slice content = qn_slice_of(qn_piece_data(piece), piece->len);
    qn_frame f;
    qn_err err;

    if (nb->link.carrier != NULL && !nb->fresh)
        return false;
    err = qn_resume_find(content, &f);
    if (nb->link.carrier == NULL) {
        carriers_part(nb, content);
        if (nb->asking && err == QN_OK)
            answered(nb, &f);
        return true;
    }
    if (err == QN_SHORT)
        return false;
    nb->fresh = false;
    if (err != QN_OK)
        return false;
    carriers_part(nb, content);
    link = claimed_link(nb, &f);
    if (link != NULL)
        *holder = give_over(nb, link, &f);
    else
        nb->say = SAY_UNKNOWN;
    return true;
}

/* A full record is not the last of what was waiting to be sent, as a rule. */
void resume_heard(neighbour *nb, uint32_t content)
{
    enum { NEARLY = 64 };

    if (nb->outbound && content + NEARLY >= nb->under.max_record) {
        resume_passed(nb, false);
        resume_passed(nb, true);
    }
    if (nb->other.token != 0 && nb->link.spoken && !nb->outbound)
        forget_right(nb, &nb->other);
}

/* ---- what RESUME says ------------------------------------------------------------------------ */

/* By the right that the other side knows; n: the frame's length. */
static qn_err say(const neighbour *nb, uint8_t frame[QN_FRAME_RESUME_SIZE], size_t *n)
{
    const qn_resume *r = nb->outbound ? &nb->right : &nb->other;

    *n = QN_FRAME_RESUME_SIZE;
    if (nb->say == SAY_CLAIM)
        return qn_resume_put(r, nb->n->env, nb->outbound ? QN_RESUME_DIALLER : QN_RESUME_DIALLED,
                             &nb->under.hash, qn_link_received(&nb->link), frame);
    *n = qn_frame_put_header(frame, QN_FRAME_RESUME, 0);
    return QN_OK;
}

bool resume_fill(neighbour *nb)
{
    const qn_carrier_kind *kind = nb->under.carrier->kind;
    uint8_t frame[QN_FRAME_RESUME_SIZE];
    size_t n, room;
    bool fits;

    while (nb->say != SAY_NOTHING) {
        room = kind->room(nb->under.carrier);
        if (room < QN_FRAME_HEADER || say(nb, frame, &n) != QN_OK)
            return false;
        fits = n <= room;
        if (!fits) /* a page's first records may be shorter */
            n = qn_frame_put_header(frame, QN_FRAME_PAD, 0);
        (void)kind->own(nb->under.carrier, frame + n, 0); /* nothing of its own in this record */
        if (kind->seal(nb->under.carrier, qn_slice_of(frame, n), qn_slice_of(NULL, 0)) != QN_OK)
            return false;
        if (fits)
            nb->say = SAY_NOTHING;
    }
    return true;
}

/* ---- carriers that say nothing --------------------------------------------------------------- */

/* A censor may freeze a connection without a word (lab/censor/freeze.c). Only who dials can do
 * something about it. */
static qn_time stalls_at(const neighbour *nb)
{
    const under *u = &nb->under;

    if (!nb->outbound || nb->moving || nb->link.streams_n == 0 || !under_lives(nb) ||
        !may_resume(nb)) /* else it would be due, and stay so */
        return QN_NEVER;
    return qn_link_stalls_at(&nb->link, u->heard_at, qn_carrier_midway(u->carrier));
}

/* An answer that is not even begun leaves nothing to wait for. So when a user has spoken last, one
 * ping asks for all; a link that nobody uses stays silent. When is drawn, so that the pause has no
 * length of its own. */
void resume_passed(neighbour *nb, bool up)
{
    qn_env *env = nb->n->env;

    if (!up) {
        nb->awaits_at = QN_NEVER;
        nb->looked = false;
    } else if (nb->awaits_at == QN_NEVER && !nb->looked) {
        nb->awaits_at = env->now + QN_LOOK_AFTER + qn_rng_below(env, QN_LOOK_DRAWN_MS) * QN_MS;
    }
}

static void look_into(neighbour *nb)
{
    nb->awaits_at = QN_NEVER;
    nb->looked = true;
    if (nb->link.carrier != NULL && nb->link.streams_n > 0)
        qn_link_ping(&nb->link);
}

/* ---- ends and time --------------------------------------------------------------------------- */

void resume_forget(neighbour *nb)
{
    no_orphan(nb);
    if (nb->behalf != NULL) {
        nb->behalf->successor = NULL;
        redial_later(nb->behalf);
    }
    if (nb->successor != NULL)
        nb->successor->behalf = NULL;
    nb->behalf = nb->successor = NULL;
    forget_right(nb, &nb->right);
    forget_right(nb, &nb->other);
}

void resume_over(neighbour *nb)
{
    neighbour *link = nb->behalf, *successor = nb->successor;

    resume_forget(nb);
    nb->asking = nb->moving = false;
    nb->say = SAY_NOTHING;
    nb->redial_at = nb->awaits_at = QN_NEVER;
    if (link != NULL)
        neighbour_touch(link);
    if (successor != NULL)
        neighbour_end(successor, QN_CLOSE_DONE);
}

static qn_time leave_at(const neighbour *nb)
{
    return nb->outbound && !nb->left && nb->orphan_until != QN_NEVER
               ? nb->orphan_until - QN_ORPHAN_LIFE + QN_ORPHAN_LEAVE
               : QN_NEVER;
}

qn_time resume_due(const neighbour *nb)
{
    qn_time due = QN_MIN(nb->orphan_until, leave_at(nb));

    due = QN_MIN(due, stalls_at(nb));
    due = QN_MIN(due, nb->awaits_at);
    return QN_MIN(due, nb->redial_at);
}

void resume_tick(neighbour *nb)
{
    qn_time now = nb->n->env->now;

    if (nb->orphan_until <= now) {
        if (nb->outbound)
            paths_failed(nb->n, &nb->id);
        neighbour_end(nb, QN_CLOSE_TIMEOUT);
        return;
    }
    if (leave_at(nb) <= now) {
        nb->left = true;
        client_leave(nb);
    }
    if (nb->awaits_at <= now)
        look_into(nb);
    if (stalls_at(nb) <= now && resume_move(nb)) {
        nb->stalled = true;
        qn_log_line(nb->n->env, QN_LOG_INFO, "link", "a carrier says nothing: another is dialled");
    }
    if (nb->redial_at > now)
        return;
    if (nb->successor != NULL)
        neighbour_end(nb->successor, QN_CLOSE_TIMEOUT); /* and the next is due later */
    else
        redial(nb);
}
