/* Vectors published as JSON. Test-only use of jansson; same rules as qt.h: kept until exit. */
#ifndef QT_JSON_H
#define QT_JSON_H

#include "support/qt.h"

#include <jansson.h>

json_t *qt_vector_json(const char *name);
/* Members; each dies when the member is missing or of another type. */
json_t *qt_json_get(const json_t *object, const char *key);
const char *qt_json_text(const json_t *object, const char *key);
json_int_t qt_json_int(const json_t *object, const char *key);
qn_slice qt_json_hex(const json_t *object, const char *key);

#endif
