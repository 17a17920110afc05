/*
 * qnet circuit show ID: why these hops, what they have in common, how many could have stood there,
 * and what the circuit does not hide. The node tells facts (/circuits); what they amount to is said
 * here.
 */
#include "ask.h"
#include "commands.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fewer equally likely nodes than this are soon guessed, or soon all watched. */
#define FEW 8.0

static const double adversaries[] = {0.01, 0.05, 0.10};

static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static long long number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static double effective(const json_t *choice, size_t hop)
{
    return json_real_value(json_object_get(json_array_get(choice, hop), "effective"));
}

/* ---- what it amounts to ---------------------------------------------------------------------- */

/* Each adversary runs that part of all capacity, in nodes drawn like any others, and watches
 * nothing else: he links user and destination when both ends are his. */
static json_t *both_ends(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof adversaries / sizeof *adversaries; i++) {
        double a = adversaries[i];

        (void)json_array_append_new(list,
                                    json_pack("{s:f,s:f}", "capacity", a, "probability", a * a));
    }
    return list;
}

static json_t *anonymity(const json_t *circuit)
{
    const json_t *choice = json_object_get(circuit, "choice");
    size_t n = json_array_size(choice);

    if (n == 0)
        return json_null();
    return json_pack(
        "{s:s,s:o,s:f,s:f}", "adversary",
        "runs so much of all capacity, in nodes drawn like any others, and watches no wires",
        "both_ends", both_ends(), "entry_bits", log2(fmax(1, effective(choice, 0))), "exit_bits",
        log2(fmax(1, effective(choice, n - 1))));
}

static void weak(json_t *list, const char *sentence)
{
    (void)json_array_append_new(list, json_string(sentence));
}

static void weak_in_common(json_t *list, const json_t *circuit)
{
    static const char *const sentence[][2] = {
        {"prefix",
         "Two of its hops are in one address block: one host may run, or one network see, both."},
        {"as", "Two of its hops are in one autonomous system, which sees the wires of both."},
        {"country", "Two of its hops are in one country."},
        {"family", "Two of its hops are of one family: one hand."}};
    size_t i;
    const json_t *word;

    json_array_foreach(json_object_get(circuit, "in_common"), i,
                       word) for (unsigned k = 0; k < sizeof sentence / sizeof *sentence;
                                  k++) if (strcmp(json_string_value(word), sentence[k][0]) == 0)
        weak(list, sentence[k][1]);
}

static void weak_entry(json_t *list, const json_t *entry)
{
    const char *reason = json_string_value(json_object_get(entry, "reason"));

    if (reason != NULL && strcmp(reason, "it invited us") == 0)
        weak(list, "Its entry invited you: whoever gave you the invitation may know you there.");
    else if (!json_is_integer(json_object_get(entry, "guard_since")))
        weak(list, "Its entry is no guard: over time entries are drawn from everybody, hostile "
                   "ones too.");
}

static json_t *weaknesses(const json_t *circuit)
{
    const json_t *choice = json_object_get(circuit, "choice");
    size_t n = json_array_size(choice);
    json_t *list = json_array();

    weak(list, "Whoever watches both ends, or runs them, can match times and volumes.");
    if (n == 0) {
        weak(list, "One hop: this node knows your address and where you go.");
        return list;
    }
    weak_in_common(list, circuit);
    if (effective(choice, 0) < FEW)
        weak(list, "Few nodes could have been its entry: watching them all is cheap.");
    if (effective(choice, n - 1) < FEW)
        weak(list, "Few nodes could have been its exit: guessing it is easy.");
    weak_entry(list, json_array_get(choice, 0));
    if (number(json_array_get(choice, n - 1), "other_circuits") > 0)
        weak(list, "Its exit ends other circuits of yours as well and may put them together.");
    if (json_is_true(json_object_get(circuit, "tired")))
        weak(list, "Nodes that had just failed were taken for want of others: somebody may be "
                   "steering you.");
    if (number(circuit, "streams") > 1)
        weak(list, "Its streams are known to its exit to be one user's.");
    return list;
}

/* ---- showing --------------------------------------------------------------------------------- */

