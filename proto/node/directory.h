/*
 * The directory's part of internal.h, which includes it where chores, ties and neighbours are
 * known: who asks, who answers, who signs.
 */
#ifndef QN_NODE_DIRECTORY_H
#define QN_NODE_DIRECTORY_H

enum { WANT_LIST = 1, WANT_REGISTER = 2, WANT_HEARTBEAT = 4, WANT_DESCRIPTOR = 8 };

/* A further place where the list is asked for. */
typedef struct seeker {
    qn_node *n;
    tie tie;
    qn_dir_reader reader;
    qn_timer timer; /* when to ask, or how long to wait */
    bool asking;
} seeker;

typedef struct asker {
    tie tie;
    qn_dir_reader reader;
    qn_timer timer;
    uint8_t want;   /* of WANT_*: what to ask, most urgent first */
    uint8_t asking; /* the one whose answer is awaited; 0 none */
    bool registered;
    uint32_t where;    /* operators are tried in turn */
    uint32_t failures; /* in a row: back-off */
    qn_time list_at, describe_at, heartbeat_at, timeout_at, retry_at;
    qn_time young_until; /* a short list is asked for often until then */
    qn_time heard;       /* when the directory last answered well */
    int64_t last_beat;
    uint8_t *descriptor; /* QN_DESCRIPTOR_MAX of them in modes that are dialled, else NULL */
    size_t descriptor_n;
    qn_descriptor self;
    qn_err last_error;
    seeker seekers[QN_SEEKERS];
} asker;

typedef struct answer { /* one directory stream of somebody else */
    struct answer *next, *prev;
    tie tie;
    qn_dir_reader reader;
    qn_node *n;
    qn_slice out; /* still to be sent, of one of these: */
    qn_snapshot *snapshot;
    struct parcel *parcel;
    bool dead;
    bool fellow; /* another operator's: its link proved it */
    bool waits;  /* for our signature */
    qn_timer timer;
    chore chore;
} answer;

/* A delta that is being sent, or may be asked for again. */
typedef struct parcel parcel;

typedef struct shelf {
    qn_outline **past; /* a ring of QN_PAST_LISTS: n of them, the oldest at first. NULL: none yet */
    uint32_t first, n;
    size_t past_bytes;
    parcel *parcels;     /* to the list of now */
    size_t parcel_bytes; /* of all there are */
} shelf;

/* Another operator, and our stream to it. */
typedef struct fellow {
    qn_node *n;
    uint8_t index;  /* place in the network file */
    uint8_t asking; /* the qn_dir_type whose answer is awaited; 0 none */
    bool greeted;   /* it has been asked for its list on this stream */
    tie tie;
    qn_dir_reader reader;
    qn_timer timer;
    qn_blob out; /* what is being sent, and how much of it is */
    size_t sent;
    uint64_t told;                /* changes up to this serial are known to it */
    uint64_t telling;             /* and up to this one with the next answer */
    uint64_t whole;               /* entries up to this one it is told of whoever told us */
    uint64_t offered;             /* of offer_serial */
    uint64_t measured, measuring; /* as told and telling, of what we measured */
    qn_time retry_at, timeout_at, share_at, told_again;
} fellow;

/* A list we have proposed, and who has signed it. */
typedef struct proposal {
    qn_blob body;
    qn_blob verified; /* the nodes' signatures, for who is asked to sign it */
    qn_statement what;
    uint8_t n; /* signatures; the first is ours. 0: no proposal */
    qn_snapshot_signature v[QN_OPERATORS_MAX];
} proposal;

typedef enum pledge_state { PLEDGE_NONE, PLEDGE_TO_KEEP, PLEDGE_KEPT } pledge_state;

/* What we are about to sign: kept on disk first. */
typedef struct pledge {
    pledge_state state;
    qn_statement what;
    answer *to;    /* who awaits it; NULL: gone, or the proposal is our own */
    qn_blob offer; /* another's proposal; empty: our own */
} pledge;

/* What a listed relay carries is being measured: measure.c. */
typedef struct measuring {
    qn_node *n;
    qn_timer timer;  /* the next one, or the patience with this one */
    bool busy;       /* the rest is of a measurement that is under way */
    bool trusted;    /* its end is another operator's */
    tie tie;         /* to the relay */
    qn_peerid relay; /* which is measured */
    qn_hop_key hops[QN_HOPS_MAX];
    qn_circuit core; /* a client's ... */
    qn_hop pipe;     /* ... and its entry, both here */
    qn_cell_in in;
    qn_piece waiting;          /* a cell that the stream had no room for; block NULL: none */
    qn_time began;             /* when the first cell of the burst left */
    qn_time first_at, last_at; /* when the end's first and last answer came; 0: none yet ... */
    uint32_t first, last;      /* ... and which cells they named */
    uint32_t sent;
    uint32_t mark[QN_MEASURE_CELLS]; /* drawn for each cell: only who has had it can answer */
} measuring;

