#include "htx_files.h"

#include "commands.h"
#include "io-real/world.h"

#include <stdlib.h>
#include <string.h>

/* ---- the origin ------------------------------------------------------------------------------ */

static void pages_of(const origin_pages *from, qn_htx_page *to, uint8_t *n)
{
    for (uint8_t i = 0; i < from->n; i++) {
        const char *path = from->v[i].path;

        to[i] = (qn_htx_page){.path = {(const uint8_t *)path, strlen(path)},
                              .largest = from->v[i].largest};
    }
    *n = from->n;
}

static qn_htx_reaction reaction_of(origin_end e)
{
    return (qn_htx_reaction){.alert = e.alert, .reset = e.rst};
}

void origin_facts(const origin_file *o, qn_htx_origin *out)
{
    *out = (qn_htx_origin){.names_n = o->names_n,
                           .mirror = o->mirror,
                           .addr = o->unix_path[0] != '\0' ? QN_ORIGIN_ON_PATH : o->addr,
                           .flight = o->flight_full,
                           .flight_resumed = o->flight_resumed,
                           .alert = o->alert,
                           .on_fatal = reaction_of(o->after_fatal),
                           .on_close_notify = reaction_of(o->after_notify),
                           .goaway = o->goaway,
                           .largest_record = o->max_record,
                           .requests = o->requests,
                           .seconds = o->seconds,
                           .idle = o->idle};
    for (uint8_t i = 0; i < o->names_n; i++)
        out->name[i] = (qn_slice){(const uint8_t *)o->name[i], strlen(o->name[i])};
    pages_of(&o->first, out->first, &out->first_n);
    pages_of(&o->second, out->second, &out->second_n);
}

_Static_assert(ORIGIN_NAMES_MAX <= QN_HTX_NAMES_MAX && ORIGIN_PAGES_MAX <= QN_HTX_PAGES_MAX,
               "what fits the file fits the node");

/* ---- what was kept --------------------------------------------------------------------------- */

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_FILE "replay.boot" /* of which boot the replay set beside it is */

/* Which boot this is; "" if that cannot be told. It is no plain file: its size is 0. */
typedef struct boot_id {
    char text[64];
    size_t n;
} boot_id;

static boot_id this_boot(void)
{
    boot_id b = {.n = 0};
    FILE *in = fopen(BOOT_ID, "re");

    if (in == NULL)
        return b;
    b.n = fread(b.text, 1, sizeof b.text, in);
    (void)fclose(in);
    return b;
}

static bool same_boot(const qn_store *s, const boot_id *now)
{
    qn_span kept;
    qn_why why;
    bool same;

    if (qn_store_read(s, BOOT_FILE, &kept, why) != QN_FOUND)
        return false;
    same = now->n > 0 && kept.n == now->n && memcmp(kept.p, now->text, now->n) == 0;
    free(kept.p);
    return same;
}

static bool mark_boot(const qn_store *s, const boot_id *now, qn_why why)
{
    return qn_store_write(s, BOOT_FILE, (qn_slice){(const uint8_t *)now->text, now->n}, why);
}

/* Tags are appended without a sync, so of an earlier boot's set some may be missing: then it is
 * none, and the core answers no tag of that time. */
static bool read_replay(htx_files *f, const qn_store *s, qn_why why)
{
    boot_id now = this_boot();

    if (same_boot(s, &now))
        return qn_store_read(s, "replay", &f->replay, why) != QN_UNUSABLE;
    qn_store_remove(s, "replay");
    return mark_boot(s, &now, why);
}

bool replay_begin(const qn_store *s, qn_env *env, qn_why why)
{
    uint8_t empty[QN_HTX_REPLAY_EMPTY];
    boot_id now = this_boot();

    env->rng.fill(env->rng.ctx, empty, sizeof empty);
    return qn_store_write(s, "replay", (qn_slice){empty, sizeof empty}, why) &&
           mark_boot(s, &now, why);
}

static int read_kept(htx_files *f, const qn_store *s, qn_why why)
{
    if (qn_store_read(s, "mirror-keys", &f->mirror_keys, why) == QN_UNUSABLE ||
        !read_replay(f, s, why))
        return EXIT_STATE;
    f->cfg.stored_mirror_keys = (qn_slice){f->mirror_keys.p, f->mirror_keys.n};
    f->cfg.stored_replay = (qn_slice){f->replay.p, f->replay.n};
    return EXIT_FINE;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int read_browser(htx_files *f, const config *c, const qn_store *s, qn_env *env, qn_why why)
{
    char folder[QN_STORE_PATH_MAX], path[QN_STORE_PATH_MAX];

    if (!profile_folder(folder, why) ||
        !profile_find(c->profile, folder, s, env, f->profile_name, path, why) ||
        qn_file_read(path, &f->profile, why) != QN_FOUND)
        return EXIT_CONFIG;
    if (qn_file_read(c->roots, &f->roots, why) != QN_FOUND) {
        size_t n = strlen(why);

        (void)snprintf(why + n, QN_WHY_MAX - n,
                       "; certificate authorities are in the package ca-certificates");
        return EXIT_CONFIG;
    }
    f->cfg.profile = (qn_slice){f->profile.p, f->profile.n};
    f->cfg.roots = (qn_slice){f->roots.p, f->roots.n};
    return EXIT_FINE;
}

int htx_files_open(htx_files *f, const config *c, const qn_store *s, qn_env *env, qn_why why)
{
    int status;

    memset(f, 0, sizeof *f);
    f->cfg.drain = c->drain;
    if (c->hosts[0] != '\0' && (f->hosts = qn_hosts_read(c->hosts, why)) == NULL)
        return EXIT_CONFIG;
    status = read_browser(f, c, s, env, why);
    if (status != EXIT_FINE || c->origin_file[0] == '\0')
        return status;
    if (!origin_file_read(c->origin_file, &f->origin, why))
        return EXIT_CONFIG;
    origin_facts(&f->origin, &f->facts);
    f->cfg.origin = &f->facts;
    return read_kept(f, s, why);
}

void htx_files_close(htx_files *f)
{
    qn_hosts_free(f->hosts);
    free(f->profile.p);
    free(f->roots.p);
    if (f->mirror_keys.p != NULL)
        explicit_bzero(f->mirror_keys.p, f->mirror_keys.n);
    free(f->mirror_keys.p);
    free(f->replay.p);
    memset(f, 0, sizeof *f);
}
