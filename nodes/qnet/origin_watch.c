#include "origin_watch.h"

#include "io-real/sockets.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the file has it. */
static const char *where(const origin_file *o, char text[ORIGIN_AT_MAX])
{
    if (o->unix_path[0] != '\0')
        (void)snprintf(text, ORIGIN_AT_MAX, "unix:%s", o->unix_path);
    else
        qn_addr_text(&o->addr, text);
    return text;
}

/* ---- does it answer -------------------------------------------------------------------------- */

bool origin_answers(const origin_file *o, qn_why why)
{
    bool open;
    int fd = o->unix_path[0] != '\0' ? qn_socket_dial_path(o->unix_path)
                                     : qn_socket_dial(&o->addr, &open);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    char text[ORIGIN_AT_MAX];
    int error = errno;

    if (fd >= 0) {
        error = poll(&ready, 1, 1000) == 1 ? qn_socket_error(fd) : ETIMEDOUT;
        (void)close(fd);
    }
    if (error == 0)
        return true;
    return qn_why_say(why,
                      "the origin at %s does not answer (%s): start the web server there; until "
                      "then nobody can connect here",
                      where(o, text), strerror(error));
}

/* ---- is it still what it was ----------------------------------------------------------------- */

void origin_check_make(origin_check *c, const origin_file *o, const char *roots)
{
    ssize_t n = readlink("/proc/self/exe", c->program, sizeof c->program - 32);
    char *slash;
    unsigned i = 0;

    memset(c->argv, 0, sizeof c->argv);
    if (n < 0)
        return;
    c->program[n] = '\0';
    slash = strrchr(c->program, '/');
    (void)strcpy(slash != NULL ? slash + 1 : c->program, "qnet-origin-check");
    if (access(c->program, X_OK) != 0)
        return;
    c->argv[i++] = c->program;
    c->argv[i++] = where(o, c->at);
    for (uint8_t k = 0; k < o->names_n; k++) {
        c->argv[i++] = "--name";
        c->argv[i++] = o->name[k];
    }
    c->argv[i++] = "--mode";
    c->argv[i++] = o->mirror ? "mirror" : "own";
    if (!o->mirror)
        c->argv[i++] = "--proxy";
    c->argv[i++] = "--ca";
    c->argv[i++] = roots;
    c->argv[i++] = "--quick";
    c->argv[i] = "--json";
}

_Static_assert(ORIGIN_CHECK_WORDS > 2 + 2 * ORIGIN_NAMES_MAX + 2 + 1 + 2 + 2,
               "room for the longest command and its end");

static bool same_certificate(const origin_file *o, const json_t *got)
{
    const char *text = json_string_value(json_object_get(got, "certificate"));
    char hex[65];

    for (size_t i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", o->certificate[i]);
    return text == NULL || strcmp(text, hex) == 0;
}

static const char *first_fault(const json_t *all)
{
    const json_t *list = json_object_get(all, "findings"), *f;
    size_t i;

    json_array_foreach(list, i, f)
    {
        const char *level = json_string_value(json_object_get(f, "level"));

        if (level != NULL && strcmp(level, "unfit") == 0)
            return json_string_value(json_object_get(f, "text"));
    }
    return NULL;
}

void origin_check_read(const origin_file *o, int status, const char *json, size_t n, qn_why advice)
{
    json_t *all = json_loadb(json, n, 0, NULL);
    const char *fault = first_fault(all);
    char text[ORIGIN_AT_MAX];

    advice[0] = '\0';
    if (!json_is_object(all))
        (void)qn_why_say(advice,
                         "the origin at %s could not be measured (qnet-origin-check ended with "
                         "status %d); run tools/origin-check by hand",
                         where(o, text), status);
    else if (fault != NULL)
        (void)qn_why_say(advice, "the origin at %s: %.400s", where(o, text), fault);
    else if (!same_certificate(o, json_object_get(all, "origin")))
        (void)qn_why_say(advice,
                         "the origin at %s has another certificate than when it was measured, and "
                         "its first flight may be another: run tools/origin-check again and "
                         "restart this node",
                         where(o, text));
    json_decref(all);
}

void origin_age_advice(const origin_file *o, int64_t wall, qn_why advice)
{
    int64_t age = origin_file_stale(o, wall);

    advice[0] = '\0';
    if (age > 0)
        (void)qn_why_say(advice,
                         "the origin was measured %lld days ago; measure it daily with "
                         "tools/origin-check and restart this node when the file has changed",
                         (long long)(age / 86400));
}

void origin_reread_advice(const char *path, const origin_file *o, int64_t wall, qn_why advice)
{
    static origin_file now;
    int64_t measured;

    if (!origin_file_read(path, &now, advice))
        return;
    origin_age_advice(&now, wall, advice);
    measured = now.measured;
    now.measured = o->measured;
    if (memcmp(&now, o, sizeof now) != 0) /* both were zeroed before they were filled */
        (void)qn_why_say(advice,
                         "%s was measured anew %lld minutes ago and says something else now: "
                         "restart this node",
                         path, (long long)((wall - measured) / 60));
}
