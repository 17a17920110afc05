/* The lengths of records. Which writes wait is in shape_opening.c. */
#include "htx/shape.h"

#include "htx/shape_opening.h"

#define SEAL (1u + QN_TAG)                /* what a record's length counts beside its content */
#define ON_WIRE (QN_RECORD_HEADER + SEAL) /* and what its burst does */
#define NEARLY_FULL 64                    /* a link leaves so much of a full record free */
#define ANSWER_MIN 30 /* length of the record that comes between a hello's halves */
#define ANSWER_MAX 60

_Static_assert(sizeof(qn_shape) <= 256, "an idle link grew");

static void draw_request(qn_shape *s)
{
    s->request = s->profile->request[qn_rng_below(s->env, s->profile->request_n)];
}

void qn_shape_init(qn_shape *s, qn_env *env, const qn_shape_cfg *cfg)
{
    *s = (qn_shape){.env = env,
                    .profile = cfg->profile,
                    .client = cfg->client,
                    .relays = cfg->relays,
                    .page = cfg->pick % cfg->profile->page_n,
                    .max = cfg->max_record};
    draw_request(s);
}

/* Rules 2 and 3 are for users' links; this is the side that makes requests. */
static bool asks(const qn_shape *s)
{
    return s->client && !s->relays;
}

static bool answers(const qn_shape *s)
{
    return !s->client && !s->relays;
}

size_t qn_shape_room(const qn_shape *s)
{
    const qn_shape_profile *p = s->profile;
    const qn_shape_page *page = &p->page[s->page];
    size_t length = SEAL + s->max;

    if (s->first < QN_SHAPE_FIRST)
        length = s->client ? page->up[s->first] : page->down[s->first];
    else if (asks(s))
        length = s->uploading ? p->post[p->post_n - 1] : p->request[p->request_n - 1];
    return QN_MIN(length - SEAL, (size_t)s->max);
}

/* ---- what a record is padded to -------------------------------------------------------------- */

/* The content of the shortest listed record that holds n bytes; n when there is none. */
static size_t least(const uint16_t *list, unsigned count, size_t n)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i] >= n + SEAL)
            return list[i] - SEAL;
    return n;
}

/* What is drawn is not taken when it is more than twice as long as need be: an acknowledgement is
 * not a request of a page. */
static size_t asked(const qn_shape *s, size_t n)
{
    const qn_shape_profile *p = s->profile;
    bool fits = s->request >= n + SEAL && s->request <= 2 * (n + SEAL);

    if (n + SEAL > p->request[p->request_n - 1])
        return least(p->post, p->post_n, n);
    return fits ? s->request - SEAL : least(p->request, p->request_n, n);
}

/* At least the median: a server's answer to as much as a hello is long is a page's file or more,
 * and a handshake's flight is far shorter. */
static size_t next_burst(const qn_shape *s, size_t n)
{
    n = QN_MAX(n, (size_t)s->profile->burst[s->profile->burst_n / 2]);
    for (unsigned i = 0; i < s->profile->burst_n; i++)
        if (s->profile->burst[i] >= n)
            return s->profile->burst[i];
    return n;
}

/* The openings a record answers, as bits. */
static unsigned openings_in(const qn_shape *s, qn_slice a, qn_slice b)
{
    qn_slice part[2] = {a, b};
    unsigned set = 0;
    qn_frame f;

    for (unsigned i = 0; i < 2; i++)
        while (qn_shape_frame(&part[i], &f)) {
            int at = qn_shape_opening_of(s, &f);

            if (at >= 0)
                set |= 1u << at;
        }
    return set;
}

/* An answer in an opening grows to a template's; any other record keeps its length, but the nearly
 * full ones are full, as an origin's are. */
static size_t answered(const qn_shape *s, qn_slice a, qn_slice b)
{
    size_t n = a.n + b.n, most = n;
    unsigned set;

    if (n + NEARLY_FULL >= s->max)
        return s->max;
    if (!qn_shape_opening_any(s))
        return n;
    set = openings_in(s, a, b);
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++) {
        size_t so_far = s->opening[i].burst + ON_WIRE;

        if ((set >> i & 1) != 0)
            most = QN_MAX(most, next_burst(s, so_far + n) - so_far);
    }
    return most;
}

size_t qn_shape_zeros(const qn_shape *s, qn_slice a, qn_slice b)
{
    size_t n = a.n + b.n, want = n;

    if (s->first < QN_SHAPE_FIRST)
        want = qn_shape_room(s);
    else if (asks(s))
        want = asked(s, n);
    else if (answers(s))
        want = answered(s, a, b);
    want = QN_MIN(want, (size_t)s->max);
    return want > n ? want - n : 0;
}

/* ---- what left and what came ----------------------------------------------------------------- */

static void left(qn_shape *s, qn_slice a, qn_slice b, size_t whole)
{
    unsigned set = s->client ? 0 : openings_in(s, a, b);
    qn_slice part[2] = {a, b};
    qn_frame f;

    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        if ((set >> i & 1) != 0)
            s->opening[i].burst += (uint32_t)whole;
    for (unsigned i = 0; i < 2; i++)
        while (qn_shape_frame(&part[i], &f))
            qn_shape_opening_sent(s, &f);
}

static bool gives_credit(qn_slice content)
{
    qn_frame f;
    bool credit = content.n > 0;

    while (credit && content.n > 0)
        credit = qn_shape_frame(&content, &f) && f.type == QN_FRAME_WINDOW;
    return credit;
}

/* An upload is over with a record that a request would have held. */
static void note_upload(qn_shape *s, qn_slice a, qn_slice b)
{
    size_t longest = s->profile->request[s->profile->request_n - 1];

    if (s->upload_seen)
        s->uploading = true;
    else if (a.n + b.n + SEAL <= longest && !gives_credit(a))
        s->uploading = false;
    s->upload_seen = false;
}

void qn_shape_sealed(qn_shape *s, qn_slice a, qn_slice b, size_t zeros)
{
    size_t whole = ON_WIRE + a.n + b.n + zeros;

    if (s->first < QN_SHAPE_FIRST)
        s->first++;
    if (s->relays)
        return;
    if (s->client) {
        note_upload(s, a, b);
        draw_request(s);
    }
    if (qn_shape_opening_any(s))
        left(s, a, b, whole);
}

void qn_shape_opened(qn_shape *s, qn_slice content)
{
    qn_frame f;

    if (s->relays || (s->client && !qn_shape_opening_any(s)))
        return;
    if (s->client)
        qn_shape_opening_between(s);
    while (qn_shape_frame(&content, &f))
        qn_shape_opening_came(s, &f);
}

size_t qn_shape_answer(qn_shape *s)
{
    if (s->answers == 0)
        return 0;
    s->answers--;
    return ANSWER_MIN - SEAL + qn_rng_below(s->env, ANSWER_MAX - ANSWER_MIN + 1);
}

qn_pace qn_shape_pace(const qn_shape *s)
{
    return (qn_pace){.units = s->client ? s->profile->credit_bytes : QN_LINK_BASE / 2,
                     .after = s->profile->credit_after};
}
