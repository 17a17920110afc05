/* qnet-path-sim: options, one process per core, and what comes out. docs/man/qnet-path-sim.1. */
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: qnet-path-sim [--users N] [--days N] [--networks N] [--relays N] [--circuits N]\n"
    "                     [--adversary PERCENT] [--seed N] [--jobs N] [--json] [--out DIR]\n"
    "\n"
    "How many users choose, within so many days, a path whose two ends are an adversary's; with\n"
    "guards and without. No packets: only choices, by the code that clients use.\n"
    "\n"
    "  --users N        users in each network (1000)\n"
    "  --days N         days, at most 730 (180)\n"
    "  --networks N     networks drawn; intervals are over them, at most 64 (10)\n"
    "  --relays N       relays in each, 20 to 10000 (300)\n"
    "  --circuits N     circuits of a user a day; ten minutes of use each (6)\n"
    "  --adversary P    the adversary's part of all capacity, 1 to 50 per cent (5)\n"
    "  --seed N         draws everything (1)\n"
    "  --jobs N         processes (one per core)\n"
    "  --json           JSON in place of the table\n"
    "  --out DIR        also writes reached.csv and, for gnuplot, reached.gp\n";

static bool number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && *out >= least &&
        *out <= most)
        return true;
    (void)fprintf(stderr, "qnet-path-sim: --%s takes a number from %llu to %llu, not '%s'\n", name,
                  (unsigned long long)least, (unsigned long long)most, text);
    return false;
}

typedef struct settings {
    sim_options sim;
    uint32_t jobs;
    bool json;
    const char *out;
} settings;

static const struct option options[] = {
    {"users", required_argument, NULL, 'u'},    {"days", required_argument, NULL, 'd'},
    {"networks", required_argument, NULL, 'n'}, {"relays", required_argument, NULL, 'r'},
    {"circuits", required_argument, NULL, 'c'}, {"adversary", required_argument, NULL, 'a'},
    {"seed", required_argument, NULL, 's'},     {"jobs", required_argument, NULL, 'j'},
    {"json", no_argument, NULL, 'J'},           {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};

/* One option. 0: go on; else the exit status + 1. */
static int take(settings *s, int c, const char *name)
{
    uint64_t v = 0;
    bool ok = true;

    switch (c) {
    case 'u':
        ok = number(name, optarg, 1, 1000000, &v);
        s->sim.users = (uint32_t)v;
        break;
    case 'd':
        ok = number(name, optarg, 1, SIM_DAYS_MAX, &v);
        s->sim.days = (uint32_t)v;
        break;
    case 'n':
        ok = number(name, optarg, 1, SIM_NETWORKS_MAX, &v);
        s->sim.networks = (uint32_t)v;
        break;
    case 'r':
        ok = number(name, optarg, 20, SIM_RELAYS_MAX, &v);
        s->sim.relays = (uint32_t)v;
        break;
    case 'c':
        ok = number(name, optarg, 1, 1000, &v);
        s->sim.circuits = (uint32_t)v;
        break;
    case 'a':
        ok = number(name, optarg, 1, 50, &v);
        s->sim.adversary = (uint32_t)v * 10;
        break;
    case 's':
        ok = number(name, optarg, 0, UINT32_MAX, &s->sim.seed);
        break;
    case 'j':
        ok = number(name, optarg, 1, 64, &v);
        s->jobs = (uint32_t)v;
        break;
    case 'J':
        s->json = true;
        break;
    case 'o':
        s->out = optarg;
        break;
    case 'h':
        (void)fputs(usage, stdout);
        return 1;
    default:
        (void)fputs("qnet-path-sim: see --help\n", stderr);
        return 3;
    }
    return ok ? 0 : 3;
}

/* Every job-th run of all: each network once with guards and once without. */
static int worker(const settings *s, uint32_t job, sim_result *results)
{
    for (uint32_t i = job; i < 2 * s->sim.networks; i += s->jobs) {
        sim_options o = s->sim;
        clock_t began = clock();

        o.guards = i % 2 == 0;
        if (!sim_run(&o, i / 2, &results[i])) {
            (void)fprintf(stderr, "qnet-path-sim: not enough memory; fewer --users or --jobs\n");
            return 1;
        }
        (void)fprintf(stderr,
                      "qnet-path-sim: network %u of %u, %s guards: %llu paths, %.1f us each\n",
                      i / 2 + 1, s->sim.networks, o.guards ? "with" : "without",
                      (unsigned long long)results[i].paths,
                      1e6 * (double)(clock() - began) / CLOCKS_PER_SEC / (double)results[i].paths);
    }
    return 0;
}

static bool run_all(const settings *s, sim_result *results)
{
    bool ok = true;

    (void)fflush(stdout);
    for (uint32_t job = 0; job < s->jobs; job++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(worker(s, job, results));
        if (pid < 0) {
            (void)fprintf(stderr, "qnet-path-sim: cannot fork: %s\n", strerror(errno));
            ok = false;
            break;
        }
    }
    for (int status; wait(&status) > 0;)
        ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return ok;
}

int main(int argc, char **argv)
{
    settings s = {.sim = {.users = 1000,
                          .days = 180,
                          .relays = 300,
                          .networks = 10,
                          .circuits = 6,
                          .adversary = 50,
                          .seed = 1},
                  .jobs = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)};
    sim_result *results;
    size_t bytes;
    int at = 0;

    for (int c; (c = getopt_long(argc, argv, "", options, &at)) != -1;) {
        int status = take(&s, c, options[at].name);

        if (status != 0)
            return status - 1;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "qnet-path-sim: '%s' is no option; see --help\n", argv[optind]);
        return 2;
    }
    bytes = 2 * s.sim.networks * sizeof *results;
    results = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED || !run_all(&s, results))
        return 1;
    report(&s.sim, results, s.json);
    return s.out == NULL || report_files(&s.sim, results, s.out) ? 0 : 1;
}
