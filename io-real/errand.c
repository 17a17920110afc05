#include "io-real/errand.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct qn_errand {
    struct event ev;
    qn_errand_done *done;
    void *ctx;
    pid_t pid;
    int fd;
    size_t n;
    char output[QN_ERRAND_OUTPUT + 1];
};

static void on_output(evutil_socket_t fd, short what, void *arg);

/* Ends the process if it has not ended, and waits: a killed process does not keep us. */
static int reap(pid_t pid, bool force)
{
    int status = 0;

    if (force)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void errand_free(qn_errand *e)
{
    (void)event_del(&e->ev);
    (void)close(e->fd);
    free(e);
}

/* The loop's signals are handled or ignored here; the program begins as from a shell. */
static int spawn(pid_t *pid, int out, const char *const *argv)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all;
    int error;

    (void)sigfillset(&all);
    error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        (void)posix_spawn_file_actions_adddup2(&files, out, 1);
        (void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        error =
            posix_spawn(pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return error;
}

qn_errand *qn_errand_start(struct event_base *base, const char *const *argv, qn_errand_done *done,
                           void *ctx)
{
    static const struct timeval patience = {.tv_sec = QN_ERRAND_SECONDS};
    qn_errand *e = calloc(1, sizeof *e);
    int ends[2];

    if (e == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(e);
        return NULL;
    }
    e->done = done;
    e->ctx = ctx;
    e->fd = ends[0];
    (void)fcntl(e->fd, F_SETFL, O_NONBLOCK);
    if (spawn(&e->pid, ends[1], argv) != 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        free(e);
        return NULL;
    }
    (void)close(ends[1]);
    (void)event_assign(&e->ev, base, e->fd, EV_READ, on_output, e);
    (void)event_add(&e->ev, &patience);
    return e;
}

static void finish(qn_errand *e, bool force)
{
    int status = reap(e->pid, force);

    e->output[e->n] = '\0';
    e->done(e->ctx, status, e->output, e->n);
    errand_free(e);
}

/* Time is counted from the last output: a program that keeps on printing meets the other bound. */
static void on_output(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval patience = {.tv_sec = QN_ERRAND_SECONDS};
    qn_errand *e = arg;
    ssize_t got = (what & EV_READ) ? read(fd, e->output + e->n, QN_ERRAND_OUTPUT - e->n) : -1;

    if (got > 0)
        e->n += (size_t)got;
    if ((what & EV_TIMEOUT) || e->n == QN_ERRAND_OUTPUT)
        finish(e, true);
    else if (got == 0)
        finish(e, false);
    else
        (void)event_add(&e->ev, &patience);
}

void qn_errand_kill(qn_errand *e)
{
    if (e == NULL)
        return;
    (void)reap(e->pid, true);
    errand_free(e);
}
