/*
 * HTTP CONNECT (RFC 9110 9.3.6), which programs speak that know no SOCKS. The head is read line by
 * line; of fields only Proxy-Authorization counts, and of a field that is too long for the buffer
 * only its name. What follows the empty line is the stream's.
 */
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "socks/internal.h"

enum { HEAD_MAX = 8192, FIELDS_MAX = 32 };
enum { OK = 200, BAD_REQUEST = 400, NOT_IMPLEMENTED = 501 };

static const char method[] = "CONNECT ";

/* ---- answers --------------------------------------------------------------------------------- */

#define ANSWER(status, reason, text)                                                               \
    {                                                                                              \
        status, "HTTP/1.1 " #status " " reason "\r\nContent-Type: text/plain\r\n"                  \
                "Connection: close\r\n\r\n" text "\n"                                              \
    }

static const struct {
    uint16_t status;
    const char *text;
} answers[] = {
    {OK, "HTTP/1.1 200 Connection established\r\n\r\n"},
    ANSWER(400, "Bad Request", "This is not a request this proxy can read."),
    ANSWER(403, "Forbidden", "The exit's policy forbids this destination."),
    ANSWER(429, "Too Many Requests", "The exit grants no more requests for now: wait a minute."),
    ANSWER(501, "Not Implemented",
           "This port speaks SOCKS5 and HTTP CONNECT. Other HTTP requests cannot pass: use https, "
           "or enter it as the SOCKS host of your browser."),
    ANSWER(502, "Bad Gateway", "The name does not resolve, or the destination cannot be reached."),
    ANSWER(503, "Service Unavailable", "The exit has no room for another connection."),
    ANSWER(504, "Gateway Timeout", "The destination did not answer in time."),
    ANSWER(500, "Internal Server Error", "The request failed."), /* and for every other status */
};

qn_slice qn__connect_answer(uint16_t status)
{
    size_t i = 0;

    while (i < QN_LEN(answers) - 1 && answers[i].status != status)
        i++;
    return qn_slice_of(answers[i].text, strlen(answers[i].text));
}

static qn_err refuse(qn_socks *s, uint16_t status, const char *why)
{
    s->say = qn__connect_answer(status);
    return qn__socks_end(s, status == NOT_IMPLEMENTED ? QN_VERSION : QN_PROTO, why);
}

/* ---- the destination ------------------------------------------------------------------------- */

static bool read_port(const uint8_t *p, size_t n, uint16_t *out)
{
    unsigned v = 0;

    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    *out = (uint16_t)v;
    return v > 0 && v <= UINT16_MAX;
}

/* Both kinds of address in the one form that qn_addr_parse knows. */
static bool read_addr(qn_dest *d, const uint8_t *p, size_t n)
{
    char text[QN_ADDR_TEXT];
    qn_addr a;

    if (n >= sizeof text || memchr(p, 0, n) != NULL)
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    if (qn_addr_parse(&a, text) != QN_OK)
        return false;
    *d = (qn_dest){.type = a.family == 4 ? 1 : 4, .port = a.port};
    memcpy(d->ip, a.ip, sizeof d->ip);
    return true;
}

static bool name_byte(uint8_t c)
{
    return c > ' ' && c != 0x7f && memchr("/?#@[]:\\", c, 8) == NULL;
}

static bool read_name(qn_dest *d, const uint8_t *p, size_t n, uint16_t port)
{
    if (n == 0 || n > QN_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!name_byte(p[i]))
            return false;
    *d = (qn_dest){.type = 3, .port = port, .name_len = (uint8_t)n};
    memcpy(d->name, p, n);
    return true;
}

/* host:port, RFC 9110 7.2's authority form; the port must be there. */
static bool read_authority(qn_dest *d, const uint8_t *p, size_t n)
{
    size_t host = n;
    uint16_t port;

    while (host > 0 && p[host - 1] != ':')
        host--;
    if (host == 0 || !read_port(p + host, n - host, &port))
        return false;
    return read_addr(d, p, n) || read_name(d, p, host - 1, port);
}

/* "CONNECT host:port HTTP/1.1": one space between the parts. */
static qn_err take_request_line(qn_socks *s, size_t n)
{
    const size_t from = sizeof method - 1;
    const uint8_t *end = memchr(s->in + from, ' ', n > from ? n - from : 0);
    size_t left = end != NULL ? n - (size_t)(end + 1 - s->in) : 0;

    if (s->cut || left != 8 ||
        (memcmp(end + 1, "HTTP/1.1", 8) != 0 && memcmp(end + 1, "HTTP/1.0", 8) != 0))
        return refuse(s, BAD_REQUEST, "the HTTP request line is malformed");
    if (!read_authority(&s->dest, s->in + from, (size_t)(end - s->in) - from))
        return refuse(s, BAD_REQUEST, "the destination of CONNECT is not HOST:PORT");
    return QN_SHORT;
}

/* ---- credentials ----------------------------------------------------------------------------- */

