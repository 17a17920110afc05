/* One question to the node of a state directory, over the socket it has there. */
#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20, PATIENCE_SECONDS = 5 };

static int connect_to(const char *state, qn_why why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || snprintf(at.sun_path, sizeof at.sun_path, "%s/status.sock", state) >=
                      (int)sizeof at.sun_path)
        errno = ENAMETOOLONG;
    else if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
             connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    if (errno == ENOENT || errno == ECONNREFUSED)
        (void)qn_why_say(why, "no node runs on %s; start one with 'qnet run --state %s ...'", state,
                         state);
    else
        (void)qn_why_say(why, "cannot reach the node of %s: %s", state, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* Reads to the end; returns the length, or -1 with errno. */
static ssize_t read_answer(int fd, char *to, size_t cap)
{
    size_t n = 0;

    while (n < cap) {
        ssize_t got = read(fd, to + n, cap - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? (ssize_t)n : -1;
        n += (size_t)got;
    }
    errno = EMSGSIZE;
    return -1;
}

static json_t *parse_answer(const char *text, size_t n)
{
    const char *body = memmem(text, n, "\r\n\r\n", 4);

    if (body == NULL || n < 12 || memcmp(text + 9, "200", 3) != 0)
        return NULL;
    body += 4;
    return json_loadb(body, n - (size_t)(body - text), 0, NULL);
}

json_t *ask_node(const char *state, const char *what, qn_why why)
{
    static char answer[ANSWER_MAX];
    char request[128];
    int fd = connect_to(state, why);
    int n = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", what);
    ssize_t got = -1;
    json_t *document;

    if (fd < 0)
        return NULL;
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) == n)
        got = read_answer(fd, answer, sizeof answer);
    (void)close(fd);
    document = got < 0 ? NULL : parse_answer(answer, (size_t)got);
    if (document == NULL)
        (void)qn_why_say(why, "the node of %s did not answer within %d s; its log may say why",
                         state, PATIENCE_SECONDS);
    return document;
}
