#include "io-real/hosts.h"

#include "io-real/store.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct entry {
    const char *name; /* in `text` */
    qn_addr addr;
} entry;

struct qn_hosts {
    char *text;
    entry *v;
    unsigned n;
};

static bool address(const char *text, qn_addr *out)
{
    *out = (qn_addr){0};
    if (inet_pton(AF_INET, text, out->ip) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, text, out->ip) == 1)
        out->family = 6;
    return out->family != 0;
}

/* One line, cut apart where it stands. */
static bool take_line(qn_hosts *h, char *line)
{
    char *rest = NULL, *word;
    qn_addr addr;

    line[strcspn(line, "#")] = '\0';
    word = strtok_r(line, " \t\r", &rest);
    if (word == NULL)
        return true;
    if (!address(word, &addr) || (word = strtok_r(NULL, " \t\r", &rest)) == NULL)
        return false;
    for (; word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
        if (h->n == QN_HOSTS_MAX)
            return false;
        h->v[h->n++] = (entry){.name = word, .addr = addr};
    }
    return true;
}

static bool take_all(qn_hosts *h, const char *path, qn_why why)
{
    unsigned number = 1;

    for (char *line = h->text; line != NULL; number++) {
        char *end = strchr(line, '\n');

        if (end != NULL)
            *end++ = '\0';
        if (!take_line(h, line))
            return qn_why_say(why,
                              "%s line %u: not an address with its names, or more than %d names",
                              path, number, QN_HOSTS_MAX);
        line = end;
    }
    return true;
}

qn_hosts *qn_hosts_read(const char *path, qn_why why)
{
    qn_hosts *h = calloc(1, sizeof *h);
    qn_span bytes = {0};

    (void)qn_why_say(why, "out of memory");
    if (h != NULL)
        h->v = calloc(QN_HOSTS_MAX, sizeof *h->v);
    if (h != NULL && h->v != NULL && qn_file_read(path, &bytes, why) == QN_FOUND) {
        h->text = malloc(bytes.n + 1);
        if (h->text != NULL) {
            memcpy(h->text, bytes.p, bytes.n);
            h->text[bytes.n] = '\0';
        }
        free(bytes.p);
        if (h->text != NULL && take_all(h, path, why))
            return h;
    }
    qn_hosts_free(h);
    return NULL;
}

void qn_hosts_free(qn_hosts *h)
{
    if (h == NULL)
        return;
    free(h->text);
    free(h->v);
    free(h);
}

unsigned qn_hosts_find(const qn_hosts *h, const qn_dest *dest, qn_addr *v, unsigned max)
{
    unsigned n = 0;

    for (unsigned i = 0; i < h->n && n < max; i++)
        if (strcasecmp(h->v[i].name, dest->name) == 0) {
            v[n] = h->v[i].addr;
            v[n++].port = dest->port;
        }
    return n;
}
