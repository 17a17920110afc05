/* What a node keeps in its state directory: keys, network, snapshot, run.json. */
#ifndef QNET_NODE_FILES_H
#define QNET_NODE_FILES_H

#include "config.h"
#include "io-real/store.h"
#include "io-real/world.h"

/* Reads and verifies a network file. out points into bytes, which the caller frees after success.
 * Returns an exit status. */
int network_load(const char *path, qn_env *env, qn_network *out, qn_span *bytes, qn_why why);
/* The network of a state directory: `path` if not "", else the copy kept there. A directory stays
 * with one network. out points into bytes, which the caller frees. Returns an exit status. */
int network_of_state(const qn_store *s, const char *path, qn_env *env, qn_network *out,
                     qn_span *bytes, qn_why why);
/* The node's keys, made if the directory has none yet; *made says so. Returns an exit status. */
int keys_of_state(const qn_store *s, qn_env *env, qn_keys *keys, bool *made, qn_why why);
/* The operator key; there must be one. Returns an exit status. */
int operator_key_of_state(const qn_store *s, qn_secret32 *key, qn_why why);
/* run.json: pid and the addresses that were got, for tools. */
bool run_file_write(const qn_store *s, const char *mode, const char *peer_id,
                    const qn_world_addrs *where, qn_why why);
void run_file_remove(const qn_store *s);

#endif
