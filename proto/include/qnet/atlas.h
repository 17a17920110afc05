/*
 * Where addresses are, as somebody's tables have it: a world's database, a simulator's own map. A
 * node looks up what it needs itself and tells nobody, so nodes with other tables, or none, need
 * not agree (docs/decisions/0016).
 */
#ifndef QNET_ATLAS_H
#define QNET_ATLAS_H

#include "qnet/addr.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_spot {
    char country[3]; /* two capital letters; "" unknown */
    uint32_t as;     /* autonomous system; 0 unknown */
} qn_spot;

typedef struct qn_atlas {
    /* *out is all zero before. No more than tables are read: the same address gives the same spot
     * for as long as the atlas lives. */
    void (*find)(void *ctx, const qn_addr *a, qn_spot *out);
    void *ctx;
} qn_atlas;

#ifdef __cplusplus
}
#endif
#endif
