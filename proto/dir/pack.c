/*
 * The only place that names libzstd. Its contexts live in memory of ours: that interface is in
 * libzstd's "static" section, which may change with a version, and has been the same since 1.3.
 */
#include "dir/pack.h"

#include "base/limits.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

void qn_blob_clear(qn_blob *b, qn_mem *mem)
{
    qn_mem_put(mem, b->p, b->cap);
    *b = (qn_blob){0};
}

qn_err qn_blob_new(qn_blob *b, qn_mem *mem, size_t cap)
{
    *b = (qn_blob){.p = qn_mem_get(mem, cap), .cap = cap};
    return b->p != NULL ? QN_OK : QN_NOMEM;
}

static qn_err compress(qn_blob *to, qn_slice in, void *work, size_t work_n)
{
    ZSTD_CCtx *ctx = ZSTD_initStaticCCtx(work, work_n);
    size_t n;

    if (ctx == NULL)
        return QN_NOMEM;
    n = ZSTD_compressCCtx(ctx, to->p, to->cap, in.p, in.n, QN_PACK_LEVEL);
    if (ZSTD_isError(n)) /* the room is the bound that the library names: only memory is left */
        return QN_NOMEM;
    to->n = n;
    return QN_OK;
}

qn_err qn_pack(qn_blob *out, qn_mem *mem, qn_slice in)
{
    ZSTD_compressionParameters how = ZSTD_getCParams(QN_PACK_LEVEL, in.n, 0);
    size_t work_n = ZSTD_estimateCCtxSize_usingCParams(how);
    void *work = qn_mem_get(mem, work_n);
    qn_blob room = {0}, got = {0};
    qn_err err = work != NULL ? qn_blob_new(&room, mem, ZSTD_compressBound(in.n)) : QN_NOMEM;

    if (err == QN_OK)
        err = compress(&room, in, work, work_n);
    qn_mem_put(mem, work, work_n);
    if (err == QN_OK) /* what stays is no longer than it must be */
        err = qn_blob_new(&got, mem, room.n);
    if (err == QN_OK) {
        memcpy(got.p, room.p, room.n);
        got.n = room.n;
        *out = got;
    }
    qn_blob_clear(&room, mem);
    return err;
}

/* Into exactly to->cap bytes: the output is the window, so the frame's own says nothing about
 * memory. */
static qn_err decompress(qn_blob *to, qn_slice in, qn_mem *mem)
{
    size_t work_n = ZSTD_estimateDCtxSize(), n;
    void *work = qn_mem_get(mem, work_n);
    ZSTD_DCtx *ctx = work != NULL ? ZSTD_initStaticDCtx(work, work_n) : NULL;
    qn_err err = QN_NOMEM;

    if (ctx != NULL) {
        n = ZSTD_decompressDCtx(ctx, to->p, to->cap, in.p, in.n);
        err = ZSTD_isError(n) || n != to->cap ? QN_PROTO : QN_OK;
        to->n = err == QN_OK ? n : 0;
    }
    qn_mem_put(mem, work, work_n);
    return err;
}

qn_err qn_unpack(qn_blob *out, qn_mem *mem, qn_slice in, size_t max)
{
    ZSTD_frameHeader h;
    qn_blob got;
    qn_err err;

    if (ZSTD_getFrameHeader(&h, in.p, in.n) != 0 || h.frameType != ZSTD_frame || h.dictID != 0 ||
        h.frameContentSize == ZSTD_CONTENTSIZE_UNKNOWN || h.frameContentSize == 0 ||
        ZSTD_findFrameCompressedSize(in.p, in.n) != in.n)
        return QN_PROTO;
    if (h.frameContentSize > max)
        return QN_LIMIT;
    err = qn_blob_new(&got, mem, (size_t)h.frameContentSize);
    if (err == QN_OK)
        err = decompress(&got, in, mem);
    if (err == QN_OK)
        *out = got;
    else
        qn_blob_clear(&got, mem);
    return err;
}
