/* A small private network in the pocket world: super, relays, exits, clients, one web server. */
#ifndef POCKET_MESH_H
#define POCKET_MESH_H

#include "pocket/world.h"

enum { MESH_RELAYS_MAX = 16, MESH_OPERATORS_MAX = 5 };

typedef struct mesh_cfg {
    pw_cfg world;
    uint32_t relays, exits;
    uint32_t operators; /* supers that sign lists together; 0: 1 */
    qn_route route;
    const qn_carrier_kind *carrier; /* NULL: bare; of two legs: the mesh has an origin for it */
    const struct mesh_htx *htx;     /* instead: HTX, every node in front of this site */
    bool nameless;                  /* whose name leads nowhere */
} mesh_cfg;

/* Outlives the mesh. */
typedef struct mesh_htx {
    qn_slice profile, roots;
    qn_htx_origin origin; /* but for its address, and limits */
    pw_site site;
} mesh_htx;

typedef struct mesh {
    pw_world *w;
    qn_network net;
    qn_secret32 founder, operator_seed[MESH_OPERATORS_MAX];
    /* to start them again */
    qn_node_cfg operator_cfg[MESH_OPERATORS_MAX], relay_cfg[MESH_RELAYS_MAX],
        exit_cfg[MESH_RELAYS_MAX];
    pw_node *operator[MESH_OPERATORS_MAX];
    pw_node *super; /* the first operator */
    pw_node *relay[MESH_RELAYS_MAX], *exit[MESH_RELAYS_MAX], *client;
    const qn_carrier_kind *carrier;
    pw_server *origin;
    qn_htx_cfg htx; /* with HTX: of whoever is dialled */
    qn_htx_origin site;
    bool nameless;
    uint8_t file[QN_NETWORK_FILE_MAX]; /* the network's: with HTX it is pointed into */
    uint8_t operator_keys[MESH_OPERATORS_MAX][QN_HTX_MIRROR_FILE_MAX];
    size_t operator_keys_n[MESH_OPERATORS_MAX];
    uint8_t hosts; /* addresses given out */
} mesh;

/* All started; nothing has run yet. */
void mesh_new(mesh *m, const mesh_cfg *cfg);
/* Runs until the client says connected, or the deadline; true when it does. */
bool mesh_ready(mesh *m, qn_time within);
/* Runs until a fetch is over, or the deadline. */
pw_result mesh_await(mesh *m, pw_fetch *f, qn_time within);
pw_node *mesh_add_client(mesh *m, const char *name, qn_route route);
qn_status mesh_status(pw_node *n);
/* Another node of the same mesh, in front of the same site; cfg as for pw_add. */
qn_node_cfg mesh_cfg_for(mesh *m, qn_mode mode);
/* An operator that is gone starts again, with what it had stored. */
void mesh_restart_operator(mesh *m, uint32_t i);
/* A relay, an exit or an operator that is gone starts again; without its disk: as who it was, but
 * with nothing else that it had stored. */
void mesh_restart(mesh *m, const pw_node *gone, bool disk);
void mesh_free(mesh *m);

/* How many seeds a test plays: one if POCKET_SEED names it, else POCKET_SEEDS or as many as usual;
 * and the i-th of them, from 0. */
int mesh_seeds(int usual);
uint64_t mesh_seed(int i);

#define MESH_WEB "web.example"

#endif
