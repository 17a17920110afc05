/* What it reads: profiles and trusted certificates. */
#include "check.h"

#include "io-real/file.h"
#include "nodes/qnet/profiles.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define SUFFIX ".cbor"

static bool profile_load(check *k, profile *p, const char *file)
{
    qn_env *env = &k->site.real.env;
    char path[1024];
    qn_why why;

    (void)snprintf(path, sizeof path, "%s/%s", k->profiles, file);
    (void)snprintf(p->name, sizeof p->name, "%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
    if (qn_file_load(qn_place_of(path), false, &p->bytes, why) != QN_FOUND)
        return complain(false, "cannot read the profile %s", path);
    if (qn_tls_profile_read(&p->tls, env, qn_slice_of(p->bytes.p, p->bytes.n)) != QN_OK ||
        qn_h2_profile_read(&p->h2, p->tls.http2) != QN_OK)
        return complain(false, "%s is no profile", path);
    if (qn_tls_profile_fresh(&p->tls, env->wall) != QN_OK)
        find(k, WARNING, "profile-old",
             "the profile %s is past its date: what browsers send now may be answered otherwise",
             p->name);
    return true;
}

static int is_profile(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > strlen(SUFFIX) && strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

bool profiles_load(check *k)
{
    static char shipped[QN_STORE_PATH_MAX];
    struct dirent **entry = NULL;
    qn_why why;
    bool fine;
    int n;

    if (k->profiles == NULL && !profile_folder(shipped, why))
        return complain(false, "%s", why);
    if (k->profiles == NULL)
        k->profiles = shipped;
    n = scandir(k->profiles, &entry, is_profile, alphasort);
    fine = n > 0;
    if (!fine)
        (void)complain(0, "no profiles in %s: name their folder with --profiles", k->profiles);
    for (int i = 0; i < n; i++) {
        if (fine && k->profile_n < BROWSERS_MAX)
            fine = profile_load(k, &k->profile[k->profile_n++], entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    return fine;
}

void profiles_free(check *k)
{
    for (unsigned i = 0; i < k->profile_n; i++)
        free(k->profile[i].bytes.p);
}

bool roots_load(check *k)
{
    const char *path = k->ca != NULL ? k->ca : SYSTEM_ROOTS;
    qn_span bytes = {0};
    qn_why why;
    bool fine = qn_file_load(qn_place_of(path), false, &bytes, why) == QN_FOUND &&
                qn_roots_new(&k->site.roots, qn_slice_of(bytes.p, bytes.n)) == QN_OK;

    free(bytes.p);
    return fine ||
           complain(false, "%s holds no certificates in PEM: name those to trust with --ca", path);
}
