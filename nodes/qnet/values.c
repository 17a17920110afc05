#include "values.h"

#include <stdio.h>
#include <string.h>

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool value_size(const char *text, uint64_t *out)
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " ");
    char number[24];
    uint64_t v;
    int i = value_word(unit, units, 3);

    if (i < 0 || digits == 0 || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!value_number(number, 1, UINT64_C(1) << 30, &v))
        return false;
    *out = v << (10 * (i + 1));
    return true;
}

bool value_bool(const char *text, bool *out)
{
    static const char *const words[] = {"false", "true"};
    int i = value_word(text, words, 2);

    *out = i == 1;
    return i >= 0;
}

int value_word(const char *text, const char *const *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return (int)i;
    return -1;
}

bool value_addr(const char *text, bool any_port, qn_addr *out)
{
    char with_port[QN_ADDR_TEXT];
    size_t n = strlen(text);

    if (!any_port || n < 2 || n >= sizeof with_port || strcmp(text + n - 2, ":0") != 0)
        return qn_addr_parse(out, text) == QN_OK;
    memcpy(with_port, text, n + 1);
    with_port[n - 1] = '1'; /* qn_addr_parse knows no port 0 */
    if (qn_addr_parse(out, with_port) != QN_OK)
        return false;
    out->port = 0;
    return true;
}

static bool allow_one_port(const char *text, qn_allow *out)
{
    char plain[QN_ADDR_TEXT], digits[8];
    const char *slash = strchr(text, '/'), *colon = strrchr(text, ':');
    size_t head = slash ? (size_t)(slash - text) : 0;
    uint64_t bits = 0;
    qn_allow got = {0};

    if (slash == NULL) {
        if (qn_addr_parse(&got.prefix, text) != QN_OK)
            return false;
        got.bits = got.prefix.family == 4 ? 32 : 128;
        *out = got;
        return true;
    }
    if (colon == NULL || colon < slash || (size_t)(colon - slash) > sizeof digits ||
        head + strlen(colon) >= sizeof plain)
        return false;
    memcpy(digits, slash + 1, (size_t)(colon - slash) - 1);
    digits[colon - slash - 1] = '\0';
    memcpy(plain, text, head);
    memcpy(plain + head, colon, strlen(colon) + 1);
    if (qn_addr_parse(&got.prefix, plain) != QN_OK ||
        !value_number(digits, 0, got.prefix.family == 4 ? 32 : 128, &bits))
        return false;
    got.bits = (uint8_t)bits;
    *out = got;
    return true;
}

/* "-LAST" behind the port; *n = the length of what stands before it. */
static bool last_port(const char *text, size_t *n, uint16_t *last)
{
    const char *colon = strrchr(text, ':');
    const char *dash = colon != NULL ? strchr(colon, '-') : NULL;
    uint64_t port = 0;

    *last = 0;
    *n = dash != NULL ? (size_t)(dash - text) : strlen(text);
    if (dash == NULL)
        return true;
    if (!value_number(dash + 1, 1, 65535, &port))
        return false;
    *last = (uint16_t)port;
    return true;
}

bool value_allow(const char *text, qn_allow *out)
{
    char head[QN_ADDR_TEXT + 8];
    qn_allow got;
    size_t n;
    uint16_t last;

    if (!last_port(text, &n, &last) || n >= sizeof head)
        return false;
    memcpy(head, text, n);
    head[n] = '\0';
    if (!allow_one_port(head, &got) || (last != 0 && last < got.prefix.port))
        return false;
    got.port_last = last;
    *out = got;
    return true;
}
