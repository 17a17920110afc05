/* A mesh of genuine visits needs a web site: OpenSSL's, in memory, and the profiles. */
#ifndef POCKET_HTX_SITE_H
#define POCKET_HTX_SITE_H

#include "pocket/mesh.h"
#include "support/origin/origin.h"
#include "support/qt.h"

enum { EPOCH = 1800000000 }; /* the pocket world's day */

static const char *const profiles[] = {"../../profiles/chromium-156.cbor",
                                       "../../profiles/firefox-esr-153.cbor"};

static qt_origin *origin;
static qn_slice profile;
static mesh_htx htx;
static mesh m;

static void *visit_open(void *of)
{
    return qt_visit_new(of);
}

static void visit_hear(void *v, const uint8_t *p, size_t n)
{
    qt_visit_hear(v, p, n);
}

static qn_slice visit_peek(const void *v)
{
    return qt_visit_peek(v);
}

static void visit_consume(void *v, size_t n)
{
    qt_visit_consume(v, n);
}

static bool visit_over(const void *v)
{
    return qt_visit_over(v);
}

static void visit_end(void *v)
{
    qt_visit_end(v);
}

static void visit_free(void *v)
{
    qt_visit_free(v);
}

static void set_out(unsigned which)
{
    origin = qt_origin_new("site.example", EPOCH);
    profile = qt_vector_file(profiles[which]);
    htx = (mesh_htx){.profile = profile,
                     .roots = qt_origin_roots(origin),
                     .origin = qt_origin_facts(origin),
                     .site = {.site = origin,
                              .open = visit_open,
                              .hear = visit_hear,
                              .peek = visit_peek,
                              .consume = visit_consume,
                              .over = visit_over,
                              .end = visit_end,
                              .free = visit_free}};
}

#endif
