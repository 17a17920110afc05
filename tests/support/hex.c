#include "support/qt.h"

#include "support/internal.h"

#include <ctype.h>
#include <stdio.h>

static int digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

qn_slice qt_hex_n(const char *text, size_t n)
{
    uint8_t *out = qt__keep(n / 2);
    size_t digits = 0;

    for (size_t i = 0; i < n; i++) {
        int v = digit(text[i]);

        if (text[i] == '#') {
            while (i + 1 < n && text[i + 1] != '\n')
                i++;
        } else if (v >= 0) {
            out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
            digits++;
        } else if (!isspace((unsigned char)text[i])) {
            qt_die("'%c' is not hex, in \"%.*s\"", text[i], (int)QN_MIN(n, (size_t)200), text);
        }
    }
    if (digits % 2)
        qt_die("an odd number of hex digits in \"%.*s\"", (int)QN_MIN(n, (size_t)200), text);
    return qn_slice_of(out, digits / 2);
}

qn_slice qt_hex(const char *text)
{
    return qt_hex_n(text, strlen(text));
}

void qt_hex_into(void *out, size_t n, const char *text)
{
    qn_slice s = qt_hex(text);

    if (s.n != n)
        qt_die("%zu bytes where %zu belong: \"%.200s\"", s.n, n, text);
    if (n > 0)
        memcpy(out, s.p, n);
}

const char *qt_unhex(const void *p, size_t n)
{
    const uint8_t *b = p;
    char *out = qt__keep(2 * n + 1);

    for (size_t i = 0; i < n; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", b[i]);
    return out;
}

qn_slice qt_noise(uint64_t seed, size_t n)
{
    uint8_t *out = qt__keep(n);
    qn_drbg d;

    qn_drbg_init(&d, "qt payload", seed, 0);
    qn_drbg_fill(&d, out, n);
    return qn_slice_of(out, n);
}
