#include "base/base32.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void qn_base32_encode(char *out, const uint8_t *p, size_t n)
{
    uint32_t acc = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < n; i++) {
        acc = acc << 8 | p[i];
        for (bits += 8; bits >= 5; bits -= 5)
            *out++ = alphabet[acc >> (bits - 5) & 31];
    }
    if (bits > 0)
        *out++ = alphabet[acc << (5 - bits) & 31];
    *out = '\0';
}

static int value_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

qn_err qn_base32_decode(uint8_t *out, size_t n, const char *text, size_t len)
{
    uint32_t acc = 0;
    unsigned bits = 0;

    if (len != QN_BASE32_LEN(n))
        return QN_PROTO;
    for (size_t i = 0; i < len; i++)
        if (value_of(text[i]) < 0)
            return QN_PROTO;
    if (n * 8 % 5 && (value_of(text[len - 1]) & ((1 << (len * 5 - n * 8)) - 1)) != 0)
        return QN_PROTO;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 5 | (uint32_t)value_of(text[i]);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (uint8_t)(acc >> bits);
        }
    }
    return QN_OK;
}
