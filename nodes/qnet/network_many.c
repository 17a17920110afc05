/* qnet network init --operators: the steps of several operators, each by processes of its own. */
#include "commands.h"
#include "founding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = QN_STORE_PATH_MAX };

/* This program again, in a fresh process; its complaints are its own. Returns its exit status. */
static int run_self(const char *const *argv)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (nothing >= 0)
            (void)dup2(nothing, STDOUT_FILENO);
        (void)execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
        _exit(EXIT_FAILED);
    }
    if (child < 0)
        return EXIT_FAILED;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* Files of the operator in place i, below the directory. */
typedef struct places {
    char state[PATH_ROOM], entry[PATH_ROOM], contact[PATH_ROOM];
} places;

static bool name_places(places *p, const char *out, unsigned i)
{
    int n = snprintf(p->state, sizeof p->state, "%s/operator%u", out, i + 1);

    (void)snprintf(p->entry, sizeof p->entry, "%s/operator%u.entry", out, i + 1);
    return snprintf(p->contact, sizeof p->contact, "%s/operator%u.contact", out, i + 1) <
               PATH_ROOM &&
           n > 0;
}

static int make_entry(const places *p, const char *addr)
{
    const char *const keygen[] = {"qnet", "keygen", "--operator", "--state", p->state, NULL};
    const char *const entry[] = {"qnet",   "network", "entry", "--state", p->state,
                                 "--addr", addr,      "--out", p->entry,  NULL};
    int status = run_self(keygen);

    return status == EXIT_FINE ? run_self(entry) : status;
}

static int make_contact(const places *p, const char *network, const char *origin)
{
    const char *const contact[] = {"qnet",   "network",   "contact",  "--state",
                                   p->state, "--network", network,    "--origin",
                                   origin,   "--out",     p->contact, NULL};
    const char *const complete[] = {"qnet",      "network",  "complete", "--network", network,
                                    "--contact", p->contact, "--out",    network,     NULL};
    int status = run_self(contact);

    return status == EXIT_FINE ? run_self(complete) : status;
}

static int failed_step(unsigned i, int status, qn_why why)
{
    (void)qn_why_say(why, "operator %u of the network could not be made", i + 1);
    return status;
}

int found_with_operators(const founding *f, qn_env *env, qn_why why)
{
    static places at[QN_OPERATORS_MAX];
    char network[PATH_ROOM];
    founding by_entries = {.out = network,
                           .name = f->name,
                           .founder_key = f->founder_key,
                           .threshold = f->threshold,
                           .lab = f->lab};
    int status = EXIT_FINE;

    if (mkdir(f->out, 0700) != 0 && errno != EEXIST) {
        (void)qn_why_say(why, "cannot make %s: %s", f->out, strerror(errno));
        return EXIT_STATE;
    }
    if (snprintf(network, sizeof network, "%s/network", f->out) >= PATH_ROOM)
        return failed_step(0, EXIT_USAGE, why);
    for (unsigned i = 0; i < f->operators; i++) {
        status = name_places(&at[i], f->out, i) ? make_entry(&at[i], f->addr[i]) : EXIT_USAGE;
        if (status != EXIT_FINE)
            return failed_step(i, status, why);
        by_entries.entry[by_entries.entries++] = at[i].entry;
    }
    status = found_network(&by_entries, env, why);
    if (status != EXIT_FINE)
        return status;
    for (unsigned i = 0; i < f->origins; i++) {
        status = make_contact(&at[i], network, f->origin[i]);
        if (status != EXIT_FINE)
            return failed_step(i, status, why);
    }
    return EXIT_FINE;
}
