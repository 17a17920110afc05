#include "batches.h"

#include "commands.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG "invitations.log"
enum { LINE_MAX = 128 };

bool batch_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n <= BATCH_NAME_MAX && name[n] == '\0';
}

batch *batches_find(batches *b, const char *name)
{
    for (unsigned i = 0; i < b->n; i++)
        if (strcmp(b->v[i].name, name) == 0)
            return &b->v[i];
    return NULL;
}

unsigned batches_keys(const batches *b, qn_secret32 psk[QN_PSKS_MAX])
{
    for (unsigned i = 0; i < b->n; i++)
        psk[i] = b->v[i].psk;
    return b->n;
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool key_of(const char *hex, qn_secret32 *key)
{
    char pair[3] = "";
    uint8_t any = 0;

    if (strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
        return false;
    for (unsigned i = 0; i < 32; i++) {
        memcpy(pair, hex + (size_t)2 * i, 2);
        key->b[i] = (uint8_t)strtoul(pair, NULL, 16);
        any |= key->b[i];
    }
    return any != 0;
}

static bool batch_of(const json_t *o, batch *out)
{
    const char *name, *hex;
    json_int_t made, given, max;

    if (json_unpack((json_t *)(uintptr_t)o, "{ss sI sI sI ss}", "name", &name, "made", &made,
                    "given", &given, "max", &max, "psk", &hex) != 0)
        return false;
    if (!batch_name_ok(name) || made < 0 || given < 0 || max < 1 || max > BATCH_MAX_LIMIT ||
        given > max || !key_of(hex, &out->psk))
        return false;
    memcpy(out->name, name, strlen(name) + 1);
    out->made = made;
    out->given = (uint32_t)given;
    out->max = (uint32_t)max;
    return true;
}

static bool batches_of(const json_t *o, batches *out)
{
    const json_t *list = json_object_get(o, "batches");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > QN_PSKS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!batch_of(json_array_get(list, i), &out->v[i]))
            return false;
        out->v[i].name[BATCH_NAME_MAX] = '\0';
        if (batches_find(out, out->v[i].name) != NULL)
            return false;
        out->n++;
    }
    return true;
}

int batches_read(batches *b, const qn_store *s, qn_why why)
{
    qn_span text;
    json_t *o;
    bool ok;
    qn_found found = qn_store_read(s, "invitations", &text, why);

    *b = (batches){.n = 0};
    if (found != QN_FOUND)
        return found == QN_ABSENT ? EXIT_FINE : EXIT_STATE;
    o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    ok = batches_of(o, b);
    json_decref(o);
    explicit_bzero(text.p, text.n);
    free(text.p);
    if (ok)
        return EXIT_FINE;
    (void)qn_why_say(why,
                     "%s/invitations is damaged; restore it from a backup, or remove it, which "
                     "revokes every invitation",
                     s->path);
    return EXIT_STATE;
}

static json_t *describe(const batch *one)
{
    char hex[65];
    json_t *o;

    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(hex + (size_t)2 * i, 3, "%02x", one->psk.b[i]);
    o = json_pack("{ss sI sI sI ss}", "name", one->name, "made", (json_int_t)one->made, "given",
                  (json_int_t)one->given, "max", (json_int_t)one->max, "psk", hex);
    explicit_bzero(hex, sizeof hex);
    return o;
}

bool batches_write(const batches *b, const qn_store *s, qn_why why)
{
    json_t *list = json_array(), *o;
    char *text;
    bool ok;

    for (unsigned i = 0; i < b->n; i++)
        (void)json_array_append_new(list, describe(&b->v[i]));
    o = json_pack("{si so}", "schema", 1, "batches", list);
    text = json_dumps(o, JSON_INDENT(2));
    json_decref(o);
    if (text == NULL)
        return qn_why_say(why, "out of memory");
    ok = qn_store_write_secret(s, "invitations", (qn_slice){(const uint8_t *)text, strlen(text)},
                               why);
    explicit_bzero(text, strlen(text));
    free(text);
    return ok;
}

/* The line a batch gets in the log; returns its length. */
static size_t line_of(int64_t wall, const batch *one, const char *deed, char line[LINE_MAX])
{
    char when[32];
    time_t at = (time_t)wall;
    struct tm utc;

    (void)gmtime_r(&at, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return (size_t)snprintf(line, LINE_MAX, "%s %s %s %u of %u\n", when, one->name, deed,
                            one->given, one->max);
}

/* Written whole, so that neither a crash nor a full disk costs what was noted before. */
bool batches_note(const qn_store *s, int64_t wall, const batch *one, const char *deed, qn_why why)
{
    char line[LINE_MAX];
    size_t n = line_of(wall, one, deed, line);
    qn_span text = {0};
    qn_found found = qn_store_read(s, LOG, &text, why);
    uint8_t *all = found != QN_UNUSABLE ? realloc(text.p, text.n + n) : NULL;
    bool ok = false;

    if (all != NULL) {
        memcpy(all + text.n, line, n);
        ok = qn_store_write(s, LOG, (qn_slice){all, text.n + n}, why);
    } else if (found != QN_UNUSABLE) {
        (void)qn_why_say(why, "out of memory");
    }
    free(all != NULL ? all : text.p);
    return ok;
}
