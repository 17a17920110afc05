/* Shared by the support files only. */
#ifndef QT_INTERNAL_H
#define QT_INTERNAL_H

#include <stddef.h>

/* Zeroed memory that lives until exit, always reachable, so leak checkers stay quiet about it. */
void *qt__keep(size_t n);
/* A whole file, NUL-terminated; dies when it cannot be read. */
char *qt__read(const char *dir, const char *name, size_t *n);

#endif
