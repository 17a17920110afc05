#include "io-real/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct seen {
    unsigned hosts;
    bool host_ours, origin, body;
} seen;

/* The next line without its CRLF. false: no CRLF, or a stray CR, LF or NUL within. */
static bool next_line(qn_slice *text, qn_slice *line)
{
    const uint8_t *end = memchr(text->p, '\n', text->n);
    size_t n = end != NULL ? (size_t)(end - text->p) : 0;

    if (end == NULL || n == 0 || text->p[n - 1] != '\r')
        return false;
    *line = (qn_slice){.p = text->p, .n = n - 1};
    *text = (qn_slice){.p = end + 1, .n = text->n - n - 1};
    return memchr(line->p, '\r', line->n) == NULL && memchr(line->p, 0, line->n) == NULL;
}

static bool is(qn_slice s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static bool is_any_case(qn_slice s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* Up to the next space, which is dropped; the whole rest when there is none. */
static qn_slice next_word(qn_slice *line)
{
    const uint8_t *space = memchr(line->p, ' ', line->n);
    qn_slice word = *line;

    if (space == NULL) {
        *line = (qn_slice){.p = line->p + line->n, .n = 0};
        return word;
    }
    word.n = (size_t)(space - line->p);
    *line = (qn_slice){.p = space + 1, .n = line->n - word.n - 1};
    return word;
}

static unsigned parse_first_line(qn_slice line, qn_slice *method, qn_request *out)
{
    qn_slice path, version;

    *method = next_word(&line);
    path = next_word(&line);
    version = line;
    if (method->n == 0 || path.n == 0 || path.p[0] != '/')
        return 400;
    if (!is(version, "HTTP/1.1") && !is(version, "HTTP/1.0"))
        return version.n > 5 && memcmp(version.p, "HTTP/", 5) == 0 ? 505 : 400;
    if (path.n >= sizeof out->path)
        return 414;
    memcpy(out->path, path.p, path.n);
    out->path[path.n] = '\0';
    return 200;
}

static qn_slice trim(qn_slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool host_is_ours(qn_slice host, uint16_t port)
{
    char ip[32], name[32];

    (void)snprintf(ip, sizeof ip, "127.0.0.1:%u", port);
    (void)snprintf(name, sizeof name, "localhost:%u", port);
    return port == 0 || is(host, ip) || is_any_case(host, name);
}

/* A field name is a token: no space may hide before the colon or fold a line (RFC 9112 5.1, 5.2).
 */
static bool parse_field(qn_slice line, uint16_t port, seen *s)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    qn_slice name, value;

    if (colon == NULL || colon == line.p)
        return false;
    name = (qn_slice){.p = line.p, .n = (size_t)(colon - line.p)};
    if (memchr(name.p, ' ', name.n) != NULL || memchr(name.p, '\t', name.n) != NULL)
        return false;
    value = trim((qn_slice){.p = colon + 1, .n = line.n - name.n - 1});
    if (is_any_case(name, "host")) {
        s->hosts++;
        s->host_ours = host_is_ours(value, port);
    } else if (is_any_case(name, "origin")) {
        s->origin = true;
    } else if (is_any_case(name, "transfer-encoding") ||
               (is_any_case(name, "content-length") && !is(value, "0"))) {
        s->body = true;
    }
    return true;
}

unsigned qn_request_parse(qn_slice text, uint16_t port, qn_request *out)
{
    qn_slice line, method;
    seen s = {0};
    unsigned status;

    *out = (qn_request){0};
    if (!next_line(&text, &line))
        return 400;
    status = parse_first_line(line, &method, out);
    if (status != 200)
        return status;
    for (;;) {
        if (!next_line(&text, &line))
            return 400;
        if (line.n == 0)
            break;
        if (!parse_field(line, port, &s))
            return 400;
    }
    if (s.hosts != 1)
        return 400;
    if (!s.host_ours || s.origin)
        return 403;
    out->head = is(method, "HEAD");
    if (strncmp(out->path, "/api/", 5) == 0) /* the directory's, whatever is done there */
        return 404;
    if (!out->head && !is(method, "GET"))
        return 405;
    return s.body ? 413 : 200;
}
