/* qnet invite: who may enter by an unlisted node, handed out batch by batch and counted. */
#include "batches.h"
#include "commands.h"
#include "io-real/file.h"
#include "node_files.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct option options[] = {
    {"state", required_argument, NULL, 's'},  {"batch", required_argument, NULL, 'b'},
    {"max", required_argument, NULL, 'm'},    {"out", required_argument, NULL, 'o'},
    {"revoke", required_argument, NULL, 'r'}, {"list", no_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},         {0}};

typedef struct wish {
    const char *state, *batch, *out, *revoke;
    uint32_t max; /* 0: not said */
    bool list;
} wish;

static int usage(void)
{
    (void)puts(
        "usage: qnet invite --state DIR [--batch NAME] [--max N] [--out FILE]\n"
        "       qnet invite --state DIR --list | --revoke NAME\n\n"
        "Hands out an invitation to the unlisted node of DIR, and counts it. A batch that is not\n"
        "there yet is made: 16 at most, of --max invitations each [10]. Everybody of a batch has\n"
        "the same key, and --revoke shuts all of them out. The node may be running.");
    return EXIT_FINE;
}

/* ---- the node, if it runs -------------------------------------------------------------------- */

/* Whose socket it is, the kernel knows: no file that a crash left behind can name another. 0: no
 * node runs. */
