#include "circuit/pad.h"

#include "base/bytes.h"

enum { GAPS = 4, STATES = 2, SIDES = 2 };

typedef struct pad_state {
    uint16_t gap_ms[GAPS]; /* how long a pause ends a burst: each as likely */
    uint8_t small, large;  /* units that a burst's cells of each class are filled up to; not 0 */
    uint8_t bursts;        /* filled before the next state; 0: it is the last */
} pad_state;

typedef struct pad_machine {
    pad_state state[SIDES][STATES]; /* the client's, the end's */
    uint64_t allowance;             /* bytes that may be filled before anything was sent ... */
    uint32_t per_cent;              /* ... and so much of what was */
    uint32_t cells_per_s;
} pad_machine;

/* Gaps above the time between two reads of one answer, below that of a person. */
static const pad_machine machines[] = {
    [QN_PAD_BURSTS] = {.state = {{{{40, 50, 60, 70}, 4, 1, 8}, {{40, 60, 80, 100}, 2, 1, 0}},
                                 {{{40, 50, 60, 70}, 16, 2, 8}, {{40, 60, 80, 100}, 8, 2, 0}}},
                       .allowance = 256 << 10,
                       .per_cent = 50,
                       .cells_per_s = 64},
};

void qn_pad_init(qn_pad *p, bool client)
{
    *p = (qn_pad){.client = client};
}

/* ---- agreeing -------------------------------------------------------------------------------- */

void qn_pad_ask(qn_pad *p, uint8_t machine)
{
    p->asked = p->said = machine;
    p->tell = machine != QN_PAD_NONE;
}

static bool is_known(uint8_t machine)
{
    return machine != QN_PAD_NONE && machine < QN_LEN(machines);
}

static qn_err heard_answer(qn_pad *p, uint8_t machine, bool *refused)
{
    if (p->tell || p->asked == QN_PAD_NONE || p->answered ||
        (machine != p->asked && machine != QN_PAD_NONE))
        return QN_PROTO;
    p->answered = true;
    p->machine = machine;
    *refused = machine == QN_PAD_NONE;
    return QN_OK;
}

qn_err qn_pad_heard(qn_pad *p, bool answer, uint8_t machine, bool willing, bool *refused)
{
    if (p->client != answer)
        return QN_PROTO;
    if (p->client)
        return heard_answer(p, machine, refused);
    if (machine == QN_PAD_NONE || p->answered)
        return QN_PROTO;
    p->answered = p->tell = true;
    p->asked = machine;
    p->machine = p->said = willing && is_known(machine) ? machine : QN_PAD_NONE;
    *refused = p->machine == QN_PAD_NONE;
    return QN_OK;
}

/* ---- bursts ---------------------------------------------------------------------------------- */

static const pad_state *state_of(const qn_pad *p)
{
    return &machines[p->machine].state[p->client ? 0 : 1][p->state];
}

void qn_pad_sent(qn_pad *p, qn_env *env, size_t size)
{
    if (p->machine == QN_PAD_NONE)
        return;
    if (p->due == 0)
        p->gap = state_of(p)->gap_ms[qn_rng_below(env, GAPS)] * QN_MS;
    p->due = env->now + p->gap;
    p->real += size;
    if (size == QN_CELL_S)
        p->small++;
    else
        p->large++;
}

static uint32_t missing(uint32_t n, uint32_t unit)
{
    return (unit - n % unit) % unit;
}

/* Whether both budgets allow so many more. */
static bool affordable(qn_pad *p, qn_time now, uint32_t small, uint32_t large)
{
    const pad_machine *m = &machines[p->machine];
    uint64_t bytes = (uint64_t)small * QN_CELL_S + (uint64_t)large * QN_CELL_L;

    if (now - p->second >= QN_SEC) {
        p->second = now;
        p->in_second = 0;
    }
    if (p->filled + bytes > m->allowance + p->real * m->per_cent / 100 ||
        p->in_second + small + large > m->cells_per_s)
        return false;
    p->filled += bytes;
    p->in_second += small + large;
    return true;
}

static void next_state(qn_pad *p)
{
    if (state_of(p)->bursts == 0 || ++p->bursts < state_of(p)->bursts)
        return;
    p->state++;
    p->bursts = 0;
    QN_ASSERT(p->state < STATES);
}

qn_time qn_pad_due(const qn_pad *p)
{
    return p->due == 0 ? QN_NEVER : p->due;
}

void qn_pad_tick(qn_pad *p, qn_env *env)
{
    uint32_t small, large;

    if (p->due == 0 || env->now < p->due)
        return;
    small = missing(p->small, state_of(p)->small);
    large = missing(p->large, state_of(p)->large);
    if (affordable(p, env->now, small, large)) {
        p->owed_small += small;
        p->owed_large += large;
    }
    p->small = p->large = 0;
    p->due = 0;
    next_state(p);
}

size_t qn_pad_owed(const qn_pad *p)
{
    if (p->owed_large > 0)
        return QN_CELL_L;
    return p->owed_small > 0 ? QN_CELL_S : 0;
}

void qn_pad_paid(qn_pad *p, size_t size)
{
    if (size == QN_CELL_L)
        p->owed_large--;
    else
        p->owed_small--;
}
