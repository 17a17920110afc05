/* One sentence for a person: what is wrong, and what to do next. */
#ifndef QN_REAL_WHY_H
#define QN_REAL_WHY_H

#include <stdbool.h>

#define QN_WHY_MAX 512

typedef char qn_why[QN_WHY_MAX];

/* Writes the sentence, cut if need be. Always false, so that a failure can be returned in one line.
 */
bool qn_why_say(qn_why why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