static pid_t pid_of_node(const qn_store *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct ucred who = {.pid = 0};
    socklen_t n = sizeof who;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (snprintf(at.sun_path, sizeof at.sun_path, "%s/status.sock", s->path) >=
            (int)sizeof at.sun_path ||
        connect(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
        who.pid = 0;
    (void)close(fd);
    return who.pid;
}

/* It reads its batches again; one that does not run reads them when it starts. */
static bool tell_node(const qn_store *s, qn_why why)
{
    pid_t pid = pid_of_node(s);

    if (pid <= 1 || kill(pid, SIGHUP) == 0)
        return true;
    return qn_why_say(why, "the node of %s could not be told (%s): restart it", s->path,
                      strerror(errno));
}

/* ---- what there is to do --------------------------------------------------------------------- */

static int list_batches(const batches *b)
{
    for (unsigned i = 0; i < b->n; i++)
        (void)printf("%-*s %u of %u\n", BATCH_NAME_MAX, b->v[i].name, b->v[i].given, b->v[i].max);
    return EXIT_FINE;
}

static int revoke_batch(batches *b, const char *name, const qn_store *s, qn_env *env, qn_why why)
{
    batch *one = batches_find(b, name), was;

    if (one == NULL) {
        (void)qn_why_say(why, "there is no batch '%s'; 'qnet invite --state %s --list' names them",
                         name, s->path);
        return EXIT_USAGE;
    }
    was = *one;
    *one = b->v[--b->n];
    if (!batches_write(b, s, why) || !batches_note(s, env->wall, &was, "revoked after", why) ||
        !tell_node(s, why))
        return EXIT_STATE;
    (void)printf("revoked '%s': %u invitations lead nowhere now; links that are up end by "
                 "themselves\n",
                 was.name, was.given);
    explicit_bzero(&was, sizeof was);
    return EXIT_FINE;
}

/* The batch to give from, made if it is new. */
static batch *choose(batches *b, const wish *w, qn_env *env, qn_why why)
{
    batch *one = batches_find(b, w->batch);

    if (one != NULL && w->max != 0)
        one->max = w->max;
    if (one != NULL && one->given < one->max)
        return one;
    if (one != NULL)
        (void)qn_why_say(why, "batch '%s' has handed out its %u invitations: begin another",
                         one->name, one->given);
    else if (b->n == QN_PSKS_MAX)
        (void)qn_why_say(why, "there are %d batches, and a node can have no more: revoke one",
                         QN_PSKS_MAX);
    if (one != NULL || b->n == QN_PSKS_MAX)
        return NULL;
    one = &b->v[b->n++];
    *one = (batch){.made = env->wall, .max = w->max != 0 ? w->max : BATCH_MAX_DEFAULT};
    memcpy(one->name, w->batch, strlen(w->batch) + 1);
    env->rng.fill(env->rng.ctx, one->psk.b, sizeof one->psk.b);
    return one;
}

static int say(const char *out, const char *text, qn_why why)
{
    char line[QN_INVITATION_TEXT + 1];
    int n = snprintf(line, sizeof line, "%s\n", text);
    bool ok = true;

    if (out == NULL)
        (void)fputs(line, stdout);
    else
        ok = qn_file_replace(qn_place_of(out), (qn_slice){(const uint8_t *)line, (size_t)n}, 0600,
                             why);
    explicit_bzero(line, sizeof line);
    return ok ? EXIT_FINE : EXIT_STATE;
}

/* A node that did not run for weeks has only keys that are over. */
static bool leads_somewhere(const qn_network *net, qn_env *env, const char *text, const char *state,
                            qn_why why)
{
    qn_slice in = {(const uint8_t *)text, strlen(text)};
    uint8_t bytes[QN_INVITATION_MAX];
    qn_invitation_facts f;
    char reason[160];
    size_t n;
    bool ok = qn_invitation_next(env, &in, bytes, &n, reason) == QN_OK &&
              qn_invitation_check(env, net, (qn_slice){bytes, n}, &f, reason) == QN_OK;

    explicit_bzero(bytes, sizeof bytes);
    return ok || qn_why_say(why, "the node of %s has not run for weeks: start it first", state);
}

static int make_text(const qn_store *s, const batch *one, qn_env *env,
                     char text[QN_INVITATION_TEXT], qn_why why)
{
    static qn_network net;
    qn_span file = {0}, descriptor;
    int status = network_of_state(s, "", env, &net, &file, why);
    qn_err err = QN_INTERNAL;

    if (status != EXIT_FINE)
        return status;
    if (qn_store_read(s, "descriptor", &descriptor, why) == QN_FOUND) {
        err =
            qn_invitation_make(env, &net, (qn_slice){descriptor.p, descriptor.n}, &one->psk, text);
        if (err != QN_OK)
            (void)qn_why_say(why, "%s/descriptor is damaged: start the node once more", s->path);
        else if (!leads_somewhere(&net, env, text, s->path, why))
            err = QN_EXPIRED;
        free(descriptor.p);
    } else {
        (void)qn_why_say(why, "%s is of no unlisted node that has run: run it with --listed false",
                         s->path);
    }
    free(file.p);
    return err == QN_OK ? EXIT_FINE : EXIT_STATE;
}

/* Counted and known to the node before it is out of our hands. */
static int give(batches *b, const wish *w, const qn_store *s, qn_env *env, qn_why why)
{
    char text[QN_INVITATION_TEXT];
    batch *one = choose(b, w, env, why);
    int status;

    if (one == NULL)
        return EXIT_STATE;
    status = make_text(s, one, env, text, why);
    if (status != EXIT_FINE)
        return status;
    one->given++;
    if (!batches_write(b, s, why) || !batches_note(s, env->wall, one, "gave", why) ||
        !tell_node(s, why))
        return EXIT_STATE;
    status = say(w->out, text, why);
    explicit_bzero(text, sizeof text);
    return status;
}

/* One at a time. */
static int take_turn(const qn_store *s, qn_why why)
{
    int fd = openat(s->dir, "invitations.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        (void)qn_why_say(why, "cannot lock %s/invitations.lock: %s", s->path, strerror(errno));
    return fd;
}

static int perform(const wish *w, qn_env *env, qn_why why)
{
    static batches b;
    qn_store s;
    int status = EXIT_STATE, turn;

    if (!qn_store_open_shared(&s, w->state, why))
        return EXIT_STATE;
    turn = take_turn(&s, why);
    if (turn >= 0)
        status = batches_read(&b, &s, why);
    if (turn >= 0 && status == EXIT_FINE)
        status = w->list             ? list_batches(&b)
                 : w->revoke != NULL ? revoke_batch(&b, w->revoke, &s, env, why)
                                     : give(&b, w, &s, env, why);
    explicit_bzero(&b, sizeof b);
    if (turn >= 0)
        (void)close(turn);
    qn_store_close(&s);
    return status;
}

static int take_option(wish *w, int got)
{
    char *end = NULL;
    unsigned long n;

    switch (got) {
    case 's':
        w->state = optarg;
        break;
    case 'b':
        if (!batch_name_ok(optarg))
            return complain(EXIT_USAGE, "'%s' is no name for a batch: a-z, 0-9 and -, 32 at most",
                            optarg);
        w->batch = optarg;
        break;
    case 'm':
        n = strtoul(optarg, &end, 10);
        if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0' || n < 1 || n > BATCH_MAX_LIMIT)
            return complain(EXIT_USAGE, "--max is a number from 1 to %d", BATCH_MAX_LIMIT);
        w->max = (uint32_t)n;
        break;
    case 'o':
        w->out = optarg;
        break;
    case 'r':
        w->revoke = optarg;
        break;
    default:
        w->list = true;
    }
    return EXIT_FINE;
}

int cmd_invite(int argc, char **argv)
{
    wish w = {.batch = "first"};
    qn_real_env env;
    qn_why why;
    int got, status;

    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == 'h')
            return usage();
        if (got == '?' || got == ':')
            return complain_option("invite", got, argv);
        status = take_option(&w, got);
        if (status != EXIT_FINE)
            return status;
    }
    if (optind < argc)
        return complain_extra("invite", argv[optind]);
    if (w.state == NULL)
        return complain(EXIT_USAGE, "say which node invites: --state DIR");
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    qn_real_env_stamp(&env);
    status = perform(&w, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}
