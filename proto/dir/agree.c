#include "dir/agree.h"

#include "base/limits.h"
#include "dir/capacity.h"
#include "dir/envelope.h"
#include "dir/internal.h"
#include "dir/offer.h"

/* ---- turns ----------------------------------------------------------------------------------- */

static int64_t length_of(const qn_network *net)
{
    return net->operators_n == 1 ? 1 : QN_TURN_S;
}

int64_t qn_turn(const qn_network *net, uint8_t operator_index, int64_t wall)
{
    int64_t version = wall - wall % length_of(net);

    return qn_turn_whose(net, version) == operator_index ? version : 0;
}

int64_t qn_turn_next(const qn_network *net, uint8_t operator_index, int64_t wall)
{
    int64_t length = length_of(net), turn = wall / length + 1;

    while (turn % net->operators_n != operator_index)
        turn++;
    return turn * length;
}

int qn_turn_whose(const qn_network *net, int64_t version)
{
    int64_t length = length_of(net);

    if (version <= 0 || version % length != 0)
        return -1;
    return (int)(version / length % net->operators_n);
}

/* ---- a proposal beside a registry ------------------------------------------------------------ */

/* An entry of the proposal, as far as it must be known to find it in the registry. */
typedef struct listed {
    qn_snapshot_entry e;
    qn_peerid id;
} listed;

static qn_err read_listed(qn_cbor_r *r, qn_env *env, listed *l)
{
    qn_err err = qn_snapshot_entry_read(r, &l->e);

    return err == QN_OK ? qn_peerid_of(env, l->e.identity.b, &l->id) : err;
}

/* It was verified when it was registered: so a proposal costs what is new in it. */
static bool registered(const qn_registration *mine, const listed *l)
{
    qn_envelope said;

    return mine != NULL && qn_envelope_read(&said, mine->bytes) == QN_OK &&
           said.body.n == l->e.body.n && memcmp(said.body.p, l->e.body.p, said.body.n) == 0;
}

/* What we sign, nobody else verifies who gets it from us: not even of whom we do not know yet. */
static qn_err verify(const qn_registry *r, const listed *l, uint64_t i, qn_slice signatures,
                     qn_descriptor *d)
{
    qn_err err = qn_offer_verify(signatures, i, r->net, &l->e.identity, l->e.body);

    return err == QN_OK ? qn_descriptor_read(d, r->env, r->net, l->e.body, &l->e.identity) : err;
}

static qn_err judge(const qn_registry *r, const qn_registration *mine, const listed *l, uint64_t i,
                    qn_slice signatures)
{
    qn_descriptor other;
    bool known = registered(mine, l);
    qn_err err = known ? QN_OK : verify(r, l, i, signatures, &other);

    if (err == QN_OK)
        err = qn_descriptor_valid(known ? &mine->d : &other, r->env->wall);
    if (err == QN_OK && mine != NULL && !qn_registry_weight_fair(r, mine, l->e.weight))
        err = QN_POLICY;
    return err;
}

/* The others may have heard a heartbeat that we have not. */
static bool lives(const qn_registry *r, const qn_registration *e)
{
    return e != NULL && e->beat > 0 && (e->reached || !r->must_reach) &&
           r->env->now - e->seen <= QN_LIVE_FOR + QN_AGREE_GRACE;
}

/* Everybody must have heard of it by now, and must hear of it for a while yet. */
static bool must_be_listed(const qn_registry *r, const qn_registration *e)
{
    return qn_registry_listed(r, e) &&
           r->env->now - e->since >= QN_MIN(r->settle * 4, (qn_time)QN_AGREE_GRACE) &&
           r->env->now - e->seen <= QN_LIVE_FOR - QN_AGREE_GRACE;
}

/* Ours between the last entry of the proposal and this one (NULL: its end). */
static void pass(const qn_registry *r, uint32_t *at, const qn_peerid *until, qn_differences *d)
{
    while (*at < r->n && (until == NULL || memcmp(r->v[*at]->d.id.b, until->b, 32) < 0))
        d->missing += must_be_listed(r, r->v[(*at)++]);
}

qn_err qn_proposal_compare(qn_differences *out, const qn_registry *r, const qn_signed_list *o,
                           qn_slice signatures)
{
    qn_differences d = {0};
    qn_snapshot_body b;
    qn_peerid last = {0};
    uint32_t at = 0;
    qn_err err = qn_snapshot_body_read(&b, o->body);

    for (uint64_t i = 0; err == QN_OK && i < b.entries_n; i++) {
        const qn_registration *mine;
        listed l;

        err = read_listed(&b.entries, r->env, &l);
        if (err == QN_OK && i > 0 && memcmp(last.b, l.id.b, sizeof last.b) >= 0)
            err = QN_CANON;
        if (err != QN_OK)
            break;
        last = l.id;
        pass(r, &at, &l.id, &d);
        mine = at < r->n && qn_peerid_equal(&r->v[at]->d.id, &l.id) ? r->v[at++] : NULL;
        d.listed++;
        d.unknown += !lives(r, mine);
        err = judge(r, mine, &l, i, signatures);
    }
    if (err != QN_OK)
        return err;
    pass(r, &at, NULL, &d);
    *out = d;
    return QN_OK;
}

bool qn_differences_bearable(const qn_differences *d, bool patient)
{
    uint32_t bearable = patient ? 1 + d->listed / 8 : 0;

    return d->unknown <= bearable && d->missing <= bearable;
}

/* ---- what there is to propose ---------------------------------------------------------------- */

bool qn_snapshot_outdated(const qn_snapshot *s, const qn_registry *r)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < r->n; i++) {
        const qn_registration *e = r->v[i];
        const qn_relay *relay;

        if (!qn_registry_listed(r, e))
            continue;
        relay = at < s->relays_n ? &s->relays[at++] : NULL;
        if (relay == NULL || !qn_peerid_equal(&relay->d.id, &e->d.id) ||
            relay->d.sequence < e->d.sequence)
            return true;
    }
    return at != s->relays_n;
}
