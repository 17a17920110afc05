/* HTX as a node names it: which side's table a carrier has is settled when it is made. */
#include "htx/client.h"
#include "htx/peer.h"

static qn_err create(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg)
{
    const qn_carrier_kind *side = cfg->initiator ? &qn_htx_client_kind : &qn_htx_peer_kind;

    return side->create(out, env, cfg);
}

const qn_carrier_kind qn_carrier_htx = {.name = "htx", .legs = 2, .create = create};
