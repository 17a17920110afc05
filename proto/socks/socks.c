#include "socks/internal.h"

#include "crypto/crypto.h"

enum { SOCKS5 = 5, SOCKS4 = 4, AUTH_VERSION = 1, CONNECT = 1 };
enum { NO_AUTH = 0, USER_PASS = 2, NO_METHOD = 0xff };
enum { IPV4 = 1, NAME = 3, IPV6 = 4 };

void qn_socks_init(qn_socks *s)
{
    *s = (qn_socks){0};
}

void qn_socks_clear(qn_socks *s)
{
    qn_wipe(s, sizeof *s);
    s->state = QN_SOCKS_ENDED;
}

/* ---- out ------------------------------------------------------------------------------------- */

static void put(qn_socks *s, const uint8_t *p, uint8_t n)
{
    QN_ASSERT(s->out_n + n <= (int)sizeof s->out);
    memcpy(s->out + s->out_n, p, n);
    s->out_n = (uint8_t)(s->out_n + n);
}

qn_slice qn_socks_peek(const qn_socks *s)
{
    return s->out_n > 0 ? qn_slice_of(s->out, s->out_n) : s->say;
}

void qn_socks_consume(qn_socks *s, size_t n)
{
    if (s->out_n > 0) {
        QN_ASSERT(n <= s->out_n);
        s->out_n = (uint8_t)(s->out_n - n);
        memmove(s->out, s->out + n, s->out_n);
    } else {
        QN_ASSERT(n <= s->say.n);
        s->say.n -= n;
        s->say.p = s->say.n > 0 ? s->say.p + n : NULL;
    }
}

qn_err qn__socks_end(qn_socks *s, qn_err err, const char *why)
{
    s->state = QN_SOCKS_ENDED;
    s->why = why;
    return err;
}

static void put_reply(qn_socks *s, uint8_t reply)
{
    const uint8_t p[10] = {SOCKS5, reply, 0, IPV4};

    put(s, p, sizeof p);
}

static qn_err refuse(qn_socks *s, uint8_t reply, const char *why)
{
    put_reply(s, reply);
    return qn__socks_end(s, QN_PROTO, why);
}

void qn_socks_reply(qn_socks *s, uint8_t reply, uint16_t status)
{
    QN_ASSERT(s->state == QN_SOCKS_ASKED);
    if (s->http)
        s->say = qn__connect_answer(status);
    else
        put_reply(s, reply);
    s->state = reply == QN_SOCKS_OK ? QN_SOCKS_REPLIED : QN_SOCKS_ENDED;
}

/* ---- greeting -------------------------------------------------------------------------------- */

/* A first byte that no SOCKS5 client sends. */
static qn_err stranger(qn_socks *s, qn_env *env)
{
    if (s->in[0] == SOCKS4)
        return qn__socks_end(s, QN_VERSION, "the client speaks SOCKS4; SOCKS5 is needed");
    if (s->in[0] < 'A' || s->in[0] > 'Z')
        return qn__socks_end(s, QN_PROTO, "the first byte is not SOCKS5's");
    s->http = true;
    s->state = QN_SOCKS_HTTP;
    return qn__connect_take(s, env);
}

/* RFC 1928 section 3. Credentials keep streams apart, so they are asked for whenever offered. */
static qn_err take_greeting(qn_socks *s, qn_env *env)
{
    uint8_t method = NO_METHOD;

    if (s->in[0] != SOCKS5)
        return stranger(s, env);
    if (s->in_n < 2 || s->in_n < 2 + s->in[1])
        return QN_SHORT;
    for (unsigned i = 0; i < s->in[1]; i++) {
        uint8_t offered = s->in[2 + i];

        if (offered == USER_PASS || (offered == NO_AUTH && method == NO_METHOD))
            method = offered;
    }
    put(s, (const uint8_t[]){SOCKS5, method}, 2);
    if (method == NO_METHOD)
        return qn__socks_end(s, QN_PROTO, "the client offers no method we know");
    s->state = method == USER_PASS ? QN_SOCKS_AUTH : QN_SOCKS_REQUEST;
    return QN_OK;
}

/* ---- credentials ----------------------------------------------------------------------------- */

/* Exactly `word`, or `word` and '+' and anything. */
static bool names_route(qn_slice user, const char *word)
{
    size_t n = strlen(word);

    return user.n >= n && memcmp(user.p, word, n) == 0 && (user.n == n || user.p[n] == '+');
}

