#include "captures.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 1 << 16, CAPTURES_MAX = 256 };

static qn_slice kept(qn_slice s)
{
    uint8_t *p = malloc(s.n);

    memcpy(p, s.p, s.n);
    return qn_slice_of(p, s.n);
}

static capture read_hello(const char *path)
{
    static char text[LINES_MAX];
    FILE *f = fopen(path, "r");
    capture c = {0};
    const char *ja4;
    size_t n;

    if (f == NULL)
        qt_die("%s cannot be read", path);
    n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    ja4 = strstr(text, "# JA4 ");
    if (ja4 != NULL)
        (void)sscanf(ja4, "# JA4 %39s", c.ja4);
    c.bytes = kept(qt_hex(text));
    c.retry = strstr(path, "/retry-two") != NULL;
    return c;
}

size_t lab_browser(capture **out, const char *browser)
{
    char pattern[256];
    glob_t found;
    size_t n;

    (void)snprintf(pattern, sizeof pattern, LAB_VECTORS "/fingerprints/%s/*.hex", browser);
    if (glob(pattern, 0, NULL, &found) != 0)
        qt_die("no captures of %s", browser);
    n = found.gl_pathc;
    *out = calloc(n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = read_hello(found.gl_pathv[i]);
    globfree(&found);
    return n;
}

size_t lab_shadowsocks(capture **out)
{
    static char line[LINES_MAX];
    FILE *f = fopen(LAB_VECTORS "/shadowsocks/first-payloads.txt", "r");
    size_t n = 0;

    if (f == NULL)
        qt_die("the recorded Shadowsocks payloads cannot be read");
    *out = calloc(CAPTURES_MAX, sizeof **out);
    while (n < CAPTURES_MAX && fgets(line, sizeof line, f) != NULL) {
        const char *hex = strchr(line, ' ');

        if (line[0] != '#' && hex != NULL)
            (*out)[n++].bytes = kept(qt_hex(hex));
    }
    (void)fclose(f);
    return n;
}

size_t lab_tor(capture **hellos, capture **flights)
{
    static char line[LINES_MAX];
    FILE *f = fopen(LAB_VECTORS "/tor/first-flights.txt", "r");
    size_t n = 0;

    if (f == NULL)
        qt_die("the recorded flights of Tor cannot be read");
    *hellos = calloc(CAPTURES_MAX, sizeof **hellos);
    *flights = calloc(CAPTURES_MAX, sizeof **flights);
    while (n < CAPTURES_MAX && fgets(line, sizeof line, f) != NULL) {
        char *flight = strchr(line, ' ');

        if (line[0] == '#' || flight == NULL)
            continue;
        *flight++ = '\0';
        (*hellos)[n].bytes = kept(qt_hex(line));
        (*flights)[n++].bytes = kept(qt_hex(flight));
    }
    (void)fclose(f);
    return n;
}

void lab_forget(capture *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)v[i].bytes.p);
    free(v);
}
