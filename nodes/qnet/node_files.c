#include "node_files.h"

#include "commands.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int network_load(const char *path, qn_env *env, qn_network *out, qn_span *bytes, qn_why why)
{
    char reason[160] = "";

    if (qn_file_read(path, bytes, why) != QN_FOUND)
        return EXIT_CONFIG;
    if (qn_network_decode(out, env, bytes->p, bytes->n, reason) == QN_OK)
        return EXIT_FINE;
    free(bytes->p);
    bytes->p = NULL;
    (void)qn_why_say(why, "%s is not a usable network file: %s", path, reason);
    return EXIT_CONFIG;
}

static int kept_network(const qn_store *s, qn_env *env, qn_network *out, qn_span *kept, qn_why why)
{
    char reason[160] = "";
    qn_found found = qn_store_read(s, "network", kept, why);

    if (found == QN_ABSENT)
        (void)qn_why_say(why,
                         "which network? Join one with --network FILE, the file its founder gives "
                         "out, or found your own: 'qnet network init --help'");
    if (found != QN_FOUND)
        return found == QN_ABSENT ? EXIT_CONFIG : EXIT_STATE;
    if (qn_network_decode(out, env, kept->p, kept->n, reason) == QN_OK)
        return EXIT_FINE;
    free(kept->p);
    kept->p = NULL;
    (void)qn_why_say(why, "%s/network is damaged: %s; give --network FILE again", s->path, reason);
    return EXIT_STATE;
}

/* A snapshot of another network would be worthless, and an identity known in two networks links
 * them. The same network's file may have new contacts. A damaged copy names no network: the file
 * given replaces it, as kept_network() advises. */
static int keep_network(const qn_store *s, qn_env *env, qn_span fresh, const qn_network *net,
                        qn_why why)
{
    static qn_network other; /* some KiB */
    char reason[160] = "";
    qn_span kept;
    qn_found found = qn_store_read(s, "network", &kept, why);
    bool same = false, foreign = false;

    if (found == QN_UNUSABLE)
        return EXIT_STATE;
    if (found == QN_FOUND) {
        same = kept.n == fresh.n && memcmp(kept.p, fresh.p, kept.n) == 0;
        foreign = qn_network_decode(&other, env, kept.p, kept.n, reason) == QN_OK &&
                  memcmp(other.id, net->id, sizeof net->id) != 0;
        free(kept.p);
    }
    if (same)
        return EXIT_FINE;
    if (!foreign)
        return qn_store_write(s, "network", (qn_slice){fresh.p, fresh.n}, why) ? EXIT_FINE
                                                                               : EXIT_STATE;
    (void)qn_why_say(why, "%s belongs to another network; use a state directory for each", s->path);
    return EXIT_STATE;
}

int network_of_state(const qn_store *s, const char *path, qn_env *env, qn_network *out,
                     qn_span *bytes, qn_why why)
{
    int status;

    if (path[0] == '\0')
        return kept_network(s, env, out, bytes, why);
    status = network_load(path, env, out, bytes, why);
    return status == EXIT_FINE ? keep_network(s, env, *bytes, out, why) : status;
}

int keys_of_state(const qn_store *s, qn_env *env, qn_keys *keys, bool *made, qn_why why)
{
    qn_found found = qn_store_read_keys(s, keys, why);

    *made = found == QN_ABSENT;
    if (found != QN_ABSENT)
        return found == QN_FOUND ? EXIT_FINE : EXIT_STATE;
    qn_keys_generate(env, keys);
    return qn_store_write_keys(s, keys, why) ? EXIT_FINE : EXIT_STATE;
}

int operator_key_of_state(const qn_store *s, qn_secret32 *key, qn_why why)
{
    qn_found found = qn_store_read_key(s, "operator", key, why);

    if (found == QN_ABSENT)
        (void)qn_why_say(
            why,
            "%s has no operator key; make one with 'qnet keygen --operator --state %s' "
            "and have the network's founder list it",
            s->path, s->path);
    return found == QN_FOUND ? EXIT_FINE : EXIT_STATE;
}

static void set_addr(json_t *o, const char *name, const qn_addr *a)
{
    char text[QN_ADDR_TEXT];

    if (a->family != 0)
        qn_addr_text(a, text);
    (void)json_object_set_new(o, name, a->family != 0 ? json_string(text) : json_null());
}

bool run_file_write(const qn_store *s, const char *mode, const char *peer_id,
                    const qn_world_addrs *where, qn_why why)
{
    json_t *o = json_pack("{si ss ss si}", "schema", 1, "mode", mode, "peer_id", peer_id, "pid",
                          (int)getpid());
    char *text;
    bool ok;

    set_addr(o, "listen", &where->link);
    set_addr(o, "socks", &where->socks);
    set_addr(o, "status", &where->status);
    set_addr(o, "directory", &where->directory);
    text = json_dumps(o, JSON_INDENT(2));
    json_decref(o);
    if (text == NULL)
        return qn_why_say(why, "out of memory");
    ok = qn_store_write(s, "run.json", (qn_slice){(const uint8_t *)text, strlen(text)}, why);
    free(text);
    return ok;
}

void run_file_remove(const qn_store *s)
{
    qn_store_remove(s, "run.json");
}
