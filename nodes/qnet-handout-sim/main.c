/* qnet-handout-sim: options, and a table as CSV: means and 95 % intervals over seeds. */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: qnet-handout-sim [--agents N[,N...]] [--entries N] [--people N] [--days N] [--seeds "
    "N]\n"
    "                        [--every DAYS] [--young DAYS] [--percent N] [--block] [--wait]\n"
    "\n"
    "What a censor with so many accounts learns of a pool of entries that is rationed as qnet "
    "pool\n"
    "does it, and, if he blocks what he learns, how many people still have one that works. CSV: "
    "per\n"
    "cent, and half the 95 % interval, by day and number of accounts.\n"
    "\n"
    "  --agents LIST  accounts of the censor's, at most 8 numbers (1,10,100,1000)\n"
    "  --entries N    in the pool, 10 to 10000 (1000)\n"
    "  --people N     honest accounts (2000)\n"
    "  --days N       at most 730 (180)\n"
    "  --seeds N      runs, at most 64 (10)\n"
    "  --every DAYS   a lost entry is replaced no more often (7)\n"
    "  --young DAYS   how long an account is young (30)\n"
    "  --percent N    of the entries are for the young (10)\n"
    "  --block        what the censor has learnt stops working for everybody\n"
    "  --wait         young people whose entry does not work wait until they are old\n";

typedef struct settings {
    sim_options sim;
    uint32_t agents[SIM_AGENTS_MAX], agents_n, seeds;
} settings;

static bool number(const char *name, const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long v;

    errno = 0;
    v = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && v >= least && v <= most) {
        *out = (uint32_t)v;
        return true;
    }
    (void)fprintf(stderr, "qnet-handout-sim: --%s takes a number from %u to %u, not '%s'\n", name,
                  least, most, text);
    return false;
}

static bool list(settings *s, char *text)
{
    char *rest = NULL;

    s->agents_n = 0;
    for (char *one = strtok_r(text, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        if (s->agents_n == SIM_AGENTS_MAX) {
            (void)fputs("qnet-handout-sim: --agents takes at most 8 numbers\n", stderr);
            return false;
        }
        if (!number("agents", one, 1, 100000, &s->agents[s->agents_n++]))
            return false;
    }
    return s->agents_n > 0 || number("agents", "", 1, 100000, &s->agents[0]);
}

static const struct option options[] = {
    {"agents", required_argument, NULL, 'a'}, {"entries", required_argument, NULL, 'e'},
    {"people", required_argument, NULL, 'p'}, {"days", required_argument, NULL, 'd'},
    {"seeds", required_argument, NULL, 's'},  {"every", required_argument, NULL, 'v'},
    {"young", required_argument, NULL, 'y'},  {"percent", required_argument, NULL, 'c'},
    {"block", no_argument, NULL, 'b'},        {"wait", no_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

/* One option. 0: go on; else the exit status + 1. */
static int take(settings *s, int c)
{
    bool ok = true;

    switch (c) {
    case 'a':
        ok = list(s, optarg);
        break;
    case 'e':
        ok = number("entries", optarg, 10, SIM_ENTRIES_MAX, &s->sim.entries);
        break;
    case 'p':
        ok = number("people", optarg, 1, 100000, &s->sim.people);
        break;
    case 'd':
        ok = number("days", optarg, 1, SIM_DAYS_MAX, &s->sim.days);
        break;
    case 's':
        ok = number("seeds", optarg, 2, SIM_SEEDS_MAX, &s->seeds);
        break;
    case 'v':
        ok = number("every", optarg, 1, 365, &s->sim.policy.every_days);
        break;
    case 'y':
        ok = number("young", optarg, 1, 365, &s->sim.policy.young_days);
        break;
    case 'c':
        ok = number("percent", optarg, 1, 100, &s->sim.policy.young_percent);
        break;
    case 'b':
        s->sim.block = true;
        break;
    case 'w':
        s->sim.habit = SIM_WAIT;
        break;
    case 'h':
        (void)fputs(usage, stdout);
        return 1;
    default:
        (void)fputs("qnet-handout-sim: see --help\n", stderr);
        return 3;
    }
    return ok ? 0 : 3;
}

/* 97.5 % quantiles of Student's t, for 1 to 10 degrees of freedom, and what is no narrower beyond.
 */
static double student(uint32_t freedom)
{
    static const double first[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23};

    return freedom <= 10 ? first[freedom - 1] : first[9];
}

static void figure(const sim_result *r, uint32_t seeds, bool known, uint32_t day)
{
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < seeds; i++)
        sum += known ? r[i].known[day] : r[i].served[day];
    for (uint32_t i = 0; i < seeds; i++) {
        double off = (known ? r[i].known[day] : r[i].served[day]) - sum / seeds;

        squares += off * off;
    }
    printf(",%.2f,%.2f", 100 * sum / seeds,
           100 * student(seeds - 1) * sqrt(squares / (seeds - 1) / seeds));
}

static void table(const settings *s, const sim_result *r)
{
    printf("day");
    for (uint32_t k = 0; k < s->agents_n; k++)
        printf(",known_%u,known_%u_ci95,served_%u,served_%u_ci95", s->agents[k], s->agents[k],
               s->agents[k], s->agents[k]);
    for (uint32_t day = 0; day <= s->sim.days; day++) {
        printf("\n%u", day);
        for (uint32_t k = 0; k < s->agents_n; k++) {
            figure(r + k * s->seeds, s->seeds, true, day);
            figure(r + k * s->seeds, s->seeds, false, day);
        }
    }
    printf("\n");
}

static bool run(const settings *s, sim_result *r)
{
    for (uint32_t i = 0; i < s->agents_n * s->seeds; i++)
        if (!sim_run(&s->sim, s->agents[i / s->seeds], 1 + i % s->seeds, &r[i]))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    settings s = {
        .sim = {.policy = {.every_days = 7, .young_days = 30, .young_percent = 10},
                .entries = 1000,
                .people = 2000,
                .days = 180},
        .agents = {1, 10, 100, 1000},
        .agents_n = 4,
        .seeds = 10,
    };
    sim_result *r;
    bool ok;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        int status = take(&s, c);

        if (status != 0)
            return status - 1;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "qnet-handout-sim: '%s' is no option; see --help\n", argv[optind]);
        return 2;
    }
    r = calloc((size_t)s.agents_n * s.seeds, sizeof *r);
    ok = r != NULL && run(&s, r);
    if (ok)
        table(&s, r);
    else
        (void)fputs("qnet-handout-sim: not enough memory; fewer --people or --agents\n", stderr);
    free(r);
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
