#include "htx/proxy.h"

#include "base/bytes.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; /* ::ffff:0:0/96 */

/* A dual-stack socket names IPv4 visitors so; the origin's rules are written for IPv4. */
static qn_addr plain(const qn_addr *a)
{
    qn_addr v4 = {.family = 4, .port = a->port};

    if (a->family != 6 || memcmp(a->ip, mapped, sizeof mapped) != 0)
        return *a;
    memcpy(v4.ip, a->ip + sizeof mapped, 4);
    return v4;
}

static uint8_t *put_ip(uint8_t *p, const qn_addr *a, bool wide)
{
    if (!wide) {
        memcpy(p, a->ip, 4);
        return p + 4;
    }
    if (a->family == 6) {
        memcpy(p, a->ip, 16);
    } else {
        memcpy(p, mapped, sizeof mapped);
        memcpy(p + sizeof mapped, a->ip, 4);
    }
    return p + 16;
}

size_t qn_htx_proxy_put(const qn_addr *src, const qn_addr *dst, uint8_t out[QN_HTX_PROXY_MAX])
{
    static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                          0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    qn_addr from = plain(src), to = plain(dst);
    bool wide = from.family == 6 || to.family == 6;
    uint8_t *p = out + 16;

    memcpy(out, signature, sizeof signature);
    out[12] = 0x21;               /* version 2, PROXY */
    out[13] = wide ? 0x21 : 0x11; /* TCP over IPv6, over IPv4 */
    qn_put16(out + 14, wide ? 36 : 12);
    p = put_ip(p, &from, wide);
    p = put_ip(p, &to, wide);
    qn_put16(p, from.port);
    qn_put16(p + 2, to.port);
    return (size_t)(p + 4 - out);
}
