#include "censor/internal.h"

enum { HEADER = 5 };

static bool begins_a_record(const uint8_t *h)
{
    return h[0] >= 0x14 && h[0] <= 0x17 && h[1] == 3 && h[2] <= 4;
}

static void note(censor_shape *s)
{
    if (!begins_a_record(s->head)) {
        s->opaque = s->opaque || s->n == 0;
        s->http = s->opaque && memcmp(s->head, "HTTP/", HEADER) == 0;
        return;
    }
    s->rest = qn_get16(s->head + 3);
    s->head_n = 0;
    if (s->n < CENSOR_RECORDS_MAX) {
        s->record[s->n].type = s->head[0];
        s->record[s->n++].length = s->rest;
    }
}

void censor_shape_add(censor_shape *s, qn_slice bytes)
{
    s->bytes += bytes.n;
    for (size_t at = 0; at < bytes.n;) {
        size_t n = QN_MIN(bytes.n - at, (size_t)s->rest);

        s->rest = (uint16_t)(s->rest - n);
        at += n;
        if (n == 0) { /* between records; a whole header that is none stays, and is the end */
            if (s->head_n == HEADER)
                return;
            s->head[s->head_n++] = bytes.p[at++];
            if (s->head_n == HEADER)
                note(s);
        }
    }
}
