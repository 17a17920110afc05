#include "invited.h"

#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kept {
    unsigned n;
    struct one {
        qn_peerid id;
        char text[QN_INVITATION_TEXT];
    } v[QN_INVITED_MAX];
} kept;

static bool keep(kept *k, const qn_invitation_facts *f, qn_env *env, qn_slice bytes, qn_why why)
{
    unsigned i = 0;

    while (i < k->n && memcmp(&k->v[i].id, &f->id, sizeof f->id) != 0)
        i++;
    if (i == QN_INVITED_MAX)
        return qn_why_say(why,
                          "a client keeps %d invitations at most: take some out of its file "
                          "'invited'",
                          QN_INVITED_MAX);
    k->v[i].id = f->id;
    if (qn_invitation_text(env, bytes, k->v[i].text) != QN_OK)
        return qn_why_say(why, "OpenSSL failed");
    k->n += i == k->n;
    return true;
}

/* All invitations of a text; old: they were taken before, so what is of no use any more is dropped
 * without a word. An exit status. */
static int take(kept *k, qn_span from, const char *where, bool old, const qn_network *net,
                qn_env *env, qn_why why)
{
    qn_slice text = {from.p, from.n};
    uint8_t bytes[QN_INVITATION_MAX];
    qn_invitation_facts f;
    char reason[160];
    unsigned found = 0;
    size_t n;
    qn_err err;

    while ((err = qn_invitation_next(env, &text, bytes, &n, reason)) != QN_GONE) {
        if (err == QN_OK)
            err = qn_invitation_check(env, net, (qn_slice){bytes, n}, &f, reason);
        if (err != QN_OK && old)
            continue;
        if (err != QN_OK || !keep(k, &f, env, (qn_slice){bytes, n}, why)) {
            if (err != QN_OK)
                (void)qn_why_say(why, "%s: %s", where, reason);
            return EXIT_CONFIG;
        }
        found++;
    }
    explicit_bzero(bytes, sizeof bytes);
    if (found > 0 || old)
        return EXIT_FINE;
    (void)qn_why_say(why, "%s: %s", where, reason);
    return EXIT_CONFIG;
}

static bool read_input(qn_span *text, qn_why why)
{
    *text = (qn_span){.p = malloc(QN_INVITED_TEXT)};
    if (text->p == NULL)
        return qn_why_say(why, "out of memory");
    text->n = fread(text->p, 1, QN_INVITED_TEXT, stdin);
    return true;
}

static int take_file(kept *k, const char *path, const qn_network *net, qn_env *env, qn_why why)
{
    bool input = strcmp(path, "-") == 0;
    qn_span text;
    int status;

    if (input ? !read_input(&text, why) : qn_file_read(path, &text, why) != QN_FOUND)
        return EXIT_CONFIG;
    status = take(k, text, input ? "standard input" : path, false, net, env, why);
    explicit_bzero(text.p, text.n);
    free(text.p);
    return status;
}

static bool as_text(const kept *k, qn_span *text, qn_why why)
{
    *text = (qn_span){.p = malloc(QN_INVITED_TEXT)};
    if (text->p == NULL)
        return qn_why_say(why, "out of memory");
    for (unsigned i = 0; i < k->n; i++)
        text->n += (size_t)snprintf((char *)text->p + text->n, QN_INVITED_TEXT - text->n, "%s\n",
                                    k->v[i].text);
    return true;
}

static int take_all(kept *k, const qn_store *s, const setting *files, const qn_network *net,
                    qn_env *env, bool *were, qn_why why)
{
    qn_span text;
    qn_found found = qn_store_read(s, "invited", &text, why);
    int status = found == QN_UNUSABLE ? EXIT_STATE : EXIT_FINE;

    *were = found == QN_FOUND;
    if (found == QN_FOUND) {
        status = take(k, text, "invited", true, net, env, why);
        explicit_bzero(text.p, text.n);
        free(text.p);
    }
    for (unsigned i = 0; i < files->n && status == EXIT_FINE; i++)
        status = take_file(k, files->text[i], net, env, why);
    return status;
}

int invited_of_state(const qn_store *s, const setting *files, const qn_network *net, qn_env *env,
                     qn_span *text, qn_why why)
{
    static kept k;
    bool were;
    int status;

    k.n = 0;
    *text = (qn_span){0};
    status = take_all(&k, s, files, net, env, &were, why);
    if (status == EXIT_FINE && k.n == 0 && were) {
        (void)qn_why_say(why,
                         "the invitations in %s/invited are too old: take a fresh one with "
                         "--invitation FILE",
                         s->path);
        status = EXIT_STATE;
    }
    if (status == EXIT_FINE && k.n > 0 &&
        (!as_text(&k, text, why) ||
         (files->n > 0 && !qn_store_write_secret(s, "invited", (qn_slice){text->p, text->n}, why))))
        status = EXIT_STATE;
    explicit_bzero(&k, sizeof k);
    return status;
}
