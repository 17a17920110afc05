#include "origin_file.h"

#include "io-real/store.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define RENEW "measure it again with tools/origin-check"
#define RECORD_MIN 19    /* an encrypted alert: two bytes, the inner type, the tag */
#define RECORD_MAX 16640 /* RFC 8446 5.2 */
#define FLIGHT_MAX (1 << 20)

/* Remembers the first fault only, so that callers read on without looking. */
typedef struct reading {
    const char *path;
    char *why;
    bool ok;
} reading;

static void wrong(reading *r, const char *key, const char *rule)
{
    if (r->ok)
        r->ok = qn_why_say(r->why, "%s: %s %s; " RENEW, r->path, key, rule);
}

/* `within` is the object's own name in front of its keys', as in "flight.full"; "" at the top. */
static json_t *member(reading *r, json_t *o, const char *within, const char *key, json_type type,
                      const char *rule)
{
    json_t *v = json_object_get(o, key);
    char name[64];

    (void)snprintf(name, sizeof name, "%s%s", within, key);
    if (v == NULL)
        wrong(r, name, "is missing");
    else if (json_typeof(v) != type)
        wrong(r, name, rule);
    return v != NULL && json_typeof(v) == type ? v : NULL;
}

static void only(reading *r, json_t *o, const char *within, const char *const *known, size_t n)
{
    const char *key;
    json_t *v;

    json_object_foreach(o, key, v)
    {
        char name[128];
        size_t i = 0;

        while (i < n && strcmp(key, known[i]) != 0)
            i++;
        (void)snprintf(name, sizeof name, "%s%.80s", within, key);
        if (i == n)
            wrong(r, name, "is not a key of an origin file");
    }
}

