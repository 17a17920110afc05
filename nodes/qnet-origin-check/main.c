/* qnet-origin-check(1): options, and the order of things. */
#include "check.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DNS_NAME_MAX 253
#define MEMORY_MAX (UINT64_C(64) << 20)

enum { FIT, NOT_FIT, USAGE };

/* Where a small site usually has something; asked for when no --page is given. */
static const char *const usual_paths[] = {"/",          "/about",      "/article",    "/photo.bmp",
                                          "/large.bin", "/index.html", "/robots.txt", "/style.css",
                                          "/logo.png",  "/favicon.ico"};

int complain(int status, const char *format, ...)
{
    va_list args;

    (void)fputs("qnet-origin-check: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return status;
}

void progress(const char *format, ...)
{
    va_list args;

    if (isatty(STDERR_FILENO) == 0)
        return;
    (void)fputs("... ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

static int usage(void)
{
    (void)fputs("usage: qnet-origin-check ADDRESS:PORT|unix:PATH --name NAME... [--mode "
                "own|mirror] [--proxy]\n"
                "           [--ca FILE] [--page PATH]... [--requests N] [--seconds N] [--idle N]\n"
                "           [--quick] [--json] [--out FILE] [--profiles DIR]\n",
                stderr);
    return USAGE;
}

static bool number(const char *text, uint32_t *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v == 0 || v > 1000000)
        return complain(false, "'%s' is not a number from 1 to 1000000", text);
    *out = (uint32_t)v;
    return true;
}

static bool take_name(check *k, const char *name)
{
    if (k->name_n == QN_HTX_NAMES_MAX)
        return complain(false, "at most %d names", QN_HTX_NAMES_MAX);
    if (name[0] == '\0' || strlen(name) > DNS_NAME_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(name))
        return complain(false, "'%s' is not a DNS name in lower case", name);
    k->name[k->name_n++] = name;
    return true;
}

static bool take_page(check *k, const char *page, bool asked_for)
{
    if (k->path_n == PATHS_MAX)
        return complain(false, "at most %d pages", PATHS_MAX);
    if (page[0] != '/' || strlen(page) > QN_H2_PATH_MAX)
        return complain(false, "'%s' is not a path: it begins with '/' and is at most %d long",
                        page, QN_H2_PATH_MAX);
    k->path[k->path_n++] = (candidate){.path = page, .asked_for = asked_for};
    return true;
}

static bool take_mode(check *k, const char *mode)
{
    k->mirror = strcmp(mode, "mirror") == 0;
    return k->mirror || strcmp(mode, "own") == 0 ||
           complain(false, "'%s' is no mode: own or mirror", mode);
}

static bool take(check *k, int option, const char *value)
{
    switch (option) {
    case 'n':
        return take_name(k, value);
    case 'm':
        return take_mode(k, value);
    case 'x':
        k->site.proxy = true;
        return true;
    case 'c':
        k->ca = value;
        return true;
    case 'p':
        return take_page(k, value, true);
    case 'r':
        return number(value, &k->limits.requests);
    case 's':
        return number(value, &k->limits.seconds);
    case 'i':
        return number(value, &k->limits.idle);
    case 'q':
        k->quick = true;
        return true;
    case 'j':
        k->json = true;
        return true;
    case 'o':
        k->out = value;
        return true;
    case 'f':
        k->profiles = value;
        return true;
    default:
        return false;
    }
}

static bool take_address(check *k, const char *text)
{
    static const qn_addr here = {.family = 4, .ip = {127, 0, 0, 1}, .port = 443};

    if (strncmp(text, "unix:/", 6) == 0 && strlen(text) < sizeof k->at) {
        k->site.unix_path = text + 5;
        k->site.addr = here;
        (void)snprintf(k->at, sizeof k->at, "%s", text);
        return true;
    }
    if (qn_addr_parse(&k->site.addr, text) != QN_OK)
        return false;
    qn_addr_text(&k->site.addr, k->at);
    return true;
}

static bool read_options(check *k, int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'},     {"mode", required_argument, NULL, 'm'},
        {"proxy", no_argument, NULL, 'x'},          {"ca", required_argument, NULL, 'c'},
        {"page", required_argument, NULL, 'p'},     {"requests", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'},  {"idle", required_argument, NULL, 'i'},
        {"quick", no_argument, NULL, 'q'},          {"json", no_argument, NULL, 'j'},
        {"out", required_argument, NULL, 'o'},      {"help", no_argument, NULL, 'h'},
        {"profiles", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    int got;

    while ((got = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take(k, got, optarg))
            return false;
    if (optind != argc - 1 || k->name_n == 0)
        return false;
    if (!take_address(k, argv[optind]))
        return complain(false, "'%s' is none of 127.0.0.1:443, [::1]:443, unix:/path",
                        argv[optind]);
    if (k->mirror && k->site.proxy)
        return complain(false, "a mirror gets no PROXY header: leave --proxy out");
    if (k->out != NULL && !k->mirror && !k->site.proxy)
        return complain(false,
                        "a peer greets its own site with a PROXY header, so a file for it is "
                        "measured with --proxy");
    return true;
}

static void measure(check *k)
{
    if (k->path_n == 0)
        for (size_t i = 0; i < QN_LEN(usual_paths); i++)
            (void)take_page(k, usual_paths[i], false);
    check_handshakes(k);
    if (!k->shaken)
        return;
    check_pages(k);
    check_private(k);
    check_reactions(k);
    if (fit(k))
        check_moments(k);
    if (fit(k)) /* it may take an hour, for nothing */
        check_limits(k);
    check_numbers(k);
}

static int run(check *k)
{
    if (!qn_real_env_open(&k->site.real, QN_LOG_ERROR, MEMORY_MAX))
        return complain(NOT_FIT, "out of memory");
    if (!profiles_load(k) || !roots_load(k))
        return USAGE;
    measure(k);
    if (k->json)
        report_json(k);
    else
        report_table(k);
    if (!fit(k))
        return NOT_FIT;
    return k->out == NULL || report_file(k) ? FIT : USAGE;
}

int main(int argc, char **argv)
{
    static check k = {.site.rtt = QN_NEVER};
    int status;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!read_options(&k, argc, argv))
        return usage();
    status = run(&k);
    profiles_free(&k);
    qn_roots_free(k.site.roots);
    qn_real_env_close(&k.site.real);
    return status;
}
