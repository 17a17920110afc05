/* Reasons of app streams, as SOCKS and the error table name them. */
#include "circuit/apps.h"

static const struct {
    uint8_t socks; /* RFC 1928 section 6 */
    uint16_t http; /* RFC 9110 section 15 */
    qn_err err;
} codes[] = {
    [QN_APP_DONE] = {0, 200, QN_OK},
    [QN_APP_FAILED] = {1, 500, QN_INTERNAL},
    [QN_APP_POLICY] = {2, 403, QN_POLICY},
    [QN_APP_NET_UNREACHABLE] = {3, 502, QN_UNREACHABLE},
    [QN_APP_HOST_UNREACHABLE] = {4, 502, QN_UNREACHABLE},
    [QN_APP_REFUSED] = {5, 502, QN_REFUSED},
    [QN_APP_TIMEOUT] = {6, 504, QN_TIMEOUT},
    [QN_APP_RESOLVE] = {4, 502, QN_RESOLVE},
    [QN_APP_RESET] = {1, 502, QN_GONE},
    [QN_APP_TOO_MANY] = {1, 503, QN_BUSY},
    [QN_APP_GONE] = {1, 502, QN_GONE},
    [QN_APP_RATE] = {1, 429, QN_LIMIT},
};

qn_app_code qn_app_code_get(uint8_t wire)
{
    return wire < QN_LEN(codes) ? (qn_app_code)wire : QN_APP_FAILED;
}

uint8_t qn_app_socks(qn_app_code code)
{
    return codes[code].socks;
}

uint16_t qn_app_http(qn_app_code code)
{
    return codes[code].http;
}

qn_err qn_app_err(qn_app_code code)
{
    return codes[code].err;
}

qn_app_code qn_app_of(qn_err err)
{
    switch (err) {
    case QN_OK:
        return QN_APP_DONE;
    case QN_POLICY:
        return QN_APP_POLICY;
    case QN_UNREACHABLE:
        return QN_APP_HOST_UNREACHABLE;
    case QN_REFUSED:
        return QN_APP_REFUSED;
    case QN_TIMEOUT:
        return QN_APP_TIMEOUT;
    case QN_RESOLVE:
    case QN_FORGED:
        return QN_APP_RESOLVE;
    case QN_BUSY:
    case QN_NOMEM:
        return QN_APP_TOO_MANY;
    case QN_LIMIT:
        return QN_APP_RATE;
    case QN_GONE:
        return QN_APP_GONE;
    default:
        return QN_APP_FAILED;
    }
}
