/* 4 MiB through a mesh of the pocket world, its founding included. */
#include "bench/stages.h"

#include "pocket/mesh.h"

enum { TRANSFER = 4 << 20 };

static void transfer(qn_route route)
{
    mesh_cfg cfg = {.world = {.seed = 1, .delay_min = 5 * QN_MS, .delay_max = 5 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .route = route};
    pw_fetch *fetch;
    mesh m;

    mesh_new(&m, &cfg);
    if (!mesh_ready(&m, 30 * QN_SEC))
        qt_die("the mesh is not ready");
    fetch = pw_get(m.w, m.client, MESH_WEB, 80, 400, TRANSFER, NULL);
    if (mesh_await(&m, fetch, 120 * QN_SEC) != PW_DONE)
        qt_die("the download failed");
    mesh_free(&m);
}

void bench_transfer_one_hop(void)
{
    transfer(QN_ROUTE_FAST);
}

void bench_transfer_three_hops(void)
{
    transfer(QN_ROUTE_PRIVACY);
}