static void show_hop(const json_t *circuit, size_t i)
{
    const json_t *o = json_array_get(json_object_get(circuit, "choice"), i);
    const json_t *since = json_object_get(o, "guard_since");
    const char *country = json_string_value(json_object_get(o, "country"));
    char day[16];
    time_t t = (time_t)json_integer_value(since);

    (void)printf("  hop %zu    %.16s  %s\n", i + 1,
                 json_string_value(json_array_get(json_object_get(circuit, "hops"), i)),
                 country != NULL ? country : "");
    if (o == NULL)
        return;
    (void)printf("           %s; one of %lld that fitted, as hard to guess as one of %.1f\n",
                 json_string_value(json_object_get(o, "reason")), number(o, "fitting"),
                 json_real_value(json_object_get(o, "effective")));
    if (json_is_integer(since) && strftime(day, sizeof day, "%Y-%m-%d", gmtime(&t)) > 0)
        (void)printf("           guard since about %s\n", day);
    if (number(o, "other_circuits") > 0)
        (void)printf("           also in %lld other circuits\n", number(o, "other_circuits"));
}

static void show(const json_t *circuit)
{
    const json_t *a = json_object_get(circuit, "anonymity"), *line;
    size_t i;

    (void)printf("circuit %lld: %s, %lld s old, %lld streams, %lld bytes up, %lld down\n",
                 number(circuit, "id"),
                 json_is_true(json_object_get(circuit, "built")) ? "built" : "building",
                 number(circuit, "age_ms") / 1000, number(circuit, "streams"),
                 number(circuit, "up"), number(circuit, "down"));
    if (number(circuit, "trip_ms") > 0)
        (void)printf("  there and back in %lld ms; of those that are ready a stream takes the "
                     "quickest\n",
                     number(circuit, "trip_ms"));
    for (i = 0; i < json_array_size(json_object_get(circuit, "hops")); i++)
        show_hop(circuit, i);
    json_array_foreach(json_object_get(a, "both_ends"), i, line)(void)
        printf("  an adversary with %2.0f %% of the capacity has both ends with probability %.4f\n",
               100 * json_real_value(json_object_get(line, "capacity")),
               json_real_value(json_object_get(line, "probability")));
    (void)puts("  does not hide:");
    json_array_foreach(json_object_get(circuit, "weaknesses"), i, line)(void)
        printf("    - %s\n", json_string_value(line));
}

static json_t *find(const json_t *document, long long id)
{
    size_t i;
    json_t *circuit;

    json_array_foreach(json_object_get(document, "circuits"), i,
                       circuit) if (number(circuit, "id") == id) return circuit;
    return NULL;
}

static int show_circuit(const char *state, long long id, bool json)
{
    qn_why why;
    json_t *document = ask_node(state, "circuits", why), *circuit;
    int status = EXIT_FINE;

    if (document == NULL)
        return complain(EXIT_NETWORK, "%s", why);
    circuit = find(document, id);
    if (circuit == NULL) {
        status =
            complain(EXIT_FAILED, "no circuit %lld is there now; 'qnet circuits' lists them", id);
    } else {
        (void)json_object_set_new(circuit, "anonymity", anonymity(circuit));
        (void)json_object_set_new(circuit, "weaknesses", weaknesses(circuit));
        if (!json)
            show(circuit);
        else if (json_dumpf(circuit, stdout, JSON_INDENT(2)) == 0)
            (void)putchar('\n');
    }
    json_decref(document);
    return status;
}

static int usage(void)
{
    (void)puts(
        "usage: qnet circuit show ID --state DIR [--json]\n\n"
        "Why a circuit goes where it goes, and what it does not hide. 'qnet circuits' lists ids.");
    return EXIT_FINE;
}

int cmd_circuit(int argc, char **argv)
{
    const char *state = NULL;
    bool json = false;
    char *end = NULL;
    long long id;
    int got;

    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_option("circuit", got, argv);
        if (got == 'h')
            return usage();
        if (got == 's')
            state = optarg;
        else
            json = true;
    }
    if (optind >= argc || strcmp(argv[optind], "show") != 0)
        return complain(EXIT_USAGE, "say what to do: qnet circuit show ID --state DIR");
    if (optind + 1 >= argc)
        return complain(EXIT_USAGE, "say which circuit; 'qnet circuits' lists them");
    if (optind + 2 < argc)
        return complain_extra("circuit", argv[optind + 2]);
    errno = 0;
    id = strtoll(argv[optind + 1], &end, 10);
    if (errno != 0 || *end != '\0' || end == argv[optind + 1] || id < 0)
        return complain(EXIT_USAGE, "'%s' is no circuit's number", argv[optind + 1]);
    if (state == NULL)
        return complain(EXIT_USAGE, "say which node: --state DIR");
    return show_circuit(state, id, json);
}
