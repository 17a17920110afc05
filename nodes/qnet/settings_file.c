/* The configuration file: one YAML mapping of flat keys, read event by event for its line numbers.
 */
#include "settings.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    settings *s;
    char *why;
    bool seen[KEYS];
} reader;

static unsigned line_of(const reader *r)
{
    return (unsigned)r->event.start_mark.line + 1;
}

static bool wrong(reader *r, const char *what)
{
    return qn_why_say(r->why, "%s line %u: %s", r->s->file, line_of(r), what);
}

static bool step(reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event) != 0;
    if (!r->has_event)
        return qn_why_say(r->why, "%s line %zu: this is not YAML (%s)", r->s->file,
                          r->parser.problem_mark.line + 1,
                          r->parser.problem ? r->parser.problem : "unreadable");
    return true;
}

/* The next event, which must be of one type. */
static bool expect(reader *r, yaml_event_type_t type, const char *otherwise)
{
    return step(r) && (r->event.type == type || wrong(r, otherwise));
}

static bool scalar_text(reader *r, char out[SETTING_TEXT_MAX])
{
    size_t n = r->event.data.scalar.length;
    const char *p = (const char *)r->event.data.scalar.value;

    if (n == 0 || n >= SETTING_TEXT_MAX || memchr(p, 0, n) != NULL)
        return wrong(r, n == 0 ? "the value is empty" : "the value is too long");
    memcpy(out, p, n);
    out[n] = '\0';
    return true;
}

static bool add_scalar(reader *r, key_id k, unsigned line)
{
    char text[SETTING_TEXT_MAX];
    qn_why why;

    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "values are plain texts or numbers, or lists of them for exit.rule, "
                        "exit.ports and exit.allow");
    if (!scalar_text(r, text))
        return false;
    return settings_add(r->s, k, text, FROM_FILE, line, why) || wrong(r, why);
}

static bool add_value(reader *r, key_id k)
{
    unsigned line;

    if (!step(r))
        return false;
    line = line_of(r);
    if (r->event.type != YAML_SEQUENCE_START_EVENT || !key_table[k].list)
        return add_scalar(r, k, line);
    for (;;) {
        if (!step(r))
            return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (!add_scalar(r, k, line))
            return false;
    }
}

static bool find_key(reader *r, key_id *k)
{
    char name[SETTING_TEXT_MAX];
    const key_info *near;

    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "keys are plain texts");
    if (!scalar_text(r, name))
        return false;
    for (*k = 0; *k < KEYS; (*k)++)
        if (strcmp(name, key_table[*k].name) == 0)
            break;
    if (*k < KEYS && r->seen[*k])
        return qn_why_say(r->why, "%s line %u: %s is set twice", r->s->file, line_of(r), name);
    if (*k < KEYS) {
        r->seen[*k] = true;
        return true;
    }
    near = settings_suggest(name);
    if (near != NULL)
        return qn_why_say(r->why, "%s line %u: '%s' is not a setting, did you mean '%s'?",
                          r->s->file, line_of(r), name, near->name);
    return qn_why_say(r->why, "%s line %u: '%s' is not a setting; see qnet.conf(5)", r->s->file,
                      line_of(r), name);
}

static bool read_mapping(reader *r)
{
    key_id k = KEYS;

    for (;;) {
        if (!step(r))
            return false;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!find_key(r, &k) || !add_value(r, k))
            return false;
    }
}

static bool read_stream(reader *r)
{
    if (!expect(r, YAML_STREAM_START_EVENT, "unreadable") || !step(r))
        return false;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return true; /* an empty file sets nothing */
    return expect(r, YAML_MAPPING_START_EVENT, "the file must be a list of 'key: value' lines") &&
           read_mapping(r) && expect(r, YAML_DOCUMENT_END_EVENT, "unreadable") &&
           expect(r, YAML_STREAM_END_EVENT, "one document only, please");
}

bool settings_read_file(settings *s, const char *path, qn_why why)
{
    reader r = {.s = s, .why = why};
    FILE *file = fopen(path, "re");
    bool ok;

    if (file == NULL)
        return qn_why_say(why, "cannot open the configuration %s: %s", path, strerror(errno));
    (void)snprintf(s->file, sizeof s->file, "%s", path);
    if (yaml_parser_initialize(&r.parser) == 0) {
        (void)fclose(file);
        return qn_why_say(why, "out of memory");
    }
    yaml_parser_set_input_file(&r.parser, file);
    ok = read_stream(&r);
    if (!ok && ferror(file) != 0)
        (void)qn_why_say(why, "cannot read the configuration %s: %s", path, strerror(errno));
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    (void)fclose(file);
    return ok;
}
