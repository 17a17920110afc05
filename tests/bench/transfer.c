/* 4 MiB through a mesh of the pocket world, which is founded by the first transfer and then kept.
 */
#include "bench/stages.h"

#include "pocket/mesh.h"

enum { TRANSFER = 4 << 20 };

typedef struct kept {
    mesh m;
    bool up;
} kept;

static void found(kept *k, qn_route route)
{
    mesh_cfg cfg = {.world = {.seed = 1, .delay_min = 5 * QN_MS, .delay_max = 5 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .route = route};

    mesh_new(&k->m, &cfg);
    if (!mesh_ready(&k->m, 30 * QN_SEC))
        qt_die("the mesh is not ready");
    k->up = true;
}

static void transfer(kept *k, qn_route route)
{
    pw_fetch *fetch;

    if (!k->up)
        found(k, route);
    fetch = pw_get(k->m.w, k->m.client, MESH_WEB, 80, 400, TRANSFER, NULL);
    if (mesh_await(&k->m, fetch, 120 * QN_SEC) != PW_DONE)
        qt_die("the download failed");
}

void bench_transfer_one_hop(void)
{
    static kept one;

    transfer(&one, QN_ROUTE_FAST);
}

void bench_transfer_three_hops(void)
{
    static kept three;

    transfer(&three, QN_ROUTE_PRIVACY);
}
