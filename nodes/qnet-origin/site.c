#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMAGE_SIDE 36 /* one record: a page that PROOF can take the place of */
#define IMAGE_HEAD 54
#define LARGE (UINT64_C(64) << 20)

static page pages[] = {
    {"/", "text/html; charset=utf-8", 0, NULL},
    {"/about", "text/html; charset=utf-8", 0, NULL},
    {"/article", "text/html; charset=utf-8", 0, NULL},
    {"/style.css", "text/css", 0, NULL},
    {"/photo.bmp", "image/bmp", 0, NULL},
    {"/large.bin", "application/octet-stream", LARGE, NULL},
};

static uint8_t missing_text[] =
    "<!doctype html><title>Not found</title><p>There is no such page.\n";
const page site_missing = {"", "text/html; charset=utf-8", sizeof missing_text - 1, missing_text};

/* The same bytes in every run: splitmix64 of the word's number. */
static uint64_t word(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool write_text(page *p, const char *title, unsigned paragraphs)
{
    static const char *const words[] = {"river",  "stone", "letter", "garden",  "window",  "winter",
                                        "market", "paper", "silver", "morning", "harbour", "the",
                                        "and",    "under", "slowly", "between"};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    uint64_t at = strlen(title) * 1000;

    if (f == NULL)
        return false;
    (void)fprintf(
        f,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>\n"
        "<link rel=\"stylesheet\" href=\"/style.css\"></head>\n<body><h1>%s</h1>\n"
        "<p><a href=\"/\">Home</a> <a href=\"/article\">Article</a> "
        "<a href=\"/about\">About</a></p>\n<img src=\"/photo.bmp\" alt=\"\">\n",
        title, title);
    for (unsigned i = 0; i < paragraphs; i++) {
        (void)fputs("<p>", f);
        for (unsigned j = 0; j < 60; j++)
            (void)fprintf(f, "%s ", words[word(at++) % (sizeof words / sizeof words[0])]);
        (void)fputs("</p>\n", f);
    }
    (void)fputs("</body></html>\n", f);
    if (fclose(f) != 0 || text == NULL)
        return false;
    p->bytes = (uint8_t *)text;
    p->size = n;
    return true;
}

static bool write_style(page *p)
{
    static const char style[] = "body { max-width: 40em; margin: 2em auto; font: 1em/1.5 serif; }\n"
                                "h1 { font-weight: normal; }\nimg { float: right; }\n";

    p->bytes = (uint8_t *)strdup(style);
    p->size = sizeof style - 1;
    return p->bytes != NULL;
}

static void put32le(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* A 24-bit bitmap that shows noise: bytes that nobody compresses. */
static bool write_image(page *p)
{
    uint32_t size = IMAGE_HEAD + 3 * IMAGE_SIDE * IMAGE_SIDE;
    uint8_t *b = calloc(1, size);

    if (b == NULL)
        return false;
    b[0] = 'B';
    b[1] = 'M';
    put32le(b + 2, size);
    put32le(b + 10, IMAGE_HEAD);
    put32le(b + 14, 40);
    put32le(b + 18, IMAGE_SIDE);
    put32le(b + 22, IMAGE_SIDE);
    b[26] = 1;
    b[28] = 24;
    for (uint32_t i = IMAGE_HEAD; i < size; i++)
        b[i] = (uint8_t)word(i);
    p->bytes = b;
    p->size = size;
    return true;
}

bool site_open(void)
{
    return write_text(&pages[0], "A small site", 12) && write_text(&pages[1], "About", 3) &&
           write_text(&pages[2], "An article", 53) && write_style(&pages[3]) &&
           write_image(&pages[4]);
}

void site_close(void)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        free(pages[i].bytes);
}

const page *site_find(const char *path, size_t n)
{
    const char *query = memchr(path, '?', n);

    n = query == NULL ? n : (size_t)(query - path);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strlen(pages[i].path) == n && memcmp(pages[i].path, path, n) == 0)
            return &pages[i];
    return NULL;
}

size_t site_read(const page *p, uint64_t at, uint8_t *out, size_t n)
{
    n = p->size - at < n ? (size_t)(p->size - at) : n;
    if (p->bytes != NULL) {
        memcpy(out, p->bytes + at, n);
        return n;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(word((at + i) / 8) >> ((at + i) % 8 * 8));
    return n;
}

const char *site_date(void)
{
    static char text[32];
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL ||
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        text[0] = '\0';
    return text;
}