static void choose_route(qn_socks *s, qn_slice user)
{
    bool fast = names_route(user, "fast");

    s->has_route = fast || names_route(user, "privacy");
    s->route = fast ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY;
}

/* The hash is of exactly these bytes: with the lengths in it, no two pairs look alike. */
bool qn__socks_credentials(qn_socks *s, qn_env *env, qn_slice message)
{
    static const char label[] = "qnet-isolation";
    qn_slice parts[2] = {qn_slice_of(label, sizeof label - 1), message};
    qn_hash h;

    if (qn_sha256(env, parts, 2, &h) != QN_OK)
        return false;
    memcpy(s->isolation, h.b, sizeof s->isolation);
    choose_route(s, qn_slice_of(message.p + 2, message.p[1]));
    return true;
}

/* RFC 1929: version, user with its length, password with its length. */
static qn_err take_auth(qn_socks *s, qn_env *env)
{
    size_t user_n, pass_n;

    if (s->in[0] != AUTH_VERSION)
        return qn__socks_end(s, QN_PROTO, "the version of the credentials is not 1");
    if (s->in_n < 2)
        return QN_SHORT;
    user_n = s->in[1];
    if (s->in_n < 3 + user_n)
        return QN_SHORT;
    pass_n = s->in[2 + user_n];
    if (s->in_n < 3 + user_n + pass_n)
        return QN_SHORT;
    if (!qn__socks_credentials(s, env, qn_slice_of(s->in, s->in_n)))
        return qn__socks_end(s, QN_INTERNAL, "hashing the credentials failed");
    put(s, (const uint8_t[]){AUTH_VERSION, 0}, 2);
    s->state = QN_SOCKS_REQUEST;
    return QN_OK;
}

/* ---- request --------------------------------------------------------------------------------- */

/* RFC 1928 section 4; the address in it has the form all of QNet uses (base/addr.h). */
static qn_err take_request(qn_socks *s)
{
    enum { HEAD = 3 };
    size_t used;
    qn_err err;

    if (s->in[0] != SOCKS5)
        return refuse(s, QN_SOCKS_FAILURE, "the version of the request is not 5");
    if (s->in_n >= 2 && s->in[1] != CONNECT)
        return refuse(s, QN_SOCKS_COMMAND, "only CONNECT is offered");
    if (s->in_n >= 3 && s->in[2] != 0)
        return refuse(s, QN_SOCKS_FAILURE, "the reserved byte is not 0");
    if (s->in_n <= HEAD)
        return QN_SHORT;
    if (s->in[HEAD] != IPV4 && s->in[HEAD] != NAME && s->in[HEAD] != IPV6)
        return refuse(s, QN_SOCKS_ATYP, "the address type is unknown");
    err = qn_dest_get(&s->dest, s->in + HEAD, s->in_n - HEAD, &used);
    if (err == QN_SHORT)
        return err;
    if (err != QN_OK || s->dest.port == 0)
        return refuse(s, QN_SOCKS_FAILURE, "the name or the port is malformed");
    s->state = QN_SOCKS_ASKED;
    return QN_OK;
}

static qn_err take(qn_socks *s, qn_env *env)
{
    switch (s->state) {
    case QN_SOCKS_GREETING:
        return take_greeting(s, env);
    case QN_SOCKS_AUTH:
        return take_auth(s, env);
    case QN_SOCKS_REQUEST:
        return take_request(s);
    case QN_SOCKS_HTTP:
        return qn__connect_take(s, env);
    case QN_SOCKS_ASKED:
    case QN_SOCKS_REPLIED:
    case QN_SOCKS_ENDED:
        break;
    }
    return QN_STATE;
}

/* Byte by byte, because each message's length hides in the middle of it; a request is at most
 * three messages of some hundred bytes, or a head of 8 KiB, once per stream. */
qn_err qn_socks_push(qn_socks *s, qn_env *env, qn_slice in, size_t *used)
{
    *used = 0;
    if (s->state >= QN_SOCKS_ASKED)
        return QN_STATE;
    while (*used < in.n) {
        qn_err err;

        s->in[s->in_n++] = in.p[(*used)++];
        err = take(s, env);
        if (err == QN_SHORT)
            continue;
        s->in_n = 0;
        if (err != QN_OK || s->state == QN_SOCKS_ASKED)
            return err;
    }
    return QN_SHORT;
}
