#include "htx/boundary.h"

size_t qn_htx_boundary_step(qn_htx_boundary *b, const uint8_t *p, size_t n, qn_htx_part *part)
{
    size_t take;

    *part = (qn_htx_part){0};
    if (b->head_n < QN_RECORD_HEADER) {
        take = QN_MIN(n, (size_t)(QN_RECORD_HEADER - b->head_n));
        memcpy(b->head + b->head_n, p, take);
        b->head_n = (uint8_t)(b->head_n + take);
        part->head = b->head_n == QN_RECORD_HEADER;
        b->left = part->head ? qn_htx_boundary_size(b) : 0;
        return take;
    }
    take = QN_MIN(n, (size_t)b->left);
    part->body = qn_slice_of(p, take);
    b->left = (uint16_t)(b->left - take);
    part->end = b->left == 0;
    if (part->end)
        b->head_n = 0;
    return take;
}
