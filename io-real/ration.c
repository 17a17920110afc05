#include "io-real/ration.h"

#include <string.h>

void qn_ration_init(qn_ration *r, uint32_t rate, uint32_t burst, const qn_rng *rng)
{
    memset(r, 0, sizeof *r);
    r->rate = rate;
    r->burst = burst;
    rng->fill(rng->ctx, &r->seed, sizeof r->seed);
}

static void key_of(const qn_addr *a, uint8_t key[9])
{
    memset(key, 0, 9);
    key[0] = a->family;
    memcpy(key + 1, a->ip, a->family == 4 ? 4 : 8);
}

/* FNV-1a. Whoever finds two addresses of one set wins two buckets that forget each other. */
static uint32_t set_of(const qn_ration *r, const uint8_t key[9])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ r->seed;

    for (unsigned i = 0; i < 9; i++)
        h = (h ^ key[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h >> 32) % QN_RATION_SETS;
}

/* Its bucket, or the one that has been full for longest. */
static qn_ration_bucket *bucket_of(qn_ration *r, const uint8_t key[9])
{
    qn_ration_bucket *set = r->v[set_of(r, key)], *oldest = set;

    for (unsigned i = 0; i < QN_RATION_WAYS; i++) {
        if (set[i].full_at != 0 && memcmp(set[i].key, key, 9) == 0)
            return &set[i];
        if (set[i].full_at < oldest->full_at)
            oldest = &set[i];
    }
    memcpy(oldest->key, key, 9);
    oldest->full_at = 0;
    return oldest;
}

bool qn_ration_take(qn_ration *r, const qn_addr *a, qn_time now)
{
    uint8_t key[9];
    qn_ration_bucket *b;
    qn_time token, full_at;

    if (r->rate == 0)
        return true;
    key_of(a, key);
    b = bucket_of(r, key);
    token = QN_SEC / r->rate;
    full_at = (b->full_at > now ? b->full_at : now) + token;
    if (full_at > now + token * r->burst)
        return false;
    b->full_at = full_at;
    return true;
}
