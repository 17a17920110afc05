/* An env whose outside is this process: kernel entropy, malloc, stderr. */
#ifndef QN_REAL_ENV_H
#define QN_REAL_ENV_H

#include "io-real/entropy.h"
#include "io-real/log.h"
#include "qnet/env.h"

#include <stdbool.h>

typedef struct qn_real_env {
    qn_env env;
    qn_entropy entropy;
    qn_log_rate log_rate;
} qn_real_env;

/* false when out of memory. The struct must stay where it is: the env points into it. */
bool qn_real_env_open(qn_real_env *e, qn_level log, uint64_t memory_max);
void qn_real_env_close(qn_real_env *e); /* every node on it must be gone */
void qn_real_env_stamp(qn_real_env *e);

#endif
