/*
 * qnet network rotate and sign, and the roots of complete: other operators for a network that
 * exists. As at its founding no process holds the keys of two operators.
 */
#include "commands.h"
#include "founding.h"
#include "node_files.h"

#include <stdlib.h>
#include <string.h>

/* ---- rotate ---------------------------------------------------------------------------------- */

int network_rotate(const step *s, qn_env *env, qn_why why)
{
    static qn_network net, next;
    uint8_t root[QN_ROOT_MAX];
    qn_span file;
    size_t n = 0;
    int status;

    if (s->network == NULL || s->entries == 0 || s->out == NULL) {
        (void)qn_why_say(why, "--network, every operator's --operator-entry and --out are needed");
        return EXIT_USAGE;
    }
    status = network_load(s->network, env, &net, &file, why);
    if (status != EXIT_FINE)
        return status;
    free(file.p);
    next = net;
    next.root = net.root + 1;
    next.operators_n = 0;
    for (unsigned i = 0; i < s->entries && status == EXIT_FINE; i++)
        status = entry_add(&next, s->entry[i], why);
    next.threshold =
        s->threshold != 0 ? (uint8_t)s->threshold : (uint8_t)(next.operators_n / 2 + 1);
    if (status != EXIT_FINE)
        return status;
    if (qn_root_draft(&next, env->wall, root, sizeof root, &n) != QN_OK) {
        (void)qn_why_say(why, "these cannot be a network's operators: the threshold must be a "
                              "majority, and each operator a node of its own");
        return EXIT_CONFIG;
    }
    return qn_file_write(s->out, (qn_slice){root, n}, why) ? EXIT_FINE : EXIT_FAILED;
}

/* ---- sign ------------------------------------------------------------------------------------ */

/* Whoever signs is to see what. */
static int show_root(const qn_network *next, qn_env *env, qn_why why)
{
    char id[QN_PEERID_TEXT + 1], addr[QN_ADDR_TEXT];

    (void)printf("root %u: %u of these %u operators sign a list\n", next->root, next->threshold,
                 next->operators_n);
    for (unsigned i = 0; i < next->operators_n; i++) {
        if (qn_peerid_text(env, &next->operators[i].id, id) != QN_OK) {
            (void)qn_why_say(why, "cannot write a PeerID: OpenSSL failed");
            return EXIT_FAILED;
        }
        qn_addr_text(&next->operators[i].addr, addr);
        (void)printf("  operator  %s at %s\n", id, addr);
    }
    return EXIT_FINE;
}

static int sign_root(const step *s, const qn_network *net, qn_slice root, qn_env *env, qn_why why)
{
    static qn_network next;
    uint8_t out[QN_ROOT_MAX];
    qn_secret32 seed;
    qn_store store;
    size_t n = 0;
    qn_err err = qn_root_read(&next, root);
    int status;

    if (err == QN_OK && next.root != net->root + 1)
        err = QN_STALE;
    if (err != QN_OK) {
        (void)qn_why_say(why, "%s is not the root that follows this network's: %s", s->root[0],
                         qn_err_text(err));
        return EXIT_CONFIG;
    }
    status = show_root(&next, env, why);
    if (status != EXIT_FINE)
        return status;
    if (!qn_store_open_shared(&store, s->state, why))
        return EXIT_STATE;
    status = operator_key_of_state(&store, &seed, why);
    qn_store_close(&store);
    if (status != EXIT_FINE)
        return status;
    err = qn_root_sign(net, root, &seed, out, sizeof out, &n);
    explicit_bzero(&seed, sizeof seed);
    if (err != QN_OK) {
        (void)qn_why_say(why,
                         "this operator is neither one of the network's nor one of the root's");
        return EXIT_CONFIG;
    }
    return qn_file_write(s->out, (qn_slice){out, n}, why) ? EXIT_FINE : EXIT_FAILED;
}

int network_sign(const step *s, qn_env *env, qn_why why)
{
    static qn_network net;
    qn_span file, root;
    int status;

    if (s->network == NULL || s->roots != 1 || s->state == NULL || s->out == NULL) {
        (void)qn_why_say(why, "--network, one --root, --state and --out are needed");
        return EXIT_USAGE;
    }
    status = network_load(s->network, env, &net, &file, why);
    if (status != EXIT_FINE)
        return status;
    free(file.p);
    if (qn_file_read(s->root[0], &root, why) != QN_FOUND)
        return EXIT_CONFIG;
    status = sign_root(s, &net, (qn_slice){root.p, root.n}, env, why);
    free(root.p);
    return status;
}

/* ---- complete -------------------------------------------------------------------------------- */

static int join(const char *path, uint8_t root[QN_ROOT_MAX], size_t *n, qn_why why)
{
    static uint8_t both[QN_ROOT_MAX];
    qn_span more;
    size_t both_n = 0;
    qn_err err = QN_OK;

    if (qn_file_read(path, &more, why) != QN_FOUND)
        return EXIT_CONFIG;
    if (*n == 0 && more.n <= QN_ROOT_MAX)
        memcpy(both, more.p, both_n = more.n);
    else
        err = qn_root_join((qn_slice){root, *n}, (qn_slice){more.p, more.n}, both, sizeof both,
                           &both_n);
    free(more.p);
    if (err != QN_OK) {
        (void)qn_why_say(why, "%s is not a copy of the same root: %s", path, qn_err_text(err));
        return EXIT_CONFIG;
    }
    memcpy(root, both, *n = both_n);
    return EXIT_FINE;
}

int network_join_roots(const step *s, qn_network *net, uint8_t root[QN_ROOT_MAX], size_t *n,
                       qn_why why)
{
    uint32_t before = net->root;
    qn_err err;

    *n = 0;
    for (unsigned i = 0; i < s->roots; i++) {
        int status = join(s->root[i], root, n, why);

        if (status != EXIT_FINE)
            return status;
    }
    if (s->roots == 0)
        return EXIT_FINE;
    err = qn_roots_apply(net, (qn_slice){root, *n});
    if (err == QN_OK && net->root == before + 1)
        return EXIT_FINE;
    (void)qn_why_say(why,
                     "the root does not follow the network's (%s): a majority of the operators "
                     "there were and one of those there will be must have signed it",
                     err == QN_OK ? "it is known already" : qn_err_text(err));
    return EXIT_CONFIG;
}
