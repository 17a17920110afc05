/* A shaping item of a profile, small enough to reckon with by hand. */
#ifndef SHAPE_ITEM_H
#define SHAPE_ITEM_H

#include "htx/shape_profile.h"

static const qn_shape_profile shape_item = {
    .page = {{.up = {300, 90, 120, 80, 400, 90, 100, 110, 57, 200, 90, 150},
              .down = {500, 1200, 16401, 900, 300, 8218, 4000, 57, 700, 16401, 2000, 600}},
             {.up = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
              .down = {200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200}}},
    .page_n = 2,
    .request = {60, 90, 90, 120, 400, 467},
    .request_n = 6,
    .post = {1000, 4130, 16401},
    .post_n = 3,
    .burst = {400, 1500, 4000, 9000},
    .burst_n = 4,
    .credit_bytes = 3 << 20,
    .credit_after = 5 * QN_SEC};

#endif