typedef struct operators {
    qn_registry registry;
    qn_timer timer, dial_timer;
    uint8_t me;       /* our place in the network file */
    bool stale;       /* our list may be another than the registry's */
    qn_time death_at; /* of the next node, unless it is heard of */
    qn_time made;     /* when the list last changed, or we started */
    qn_time news_at;  /* when the registry last changed */
    qn_time looked;   /* when the registry was last compared with the list; 0: not since news */
    qn_time wanting_since;    /* the list has been old since then; 0: it is not */
    signed_versions versions; /* that we signed */
    pledge pledge;
    proposal proposal;
    qn_blob offer; /* what the others are to hear next; the serial counts them */
    uint64_t offer_serial;
    uint64_t dialled;    /* of registry.described: entries up to this serial have been looked at */
    uint64_t news_known; /* of registry.news */
    qn_statement heard[QN_OPERATORS_MAX]; /* what each last signed, as far as we saw */
    fellow fellow[QN_OPERATORS_MAX];
    measuring measure;
    uint8_t signed_file[SIGNED_FILE_MAX]; /* what STORE names, until the next call ... */
    qn_blob kept;                         /* ... and the list with its nodes' signatures */
} operators;

/* ---- what they do ---------------------------------------------------------------------------- */

/* asker.c */
QN_MUST_CHECK qn_err asker_start(qn_node *n);
void asker_want(qn_node *n, uint8_t want);
void asker_wanted(qn_node *n);                         /* by a user: a client's list may be old */
void asker_renew(qn_node *n);                          /* our descriptor is no longer true */
void asker_described(qn_node *n, qn_slice descriptor); /* a follower: as the leader has it */
void asker_data(qn_node *n, qn_piece piece, bool fin);
void asker_closed(qn_node *n, qn_err why);
void asker_tick(qn_node *n);
void asker_clear(qn_node *n);
bool asker_seeks(const qn_node *n); /* a list is wanted or asked for */
void asker_found(qn_node *n);       /* somebody else had it */
/* Whom to ask for a list: the i-th of those that are asked at once, 0 the first. NULL: no more. */
neighbour *asker_place(qn_node *n, unsigned i);

/* seek.c */
void seek_start(qn_node *n);
void seek_begin(qn_node *n); /* a list is asked for: others are, if it takes long */
void seek_end(qn_node *n);
void seek_clear(qn_node *n);
void seek_tick(seeker *s);
void seek_data(seeker *s, qn_piece piece, bool fin);
void seek_closed(seeker *s);

/* list.c */
/* A snapshot newer than ours; QN_STALE and others as qn_snapshot_open. */
QN_MUST_CHECK qn_err node_adopt(qn_node *n, qn_slice bytes);
/* The list in what a node kept; *verified: the nodes' signatures that an operator keeps beside it
 * (dir/offer.h), else empty. */
qn_slice list_kept(qn_slice kept, qn_slice *verified);
void list_request(const qn_node *n, qn_dir_message *m); /* points into our list */
/* What came upon it, in whatever form; as node_adopt. QN_OK too: ours is the newest. */
QN_MUST_CHECK qn_err list_answer(qn_node *n, const qn_dir_message *m, const qn_peerid *from);

/* roots.c */
QN_MUST_CHECK qn_err roots_start(qn_node *n, char why[160]);
void roots_clear(qn_node *n);
/* What followed ours. QN_PROTO: nothing of it did; else as qn_root_apply. */
QN_MUST_CHECK qn_err roots_take(qn_node *n, qn_slice roots);
qn_slice roots_after(const qn_node *n, uint32_t number); /* as many as one answer holds */
bool roots_store(qn_node *n, qn_action *a);

/* shelf.c */
void shelf_add(qn_node *n, qn_snapshot *old); /* there is a newer one now. NULL: there was none */
void shelf_clear(qn_node *n);
/* What differs between the list with this body and ours, packed; one reference, for parcel_drop.
 * NULL: not known, or no room. */
