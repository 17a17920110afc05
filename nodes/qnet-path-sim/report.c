/* Tables, JSON, CSV and a gnuplot script: users reached by a day, as mean and 95 % interval over
 * the networks drawn (Student's t; one network has no interval). */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct figure {
    double mean, half; /* per cent of users; half the interval's width */
} figure;

/* 97.5 % quantiles of Student's t for 1 to 10, 15, 20, 30 and 60 degrees of freedom. */
static double student(unsigned freedom)
{
    static const double first[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23};

    if (freedom <= 10)
        return first[freedom - 1];
    if (freedom < 15)
        return first[9]; /* wider than it need be */
    return freedom < 20 ? 2.13 : freedom < 30 ? 2.09 : 2.04;
}

static double reached_by(const sim_options *o, const sim_result *r, unsigned day)
{
    uint64_t n = 0;

    for (unsigned i = 1; i <= day; i++)
        n += r->reached[i];
    return 100.0 * (double)n / o->users;
}

static figure by_day(const sim_options *o, const sim_result *results, bool guards, unsigned day)
{
    double sum = 0, squares = 0;
    unsigned n = o->networks;
    figure f = {0};

    for (unsigned i = 0; i < n; i++)
        sum += reached_by(o, &results[2 * i + !guards], day);
    f.mean = sum / n;
    for (unsigned i = 0; i < n; i++) {
        double off = reached_by(o, &results[2 * i + !guards], day) - f.mean;

        squares += off * off;
    }
    if (n > 1)
        f.half = student(n - 1) * sqrt(squares / (n - 1) / n);
    return f;
}

/* How many entries a user had, in the mean. */
static double entries(const sim_options *o, const sim_result *results, bool guards)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < o->networks; i++)
        n += results[2 * i + !guards].entries;
    return (double)n / o->users / o->networks;
}

static void table(const sim_options *o, const sim_result *results)
{
    unsigned step = o->days > 60 ? 30 : o->days > 14 ? 7 : 1;

    printf(
        "%u networks of %u relays and %u users, %u circuits a day each; the adversary has %u %% of "
        "the capacity\n\n",
        o->networks, o->relays, o->users, o->circuits, o->adversary / 10);
    printf("%6s  %26s  %26s\n", "day", "reached, with guards (%)", "without guards (%)");
    for (unsigned day = step; day <= o->days; day += step) {
        figure with = by_day(o, results, true, day), without = by_day(o, results, false, day);

        printf("%6u  %17.2f +- %5.2f  %17.2f +- %5.2f\n", day, with.mean, with.half, without.mean,
               without.half);
    }
    printf("\nentries a user had: %.1f with guards, %.1f without (until reached)\n",
           entries(o, results, true), entries(o, results, false));
}

static void json(const sim_options *o, const sim_result *results)
{
    printf("{\"users\":%u,\"networks\":%u,\"relays\":%u,\"circuits\":%u,\"adversary_percent\":%u,"
           "\"seed\":%llu,\"days\":[",
           o->users, o->networks, o->relays, o->circuits, o->adversary / 10,
           (unsigned long long)o->seed);
    for (unsigned day = 1; day <= o->days; day++) {
        figure with = by_day(o, results, true, day), without = by_day(o, results, false, day);

        printf(
            "%s{\"day\":%u,\"guards\":%.3f,\"guards_ci95\":%.3f,\"none\":%.3f,\"none_ci95\":%.3f}",
            day > 1 ? "," : "", day, with.mean, with.half, without.mean, without.half);
    }
    printf("]}\n");
}

void report(const sim_options *o, const sim_result *results, bool as_json)
{
    if (as_json)
        json(o, results);
    else
        table(o, results);
}

static const char script[] =
    "# gnuplot reached.gp writes reached.png from reached.csv\n"
    "set terminal pngcairo size 800,500 font 'sans,12'\n"
    "set output 'reached.png'\n"
    "set datafile separator ','\n"
    "set xlabel 'day'\n"
    "set ylabel 'users with both ends of a path in one hand (%)'\n"
    "set yrange [0:100]\n"
    "set grid\n"
    "set key right center\n"
    "set style fill transparent solid 0.25 noborder\n"
    "plot 'reached.csv' every ::1 using 1:($4-$5):($4+$5) with filledcurves lc rgb '#c04020' "
    "notitle, \\\n"
    "     '' every ::1 using 1:4 with lines lw 2 lc rgb '#c04020' title 'without guards', \\\n"
    "     '' every ::1 using 1:($2-$3):($2+$3) with filledcurves lc rgb '#2060a0' notitle, \\\n"
    "     '' every ::1 using 1:2 with lines lw 2 lc rgb '#2060a0' title 'with guards'\n";

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    FILE *f;

    (void)snprintf(path, sizeof path, "%.4000s/%s", folder, name);
    f = fopen(path, "w");
    if (f == NULL)
        (void)fprintf(stderr, "qnet-path-sim: cannot write %s: %s\n", path, strerror(errno));
    return f;
}

static bool closed(FILE *f, const char *name)
{
    if (fflush(f) == 0 && fclose(f) == 0)
        return true;
    (void)fprintf(stderr, "qnet-path-sim: cannot write %s: %s\n", name, strerror(errno));
    return false;
}

bool report_files(const sim_options *o, const sim_result *results, const char *folder)
{
    FILE *csv, *gp;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "qnet-path-sim: cannot make %s: %s\n", folder, strerror(errno));
        return false;
    }
    csv = open_in(folder, "reached.csv");
    if (csv == NULL)
        return false;
    (void)fprintf(csv, "day,guards,guards_ci95,none,none_ci95\n");
    for (unsigned day = 1; day <= o->days; day++) {
        figure with = by_day(o, results, true, day), without = by_day(o, results, false, day);

        (void)fprintf(csv, "%u,%.3f,%.3f,%.3f,%.3f\n", day, with.mean, with.half, without.mean,
                      without.half);
    }
    if (!closed(csv, "reached.csv"))
        return false;
    gp = open_in(folder, "reached.gp");
    if (gp == NULL)
        return false;
    (void)fputs(script, gp);
    return closed(gp, "reached.gp");
}
