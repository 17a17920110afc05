/*
 * core_rates - what one core does of the core's own work, beside the primitives it is made of.
 *
 * usage: core_rates rates [SECONDS]      every stage for so long (0.5 unless said), a line each:
 *                                        "name operations-per-CPU-second"
 *        core_rates work STAGE COUNT     one stage so many times, and nothing else: for callgrind
 *        core_rates list                 the stages
 *
 * Figures are of one process on one core. tools/bench core sets ours beside theirs;
 * tools/instructions counts what `work` takes.
 */
#include "bench/stages.h"

#include <stdlib.h>
#include <time.h>

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double per_second(const bench_stage *stage, double seconds)
{
    double begun = cpu_now(), spent;
    unsigned long n = 0;

    do {
        for (unsigned i = 0; i < stage->batch; i++)
            stage->once();
        n += stage->batch;
        spent = cpu_now() - begun;
    } while (spent < seconds);
    return (double)n / spent;
}

static int rates(double seconds)
{
    for (const bench_stage *stage = bench_stages; stage->name != NULL; stage++) {
        if (stage->batch == 0) /* a whole transfer: for counting only */
            continue;
        stage->once();
        printf("%s %.1f\n", stage->name, per_second(stage, seconds));
        fflush(stdout);
    }
    return 0;
}

static int work(const char *name, unsigned long count)
{
    for (const bench_stage *stage = bench_stages; stage->name != NULL; stage++) {
        if (strcmp(stage->name, name) != 0)
            continue;
        for (unsigned long i = 0; i < count; i++)
            stage->once();
        return 0;
    }
    fprintf(stderr, "core_rates: no stage %s (core_rates list names them)\n", name);
    return 2;
}

static int list(void)
{
    for (const bench_stage *stage = bench_stages; stage->name != NULL; stage++)
        puts(stage->name);
    return 0;
}

int main(int argc, char **argv)
{
    bench_stages_open();
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "rates") == 0)
        return rates(argc == 3 ? atof(argv[2]) : 0.5);
    if (argc == 4 && strcmp(argv[1], "work") == 0)
        return work(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    fputs("usage: core_rates rates [SECONDS] | work STAGE COUNT | list\n", stderr);
    return 2;
}