parcel *shelf_delta(qn_node *n, const qn_hash *body);
qn_slice parcel_bytes(const parcel *p);
void parcel_drop(qn_node *n, parcel *p);

/* A link to the operator in that place of the network file; NULL: none can be had now. */
neighbour *operator_dial(qn_node *n, uint8_t index);

/* answer.c */
void answer_new(neighbour *nb, uint32_t stream);
void answer_data(answer *a, qn_piece piece, bool fin);
void answer_room(answer *a);
void answer_closed(answer *a);
void answer_timeout(answer *a);
void answer_service(answer *a);
void answer_reply(answer *a, const qn_dir_message *m); /* ERROR and SIGNED with their bytes */
void answer_refuse(answer *a, qn_err err);
void answer_bytes(answer *a, qn_slice bytes); /* of the object that a reply announced */

/* operator.c: all but start, clear, store, store_failed, forget and listed need n->op. */
/* verified: the nodes' signatures that were kept beside the list. */
QN_MUST_CHECK qn_err operator_start(qn_node *n, qn_slice verified, char why[160]);
void operator_clear(qn_node *n);
void operator_tick(qn_node *n);
/* What nodes say: errors as the registry's. */
qn_err operator_register(qn_node *n, qn_slice bytes);
qn_err operator_heartbeat(qn_node *n, qn_slice bytes);
/* Registers or revives our own descriptor in our own registry. */
qn_err operator_self(qn_node *n, qn_slice descriptor, qn_slice heartbeat);
uint32_t operator_prune(qn_node *n); /* removes the dead now; how many */
/* What other operators say. *later: the answer follows by itself. */
qn_err operator_offered(answer *a, qn_slice bytes, bool *later);
qn_err operator_told(qn_node *n, qn_slice objects);
void operator_signed(qn_node *n, uint8_t who, qn_slice signature);
void operator_news(qn_node *n);                         /* the registry may have changed */
void operator_reached(qn_node *n, const qn_peerid *id); /* it is where it says */
void operator_dial_back(qn_node *n);
/* A link that we dialled has shown that it is there. */
bool dialled_already(const qn_node *n, const qn_descriptor *d);
void dialled_back(neighbour *nb); /* it has proved its key */
/* The link that was dialled leads where the descriptor says, and the way it says. */
bool dialled_proves(const neighbour *nb, const qn_descriptor *d);
void operator_listed(qn_node *n); /* the list, or who may sign it, has changed */
void operator_forget(qn_node *n, const answer *a);
/* What must be kept before it is signed; and the signing, once it is. */
bool operator_store(qn_node *n, qn_action *a);
/* The newest list as an operator keeps it, until the next call; without memory, the list alone. */
qn_slice operator_keeps(qn_node *n);
void operator_store_failed(qn_node *n);

/* measure.c */
QN_MUST_CHECK qn_err measure_start(qn_node *n);
void measure_clear(qn_node *n);
void measure_tick(qn_node *n);
void measure_data(measuring *m, qn_piece piece, bool more);
void measure_room(measuring *m);
void measure_closed(measuring *m, uint16_t code);
qn_err measure_told(answer *a, qn_slice measures); /* by another operator */
void measure_status(const qn_node *n, qn_status *out);

/* fellow.c */
/* Which other operator this link leads to; -1: none, or we are no operator ourselves. */
int fellow_of(neighbour *nb);
QN_MUST_CHECK qn_err fellows_start(qn_node *n);
void fellows_clear(qn_node *n);
void fellows_wake(qn_node *n); /* there is something to say */
void fellow_tick(fellow *f);
void fellow_data(fellow *f, qn_piece piece, bool fin);
void fellow_room(fellow *f);
void fellow_closed(fellow *f, qn_err why);

/* proofs.c */
void proofs_clear(qn_node *n);
qn_err proofs_add(qn_node *n, qn_slice proof); /* QN_OK too when it is known */
QN_MUST_CHECK qn_err proofs_read(qn_node *n, qn_slice proofs);
QN_MUST_CHECK qn_err proofs_adopt(qn_node *n, const qn_snapshot *s); /* those that a list brings */
qn_slice proofs_write(const qn_node *n, uint8_t out[QN_EQUIVOCATIONS_MAX]); /* empty: none */
bool proofs_store(qn_node *n, qn_action *a);
void proofs_heard(qn_node *n,
                  const qn_signed_list *o);      /* operators: what was signed of a version */
void proofs_compare(qn_node *n, qn_slice other); /* a list of the version we hold, perhaps */

#endif