static int sextet(uint8_t c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != 0 ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* RFC 4648 section 4, with its padding; SIZE_MAX: it is not, or longer than cap. */
static size_t base64(const uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    size_t put = 0, pad = 0;
    uint32_t bits = 0;

    if (n % 4 != 0)
        return SIZE_MAX;
    while (pad < 2 && pad < n && p[n - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < n; i++) {
        int v = i < n - pad ? sextet(p[i]) : 0;

        if (v < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 != 3)
            continue;
        for (unsigned k = 0; k < 3 - (i + 1 == n ? pad : 0); k++) {
            if (put == cap)
                return SIZE_MAX;
            out[put++] = (uint8_t)(bits >> (16 - 8 * k));
        }
    }
    return put;
}

/* "user:password" becomes the message that a SOCKS client with the same two would send, so that
 * both have the same key. */
static qn_err take_basic(qn_socks *s, qn_env *env, const uint8_t *p, size_t n)
{
    uint8_t plain[511], message[QN_SOCKS_AUTH_MAX];
    size_t len = base64(p, n, plain, sizeof plain), user, pass;
    const uint8_t *colon = len != SIZE_MAX ? memchr(plain, ':', len) : NULL;
    bool hashed;

    if (colon == NULL)
        return refuse(s, BAD_REQUEST, "Proxy-Authorization is malformed");
    user = (size_t)(colon - plain);
    pass = len - user - 1;
    if (user > 255 || pass > 255)
        return refuse(s, BAD_REQUEST, "user or password is longer than 255 bytes");
    message[0] = 1;
    message[1] = (uint8_t)user;
    memcpy(message + 2, plain, user);
    message[2 + user] = (uint8_t)pass;
    memcpy(message + 3 + user, colon + 1, pass);
    hashed = qn__socks_credentials(s, env, qn_slice_of(message, 3 + user + pass));
    qn_wipe(plain, sizeof plain);
    qn_wipe(message, sizeof message);
    return hashed ? QN_SHORT : qn__socks_end(s, QN_INTERNAL, "hashing the credentials failed");
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Whether the n bytes at p begin with `word`, which is lower case, in any case. */
static bool begins(const uint8_t *p, size_t n, const char *word)
{
    size_t len = strlen(word);

    if (n < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]) != (uint8_t)word[i])
            return false;
    return true;
}

static qn_err take_authorization(qn_socks *s, qn_env *env, size_t at, size_t n)
{
    if (s->cut || s->has_credentials)
        return refuse(s, BAD_REQUEST, "Proxy-Authorization is too long, or there twice");
    s->has_credentials = true;
    while (at < n && s->in[at] == ' ')
        at++;
    if (!begins(s->in + at, n - at, "basic "))
        return refuse(s, BAD_REQUEST, "Proxy-Authorization is of another kind than Basic");
    for (at += 6; at < n && s->in[at] == ' ';)
        at++;
    return take_basic(s, env, s->in + at, n - at);
}

/* A name, a colon right behind it, a value. Folded lines, which RFC 9112 5.2 forbids, begin with a
 * space. */
static qn_err take_field(qn_socks *s, qn_env *env, size_t n)
{
    static const char authorization[] = "proxy-authorization:";
    const uint8_t *colon = memchr(s->in, ':', n);

    if (colon == NULL || colon == s->in)
        return refuse(s, BAD_REQUEST, "a field of the HTTP request is malformed");
    for (const uint8_t *p = s->in; p < colon; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return refuse(s, BAD_REQUEST, "a field of the HTTP request is malformed");
    if (begins(s->in, n, authorization))
        return take_authorization(s, env, sizeof authorization - 1, n);
    return QN_SHORT;
}

static qn_err take_line(qn_socks *s, qn_env *env, size_t n)
{
    if (s->lines == 0)
        return take_request_line(s, n);
    if (n == 0) {
        s->state = QN_SOCKS_ASKED;
        return QN_OK;
    }
    if (s->lines > FIELDS_MAX)
        return refuse(s, BAD_REQUEST, "the HTTP request has more than 32 fields");
    return take_field(s, env, n);
}

qn_err qn__connect_take(qn_socks *s, qn_env *env)
{
    size_t n = s->in_n;
    qn_err err;

    if (++s->head_n > HEAD_MAX)
        return refuse(s, BAD_REQUEST, "the HTTP request is longer than 8 KiB");
    if (s->lines == 0 && n < sizeof method && memcmp(s->in, method, n) != 0)
        return refuse(s, NOT_IMPLEMENTED, "the client speaks HTTP, but not CONNECT");
    if (s->in[n - 1] != '\n') {
        if (n == sizeof s->in) { /* its last place is for the line's end */
            s->cut = true;
            s->in_n--;
        }
        return QN_SHORT;
    }
    n -= n > 1 && s->in[n - 2] == '\r' ? 2 : 1;
    err = take_line(s, env, n);
    s->lines++;
    s->cut = false;
    s->in_n = 0;
    return err;
}
