/* HTTP/1.1 (RFC 9112): GET and HEAD, keep-alive, one answer after the other. */
#include "origin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void h1_write(conn *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    uint8_t buf[16384];

    while (c->body != NULL && evbuffer_get_length(out) < OUT_MAX) {
        size_t n = site_read(c->body, c->at, buf, sizeof buf);

        if (n > 0 && evbuffer_add(out, buf, n) != 0)
            return;
        c->at += n;
        if (c->at == c->body->size)
            c->body = NULL;
    }
    if (c->body != NULL)
        return;
    if (c->ending)
        conn_finish(c);
    else if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
        bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void answer(conn *c, const page *p, const char *status, bool head)
{
    (void)evbuffer_add_printf(bufferevent_get_output(c->bev),
                              "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                              "Content-Length: %llu\r\nConnection: %s\r\n\r\n",
                              status, site_date(), p->type, (unsigned long long)p->size,
                              c->ending ? "close" : "keep-alive");
    c->body = head ? NULL : p;
    c->at = 0;
    h1_write(c);
}

/* The first line of a head that ends with an empty line. */
static void respond(conn *c, char *head)
{
    char *save = NULL, *line = strtok_r(head, "\r\n", &save);
    char *rest = save;
    char *method = line == NULL ? NULL : strtok_r(line, " ", &save);
    char *path = method == NULL ? NULL : strtok_r(NULL, " ", &save);
    char *version = path == NULL ? NULL : strtok_r(NULL, " ", &save);
    const page *p;

    c->ending = conn_counts(c) || c->ending || version == NULL ||
                strcmp(version, "HTTP/1.1") != 0 ||
                (rest != NULL && strcasestr(rest, "connection: close") != NULL);
    if (version == NULL) {
        answer(c, &site_missing, "400 Bad Request", false);
        return;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        c->ending = true; /* a body may follow */
        answer(c, &site_missing, "405 Method Not Allowed", false);
        return;
    }
    p = site_find(path, strlen(path));
    answer(c, p == NULL ? &site_missing : p, p == NULL ? "404 Not Found" : "200 OK",
           method[0] == 'H');
}

bool h1_read(conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    struct evbuffer_ptr end;
    char head[HEAD_MAX + 1];
    size_t n;

    if (c->body != NULL || c->ending)
        return true;
    end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (end.pos < 0)
        return evbuffer_get_length(in) < HEAD_MAX;
    n = (size_t)end.pos + 4;
    if (n > HEAD_MAX || evbuffer_remove(in, head, n) != (int)n || memchr(head, '\0', n) != NULL)
        return false;
    head[n] = '\0';
    respond(c, head);
    return true;
}
