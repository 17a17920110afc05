#include "support/json.h"

json_t *qt_vector_json(const char *name)
{
    static json_t *kept; /* an array of all documents: reachable until exit */
    qn_slice text = qt_vector_file(name);
    json_error_t error;
    json_t *doc =
        json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (doc == NULL)
        qt_die("%s:%d: %s", name, error.line, error.text);
    if (kept == NULL)
        kept = json_array();
    if (json_array_append_new(kept, doc) != 0)
        qt_die("out of memory in the test itself");
    return doc;
}

json_t *qt_json_get(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);

    if (v == NULL)
        qt_die("a vector without the member '%s'", key);
    return v;
}

const char *qt_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(qt_json_get(object, key));

    if (text == NULL)
        qt_die("the member '%s' is not text", key);
    return text;
}

json_int_t qt_json_int(const json_t *object, const char *key)
{
    json_t *v = qt_json_get(object, key);

    if (!json_is_integer(v))
        qt_die("the member '%s' is not an integer", key);
    return json_integer_value(v);
}

qn_slice qt_json_hex(const json_t *object, const char *key)
{
    return qt_hex(qt_json_text(object, key));
}
