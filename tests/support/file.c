/* Vector files and the hex blocks of docs/wire. */
#include "support/qt.h"

#include "support/internal.h"

#include <stdio.h>
#include <stdlib.h>

void *qt__keep(size_t n)
{
    static union node {
        union node *next;
        max_align_t align;
    } * kept;
    union node *k = calloc(1, sizeof *k + n + 1);

    if (k == NULL)
        qt_die("out of memory in the test itself");
    k->next = kept;
    kept = k;
    return k + 1;
}

char *qt__read(const char *dir, const char *name, size_t *n)
{
    char path[1024];
    FILE *f;
    long size;
    char *text;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        qt_die("cannot read %s", path);
    rewind(f);
    *n = (size_t)size;
    text = qt__keep(*n + 1);
    if (fread(text, 1, *n, f) != *n)
        qt_die("cannot read all of %s", path);
    (void)fclose(f);
    return text;
}

qn_slice qt_vector_file(const char *name)
{
    size_t n;
    const char *text = qt__read(QT_VECTORS, name, &n);

    return qn_slice_of(text, n);
}

qn_slice qt_doc_hex(const char *file, const char *id)
{
    size_t n;
    const char *doc = qt__read(QT_DOCS_WIRE, file, &n);
    const char *from, *to;
    char fence[128];

    (void)snprintf(fence, sizeof fence, "\n```hex name=%s\n", id);
    from = strstr(doc, fence);
    if (from == NULL)
        qt_die("docs/wire/%s has no hex block '%s'", file, id);
    from += strlen(fence);
    if (strstr(from, fence) != NULL)
        qt_die("docs/wire/%s has two hex blocks '%s'", file, id);
    to = strstr(from, "```");
    if (to == NULL)
        qt_die("docs/wire/%s: the hex block '%s' has no end", file, id);
    return qt_hex_n(from, (size_t)(to - from));
}