#define ONLY(r, o, within, ...)                                                                    \
    only(r, o, within, (const char *const[]){__VA_ARGS__},                                         \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static int64_t ranged(reading *r, const char *name, const json_t *v, int64_t min, int64_t max)
{
    char rule[80];
    json_int_t got = json_is_integer(v) ? json_integer_value(v) : min - 1;

    if (got >= min && got <= max)
        return got;
    (void)snprintf(rule, sizeof rule, "must be a number from %lld to %lld", (long long)min,
                   (long long)max);
    wrong(r, name, rule);
    return 0;
}

static int64_t number(reading *r, json_t *o, const char *within, const char *key, int64_t min,
                      int64_t max)
{
    char name[64];
    json_t *v = json_object_get(o, key);

    (void)snprintf(name, sizeof name, "%s%s", within, key);
    if (v == NULL)
        wrong(r, name, "is missing");
    return v != NULL ? ranged(r, name, v, min, max) : 0;
}

/* 0 or 1: which of two words. */
static bool second_word(reading *r, json_t *o, const char *within, const char *key, const char *a,
                        const char *b)
{
    char rule[80], name[64];
    const json_t *v;

    (void)snprintf(rule, sizeof rule, "must be \"%s\" or \"%s\"", a, b);
    (void)snprintf(name, sizeof name, "%s%s", within, key);
    v = member(r, o, within, key, JSON_STRING, rule);
    if (v != NULL && strcmp(json_string_value(v), a) != 0 && strcmp(json_string_value(v), b) != 0)
        wrong(r, name, rule);
    return v != NULL && strcmp(json_string_value(v), b) == 0;
}

/* ---- its parts ------------------------------------------------------------------------------- */

/* What the tag compares server names with: letters are lower case. */
static bool is_name(const char *text, size_t n)
{
    return n >= 1 && n <= ORIGIN_NAME_MAX && text[0] != '.' && text[0] != '-' &&
           text[n - 1] != '.' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n &&
           strstr(text, "..") == NULL;
}

static void names(reading *r, json_t *top, origin_file *out)
{
    static const char rule[] = "must be a list of 1 to 4 DNS names in lower case";
    json_t *list = member(r, top, "", "names", JSON_ARRAY, rule), *v;
    size_t i;

    if (list == NULL || json_array_size(list) < 1 || json_array_size(list) > ORIGIN_NAMES_MAX) {
        wrong(r, "names", rule);
        return;
    }
    json_array_foreach(list, i, v)
    {
        if (!json_is_string(v) || !is_name(json_string_value(v), json_string_length(v))) {
            wrong(r, "names", rule);
            return;
        }
        memcpy(out->name[i], json_string_value(v), json_string_length(v) + 1);
    }
    out->names_n = (uint8_t)json_array_size(list);
}

static void address(reading *r, json_t *top, origin_file *out)
{
    static const char rule[] = "must be an address with its port, or unix: and a path";
    const json_t *v = member(r, top, "", "address", JSON_STRING, rule);
    const char *text = v != NULL ? json_string_value(v) : "";

    if (strncmp(text, "unix:/", 6) == 0 && strlen(text + 5) <= ORIGIN_UNIX_MAX)
        memcpy(out->unix_path, text + 5, strlen(text + 5) + 1);
    else if (qn_addr_parse(&out->addr, text) != QN_OK)
        wrong(r, "address", rule);
}

static origin_end end(reading *r, json_t *top, const char *key)
{
    origin_end e = {0};
    json_t *o = member(r, top, "", key, JSON_OBJECT, "must be an object"), *alert;
    char within[64];

    if (o == NULL)
        return e;
    (void)snprintf(within, sizeof within, "%s.", key);
    ONLY(r, o, within, "alert", "end");
    alert = json_object_get(o, "alert");
    if (!json_is_boolean(alert)) {
        (void)snprintf(within, sizeof within, "%s.alert", key);
        wrong(r, within, "must be true or false");
        return e;
    }
    e.alert = json_is_true(alert);
    e.rst = second_word(r, o, within, "end", "fin", "rst");
    return e;
}

/* Visible ASCII: the path goes into a request as it is. */
static bool is_path(const char *text, size_t n)
{
    if (n < 1 || n > ORIGIN_PATH_MAX || text[0] != '/')
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

static void pages(reading *r, json_t *top, const char *key, origin_pages *out)
{
    static const char rule[] = "must be a list of 1 to 8 pairs of a path and its answer's bytes";
    json_t *list = member(r, top, "", key, JSON_ARRAY, rule), *v;
    size_t i;

    if (list == NULL || json_array_size(list) < 1 || json_array_size(list) > ORIGIN_PAGES_MAX) {
        wrong(r, key, rule);
        return;
    }
    json_array_foreach(list, i, v)
    {
        const json_t *path = json_array_get(v, 0);

        if (json_array_size(v) != 2 || !json_is_string(path) ||
            !is_path(json_string_value(path), json_string_length(path))) {
            wrong(r, key, rule);
            return;
        }
        memcpy(out->v[i].path, json_string_value(path), json_string_length(path) + 1);
        out->v[i].largest = (uint32_t)ranged(r, key, json_array_get(v, 1), 1, UINT32_MAX);
    }
    out->n = (uint8_t)json_array_size(list);
}

static void certificate(reading *r, json_t *top, uint8_t out[32])
{
    static const char rule[] = "must be 64 hexadecimal digits in lower case", key[] = "certificate";
    static const char digits[] = "0123456789abcdef";
    const json_t *v = member(r, top, "", key, JSON_STRING, rule);
    const char *text = v != NULL ? json_string_value(v) : "";

    if (strlen(text) != 64 || strspn(text, digits) != 64) {
        wrong(r, key, rule);
        return;
    }
    for (size_t i = 0; i < 64; i++)
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (uint8_t)(strchr(digits, text[i]) - digits));
}

static void limits(reading *r, json_t *top, origin_file *out)
{
    json_t *o = member(r, top, "", "limits", JSON_OBJECT, "must be an object");

    if (o == NULL)
        return;
    ONLY(r, o, "limits.", "requests", "seconds", "idle");
    out->requests = (uint32_t)number(r, o, "limits.", "requests", 0, UINT32_MAX);
    out->seconds = (uint32_t)number(r, o, "limits.", "seconds", 0, UINT32_MAX);
    out->idle = (uint32_t)number(r, o, "limits.", "idle", 0, UINT32_MAX);
}

static void flight(reading *r, json_t *top, origin_file *out)
{
    json_t *o = member(r, top, "", "flight", JSON_OBJECT, "must be an object");

    if (o == NULL)
        return;
    ONLY(r, o, "flight.", "full", "resumed");
    out->flight_full = (uint32_t)number(r, o, "flight.", "full", 1, FLIGHT_MAX);
    out->flight_resumed = (uint32_t)number(r, o, "flight.", "resumed", 1, FLIGHT_MAX);
}

static void everything(reading *r, json_t *top, origin_file *out)
{
    (void)number(r, top, "", "version", ORIGIN_FILE_VERSION, ORIGIN_FILE_VERSION);
    ONLY(r, top, "", "version", "measured", "mode", "names", "address", "flight", "alert",
         "after_fatal", "after_notify", "goaway", "max_record", "limits", "first", "second",
         "certificate");
    out->measured = number(r, top, "", "measured", 1, INT64_C(1) << 40);
    out->mirror = second_word(r, top, "", "mode", "own", "mirror");
    names(r, top, out);
    address(r, top, out);
    flight(r, top, out);
    out->alert = (uint16_t)number(r, top, "", "alert", RECORD_MIN, RECORD_MAX);
    out->after_fatal = end(r, top, "after_fatal");
    out->after_notify = end(r, top, "after_notify");
    out->goaway = (uint16_t)number(r, top, "", "goaway", RECORD_MIN, RECORD_MAX);
    out->max_record = (uint16_t)number(r, top, "", "max_record", 512, 16384);
    limits(r, top, out);
    pages(r, top, "first", &out->first);
    pages(r, top, "second", &out->second);
    certificate(r, top, out->certificate);
}

/* ---- the file -------------------------------------------------------------------------------- */

bool origin_file_parse(const char *path, const char *text, size_t n, origin_file *out, qn_why why)
{
    reading r = {.path = path, .why = why, .ok = true};
    static origin_file got; /* some KiB */
    json_error_t error;
    json_t *top = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);

    memset(&got, 0, sizeof got); /* padding too: they are compared */
    if (top == NULL)
        return qn_why_say(why, "%s line %d is not JSON: %s; " RENEW, path, error.line, error.text);
    if (json_is_object(top))
        everything(&r, top, &got);
    else
        wrong(&r, "the whole", "must be one object");
    json_decref(top);
    if (r.ok)
        memcpy(out, &got, sizeof got);
    return r.ok;
}

bool origin_file_read(const char *path, origin_file *out, qn_why why)
{
    qn_span bytes;
    bool ok;

    if (qn_file_read(path, &bytes, why) != QN_FOUND)
        return false;
    ok = origin_file_parse(path, (const char *)bytes.p, bytes.n, out, why);
    free(bytes.p);
    return ok;
}

int64_t origin_file_stale(const origin_file *o, int64_t wall)
{
    return wall - o->measured > ORIGIN_STALE_SECONDS ? wall - o->measured : 0;
}
