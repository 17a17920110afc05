#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".cbor"
#define KEPT_AS "profile" /* in the state directory */

/* ---- age ------------------------------------------------------------------------------------- */

profile_age profile_judge(int64_t until, int64_t wall)
{
    if (wall >= until)
        return PROFILE_ENDED;
    return until - wall <= PROFILE_WARN_SECONDS ? PROFILE_ENDS_SOON : PROFILE_FRESH;
}

void profile_advise(const char *name, int64_t until, profile_age age, qn_why out)
{
    time_t at = (time_t)until;
    struct tm day;
    char date[16] = "?";

    if (gmtime_r(&at, &day) != NULL)
        (void)strftime(date, sizeof date, "%Y-%m-%d", &day);
    (void)qn_why_say(out,
                     "the browser profile %s %s on %s, and a hello that the browser no longer "
                     "sends is a mark; update QNet, or record a new one with tools/profile-record "
                     "(see its --help) and name it with --profile FILE",
                     name, age == PROFILE_ENDED ? "ended" : "ends", date);
}

/* ---- the shipped ones ------------------------------------------------------------------------ */

bool shipped_path(const char *name, char out[QN_STORE_PATH_MAX], qn_why why)
{
    char program[QN_STORE_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    if (n < 0)
        return qn_why_say(why, "cannot tell where this program lies: %s", strerror(errno));
    program[n] = '\0';
    slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    if (snprintf(out, QN_STORE_PATH_MAX, "%s/../share/qnet/%s", program, name) >= QN_STORE_PATH_MAX)
        return qn_why_say(why, "this program's path is too long");
    return true;
}

bool profile_folder(char out[QN_STORE_PATH_MAX], qn_why why)
{
    return shipped_path("profiles", out, why);
}

typedef struct shipped {
    char name[PROFILES_MAX][PROFILE_NAME_MAX];
    unsigned n;
} shipped;

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool list(const char *folder, shipped *all, qn_why why)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;

    if (dir == NULL)
        return qn_why_say(why, "cannot look into %s for browser profiles: %s", folder,
                          strerror(errno));
    while ((e = readdir(dir)) != NULL && all->n < PROFILES_MAX) {
        size_t n = strlen(e->d_name), suffix = sizeof SUFFIX - 1;

        if (n <= suffix || n - suffix >= PROFILE_NAME_MAX ||
            strcmp(e->d_name + n - suffix, SUFFIX) != 0)
            continue;
        memcpy(all->name[all->n], e->d_name, n - suffix);
        all->name[all->n++][n - suffix] = '\0';
    }
    (void)closedir(dir);
    qsort(all->name, all->n, sizeof all->name[0], by_name);
    return all->n > 0 || qn_why_say(why, "there is no browser profile in %s", folder);
}

static const char *shipped_name(const shipped *all, const char *name, size_t n)
{
    for (unsigned i = 0; i < all->n; i++)
        if (strlen(all->name[i]) == n && memcmp(all->name[i], name, n) == 0)
            return all->name[i];
    return NULL;
}

static bool no_such(const shipped *all, const char *name, qn_why why)
{
    char names[QN_WHY_MAX / 2] = "";
    size_t n = 0;

    for (unsigned i = 0; i < all->n && n < sizeof names - PROFILE_NAME_MAX - 2; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", all->name[i]);
    return qn_why_say(why,
                      "profile: '%.64s' is none of those shipped (%s); a file's path has a "
                      "slash",
                      name, names);
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Uniform: a client of ours should not be more alike than it must. */
static const char *draw(const shipped *all, qn_env *env)
{
    uint32_t r;

    do /* what lies above the last whole round would favour the first names */
        env->rng.fill(env->rng.ctx, &r, sizeof r);
    while (r >= UINT32_MAX - UINT32_MAX % all->n);
    return all->name[r % all->n];
}

/* A name that is no longer shipped, after an update, is replaced. */
static const char *kept(const shipped *all, const qn_store *s)
{
    const char *name = NULL;
    qn_span bytes;
    qn_why why;

    if (qn_store_read(s, KEPT_AS, &bytes, why) != QN_FOUND)
        return NULL;
    if (bytes.n > 1 && bytes.p[bytes.n - 1] == '\n')
        name = shipped_name(all, (const char *)bytes.p, bytes.n - 1);
    free(bytes.p);
    return name;
}

static const char *drawn(const shipped *all, const qn_store *s, qn_env *env, qn_why why)
{
    char line[PROFILE_NAME_MAX + 1];
    const char *name = kept(all, s);
    int n;

    if (name != NULL)
        return name;
    name = draw(all, env);
    n = snprintf(line, sizeof line, "%s\n", name);
    return qn_store_write(s, KEPT_AS, (qn_slice){(const uint8_t *)line, (size_t)n}, why) ? name
                                                                                         : NULL;
}

bool profile_find(const char *setting, const char *folder, const qn_store *s, qn_env *env,
                  char name[PROFILE_NAME_MAX], char path[QN_STORE_PATH_MAX], qn_why why)
{
    shipped all = {.n = 0};
    const char *found;

    if (strchr(setting, '/') != NULL) {
        (void)snprintf(name, PROFILE_NAME_MAX, "%s", strrchr(setting, '/') + 1);
        return snprintf(path, QN_STORE_PATH_MAX, "%s", setting) < QN_STORE_PATH_MAX ||
               qn_why_say(why, "the profile's path is too long");
    }
    if (!list(folder, &all, why))
        return false;
    found = setting[0] != '\0' ? shipped_name(&all, setting, strlen(setting))
                               : drawn(&all, s, env, why);
    if (found == NULL && setting[0] != '\0')
        return no_such(&all, setting, why);
    if (found == NULL)
        return false;
    (void)snprintf(name, PROFILE_NAME_MAX, "%s", found);
    return snprintf(path, QN_STORE_PATH_MAX, "%s/%s" SUFFIX, folder, found) < QN_STORE_PATH_MAX ||
           qn_why_say(why, "the path of %s is too long", folder);
}
