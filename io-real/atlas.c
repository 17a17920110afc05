#include "io-real/atlas.h"

#include "io-real/sockets.h"

#include <string.h>

/* The string at this path of keys, when it is two capital letters. */
static bool get_country(MMDB_entry_s *entry, const char *const *path, char out[3])
{
    MMDB_entry_data_s d;

    if (MMDB_aget_value(entry, &d, path) != MMDB_SUCCESS || !d.has_data ||
        d.type != MMDB_DATA_TYPE_UTF8_STRING || d.data_size != 2)
        return false;
    for (int i = 0; i < 2; i++)
        if (d.utf8_string[i] < 'A' || d.utf8_string[i] > 'Z')
            return false;
    memcpy(out, d.utf8_string, 2);
    out[2] = '\0';
    return true;
}

static void get_as(MMDB_entry_s *entry, uint32_t *out)
{
    static const char *const path[] = {"autonomous_system_number", NULL};
    MMDB_entry_data_s d;

    if (MMDB_aget_value(entry, &d, path) == MMDB_SUCCESS && d.has_data &&
        d.type == MMDB_DATA_TYPE_UINT32)
        *out = d.uint32;
}

/* As DB-IP's tables have it, and as MaxMind's. */
static void read_entry(MMDB_entry_s *entry, qn_spot *out)
{
    static const char *const flat[] = {"country_code", NULL};
    static const char *const deep[] = {"country", "iso_code", NULL};

    if (out->country[0] == '\0' && !get_country(entry, flat, out->country))
        (void)get_country(entry, deep, out->country);
    if (out->as == 0)
        get_as(entry, &out->as);
}

static void find(void *ctx, const qn_addr *a, qn_spot *out)
{
    qn_atlas_files *f = ctx;
    qn_sockaddr at = qn_sockaddr_of(a);

    for (unsigned i = 0; i < f->n; i++) {
        int err = MMDB_SUCCESS;
        MMDB_lookup_result_s r = MMDB_lookup_sockaddr(&f->table[i], &at.u.any, &err);

        if (err == MMDB_SUCCESS && r.found_entry)
            read_entry(&r.entry, out);
    }
}

bool qn_atlas_add(qn_atlas_files *a, const char *path, qn_why why)
{
    int err;

    if (a->n == QN_ATLAS_TABLES)
        return qn_why_say(why, "more than %d tables of addresses", QN_ATLAS_TABLES);
    err = MMDB_open(path, MMDB_MODE_MMAP, &a->table[a->n]);
    if (err != MMDB_SUCCESS)
        return qn_why_say(why, "cannot read %s as a MaxMind DB: %s", path, MMDB_strerror(err));
    a->path[a->n++] = path;
    a->atlas = (qn_atlas){.find = find, .ctx = a};
    return true;
}

int64_t qn_atlas_made(const qn_atlas_files *a, unsigned i)
{
    return (int64_t)a->table[i].metadata.build_epoch;
}

void qn_atlas_close(qn_atlas_files *a)
{
    while (a->n > 0)
        MMDB_close(&a->table[--a->n]);
    a->atlas = (qn_atlas){0};
}
