/* The browser's end of a connection that P has given back to O while it carried. */
#include "htx/client.h"

#include "tls/numbers.h"

/* O met damage and says so by an alert, which a browser opens and answers by FIN alone; an alert of
 * ours would tell it from a browser. O is ahead by R, if P dropped that on its way back. */
static qn_err open_raw(qn_htx_client *c, const uint8_t *record, size_t n)
{
    qn_err err = qn_tls_record(c->tls, record, n);

    if (err == QN_AUTH && c->traffic.carry.got == 0)
        err = qn_tls_record_behind(c->tls, 1, record, n);
    return err;
}

qn_err qn_htx_browser_raw(qn_htx_client *c, const uint8_t *record, size_t n)
{
    qn_tls_event said;
    bool ended = false;

    /* Only what is sealed: no other record can be told to be O's. */
    if (c->tls == NULL || c->traffic.part.block != NULL || record[0] != QN_TLS_DATA)
        return QN_AUTH;
    if (open_raw(c, record, n) != QN_OK)
        return QN_AUTH;
    while (qn_tls_next(c->tls, &said)) {
        if (said.type == QN_TLS_BYTES)
            qn_block_drop(said.piece.block);
        ended |= said.type == QN_TLS_ENDED;
    }
    return ended ? QN_GONE : QN_OK;
}
