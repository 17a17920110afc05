/* "KEY = value" text, as NIST, OpenSSL and BoringSSL publish their answers. */
#include "support/qt.h"

#include "support/internal.h"

#include <ctype.h>

struct qt_field {
    const char *key, *value;
};

static char *trim(char *from, char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    *to = '\0';
    return from;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;

    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        n++;
    }
    return n;
}

/* Cuts one line in place; false when it is no "key = value" line. */
static bool field_of(char *line, char *end, struct qt_field *out)
{
    char *cut = line + strcspn(line, "=:\n");

    if (cut >= end || *line == '#' || *line == '[')
        return false;
    out->value = trim(cut + 1, end);
    out->key = trim(line, cut);
    return true;
}

qt_records qt_vector_records(const char *name, const char *first)
{
    size_t size;
    char *text = qt__read(QT_VECTORS, name, &size);
    size_t lines = count_lines(text);
    struct qt_field *fields = qt__keep(lines * sizeof *fields);
    qt_record *records = qt__keep(lines * sizeof *records);
    qt_records out = {.v = records};
    char *end = text + size;

    for (char *line = text; line < end;) {
        char *eol = line + strcspn(line, "\n");

        if (field_of(line, eol, fields)) {
            if (strcmp(fields->key, first) == 0)
                records[out.n++].v = fields;
            if (out.n > 0) {
                records[out.n - 1].n++;
                fields++;
            }
        }
        line = eol + 1;
    }
    if (out.n == 0)
        qt_die("%s has no line with the key '%s'", name, first);
    return out;
}

const char *qt_field(const qt_record *r, const char *key)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->v[i].key, key) == 0)
            return r->v[i].value;
    return NULL;
}

qn_slice qt_field_hex(const qt_record *r, const char *key)
{
    const char *value = qt_field(r, key);
    size_t n;

    if (value == NULL)
        qt_die("a record without the key '%s'", key);
    n = strlen(value);
    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value++;
        n -= 2;
    }
    return qt_hex_n(value, n);
}
