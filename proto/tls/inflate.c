#include "tls/inflate.h"

#include "base/limits.h"

#include <brotli/decode.h>

/* What the decoder allocates goes through the node's memory; its size stands in
 * front of it. */
typedef struct budget {
    qn_mem *mem;
    size_t used;
    bool failed;
} budget;

typedef union header {
    size_t n;
    max_align_t align;
} header;

static void *get(void *opaque, size_t n)
{
    budget *b = opaque;
    header *h = NULL;

    if (n <= QN_TLS_INFLATE_MAX - b->used)
        h = qn_mem_get(b->mem, sizeof *h + n);
    if (h == NULL) {
        b->failed = true;
        return NULL;
    }
    h->n = n;
    b->used += n;
    return h + 1;
}

static void put(void *opaque, void *p)
{
    budget *b = opaque;
    header *h = p;

    if (p == NULL)
        return;
    h--;
    b->used -= h->n;
    qn_mem_put(b->mem, h, sizeof *h + h->n);
}

qn_err qn_tls_inflate(qn_env *env, qn_slice in, uint8_t *out, size_t n)
{
    budget b = {.mem = &env->mem};
    BrotliDecoderState *state = BrotliDecoderCreateInstance(get, put, &b);
    BrotliDecoderResult result;
    size_t in_left = in.n, out_left = n;
    const uint8_t *p = in.p;

    if (state == NULL)
        return QN_NOMEM;
    result = BrotliDecoderDecompressStream(state, &in_left, &p, &out_left, &out, NULL);
    BrotliDecoderDestroyInstance(state);
    if (b.failed)
        return QN_NOMEM;
    return result == BROTLI_DECODER_RESULT_SUCCESS && in_left == 0 && out_left == 0 ? QN_OK
                                                                                    : QN_PROTO;
}
