/*
 * A peer's mirror keys: one for each of its epochs (card.h), and erased when they are over.
 * docs/wire/htx.md, "Keys and epochs".
 *
 * The owner calls turn() at the start and whenever due() says; if it returns true the keys have
 * changed, and are to be stored before anybody is told of the new ones.
 */
#ifndef QN_HTX_MIRROR_H
#define QN_HTX_MIRROR_H

#include "htx/card.h"
#include "htx/tag.h"

/* A founder's series, and what turn() may need beside it: epochs before, and after. */
#define QN_HTX_MIRROR_KEYS (QN_HTX_EPOCHS_MAX + 3)

typedef struct qn_htx_mirror {
    qn_htx_mirror_key key[QN_HTX_MIRROR_KEYS]; /* ascending by epoch */
    uint32_t epoch[QN_HTX_MIRROR_KEYS];
    uint8_t n;
    bool used;      /* a node has run with them: tags under them may have been answered */
    qn_time doomed; /* since when the wall clock says of some that they are over; 0: of none */
    qn_peerid id;   /* whose they are: the owner's to set after init, like */
    uint8_t ahead;  /* how many epochs its card names beyond this one, at most 1 */
} qn_htx_mirror;

/* Empty, or as `stored`: QN_CANON, QN_PROTO, ... as base/cbor.h says, and then empty. */
QN_MUST_CHECK qn_err qn_htx_mirror_init(qn_htx_mirror *m, qn_slice stored);
void qn_htx_mirror_wipe(qn_htx_mirror *m);
/* Makes the keys of this epoch and of those that the card names, erases what is over. A
 * wall clock that jumps and comes back erases nothing: it must say so for ten minutes. */
bool qn_htx_mirror_turn(qn_htx_mirror *m, qn_env *env);
/* When to turn again; never more than an hour away, since wall clocks are set. */
qn_time qn_htx_mirror_due(const qn_htx_mirror *m, const qn_env *env);
/* Those a hello that comes at this time is tried with; what `out` held is wiped. */
uint8_t qn_htx_mirror_tried(const qn_htx_mirror *m, int64_t wall,
                            qn_htx_mirror_key out[QN_HTX_TRIED_MAX]);
/* `most` keys at most, from this time's epoch on, onto a card. */
void qn_htx_mirror_show(const qn_htx_mirror *m, int64_t wall, unsigned most, qn_htx_card *card);
/* QN_CONFIG: out is smaller than QN_HTX_MIRROR_FILE_MAX. */
QN_MUST_CHECK qn_err qn_htx_mirror_save(const qn_htx_mirror *m, qn_span out, size_t *n);

#endif
