/*
 * Part of internal.h, which includes it where all its types are known: who there is for circuits to
 * go through, listed (paths.c) or by invitation (invited.c).
 */
#ifndef QN_NODE_PATHS_H
#define QN_NODE_PATHS_H

/* paths.c */
QN_MUST_CHECK qn_err paths_start(qn_node *n); /* takes up the guards that were kept */
void paths_clear(qn_node *n);
/* For a new list, whose relays the candidates are. QN_NOMEM: nothing was changed. */
QN_MUST_CHECK qn_err paths_listed(qn_node *n, const qn_snapshot *s);
/* The hops of a circuit to this destination, entry first; NULL: to any. QN_NOPATH. */
QN_MUST_CHECK qn_err paths_choose(qn_node *n, const qn_dest *d, qn_path *path,
                                  const qn_relay *out[QN_HOPS_MAX]);
/* The exit of a one-hop route; NULL: none, n->last_error says why. */
const qn_relay *paths_exit(qn_node *n, const qn_dest *d);
/* There is a list to choose relays from, and it is not a day old. */
bool paths_list_fresh(const qn_node *n);
bool paths_takes_port(const qn_node *n, const qn_relay *r, const qn_dest *d);
/* Exits are known, and none of them opens this port: waiting would not help. */
bool paths_port_refused(const qn_node *n, const qn_dest *d);
/* A link to it came up, or a circuit through it as its entry; it failed as a hop or did not answer.
 */
void paths_worked(qn_node *n, const qn_peerid *id);
void paths_failed(qn_node *n, const qn_peerid *id);
void paths_late(qn_node *n, const qn_peerid *id); /* it keeps a circuit waiting, so others first */
bool paths_store(qn_node *n, qn_action *a);       /* guards that have changed */
/* If it is theirs: it could not be kept. */
void paths_store_again(qn_node *n, const char *name);
/* What is known of a circuit's hops, for looking in. */
void paths_describe(const circuit *c, qn_circuit_info *out);

/* The node with this PeerID, listed or by whom we were invited; NULL: unknown. */
const qn_relay *paths_relay(const qn_node *n, const qn_peerid *id);

/* standing.c */
/* A path goes through it; it rests, until then at least; it does not rest any more. */
void standing_used(qn_node *n, const qn_peerid *id);
void standing_rests(qn_node *n, const qn_peerid *id, qn_time until);
void standing_worked(qn_node *n, const qn_peerid *id);
/* Into the candidates: the list's relays in their order, then the invited's. */
void standing_tell(const qn_node *n, qn_candidate *v);
/* Forgets who is neither in this list nor invited. */
void standing_review(qn_node *n, const qn_snapshot *s);
void standing_clear(qn_node *n);

/* listing.c */
/* Where a node is: what our atlas says, else what it claims itself. */
void node_spot(const qn_node *n, const qn_descriptor *d, qn_spot *out);

/* invited.c */
QN_MUST_CHECK qn_err invited_start(qn_node *n, char why[160]); /* reads cfg.invited */
void invited_clear(qn_node *n);
/* Its place in n->invited; -1: it did not invite us. */
int invited_place(const qn_node *n, const qn_peerid *id);
const qn_key *invited_psk(const qn_node *n, const qn_peerid *id); /* NULL: listed nodes have none */
neighbour *invited_dial(qn_node *n); /* the next of them in turn, for the list */
/* What this node, if it invited us, says of itself; QN_PROTO and as qn_descriptor_open. */
QN_MUST_CHECK qn_err invited_renew(qn_node *n, const qn_peerid *id, qn_slice descriptor);
bool invited_store(qn_node *n, qn_action *a);

#endif
