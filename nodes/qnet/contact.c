#include "contact.h"

#include "commands.h"
#include "htx_files.h"
#include "node_files.h"

#include <stdlib.h>
#include <string.h>

/* Where an operator's contact is being made. */
typedef struct contact {
    const qn_network *net;
    qn_env *env;
    qn_store store;
    qn_secret32 seed;
    uint8_t keys[QN_HTX_MIRROR_FILE_MAX], card[QN_HTX_CONTACT_CARD_MAX];
} contact;

/* The secret half goes into the operator's directory, before anybody can hold the public one. */
static int make_card(contact *c, const qn_htx_origin *facts, size_t *card_n, qn_why why)
{
    qn_span keys = {c->keys, sizeof c->keys}, card = {c->card, sizeof c->card}, old = {0};
    size_t keys_n = 0;
    qn_found found = qn_store_read(&c->store, "mirror-keys", &old, why);
    uint8_t place;
    qn_err err;

    free(old.p);
    if (found == QN_FOUND)
        (void)qn_why_say(why,
                         "%s has mirror keys already, so it belongs to a network; nothing was "
                         "changed",
                         c->store.path);
    if (found != QN_ABSENT)
        return EXIT_STATE;
    err = qn_network_place(c->net, &c->seed, &place)
              ? qn_htx_found(c->env, &c->net->operators[place].id, facts, QN_HTX_EPOCHS_MAX, keys,
                             &keys_n, card, card_n)
              : QN_CONFIG;
    if (err != QN_OK) {
        (void)qn_why_say(why, "the origin of %s cannot be an operator's: %s", c->store.path,
                         qn_err_text(err));
        return EXIT_CONFIG;
    }
    return replay_begin(&c->store, c->env, why) &&
                   qn_store_write_secret(&c->store, "mirror-keys", (qn_slice){c->keys, keys_n}, why)
               ? EXIT_FINE
               : EXIT_STATE;
}

static int make_contact(contact *c, const char *origin, qn_span out, size_t *n, qn_why why)
{
    static origin_file file;
    qn_htx_origin facts;
    size_t card_n = 0;
    qn_err err;
    int status;

    if (!origin_file_read(origin, &file, why))
        return EXIT_CONFIG;
    origin_facts(&file, &facts);
    status = operator_key_of_state(&c->store, &c->seed, why);
    if (status == EXIT_FINE)
        status = make_card(c, &facts, &card_n, why);
    if (status != EXIT_FINE)
        return status;
    err = qn_network_contact(c->net, &c->seed, (qn_slice){c->card, card_n}, out.p, out.n, n);
    if (err == QN_OK)
        return EXIT_FINE;
    (void)qn_why_say(why, "%s: cannot sign the contact: %s", c->store.path, qn_err_text(err));
    return EXIT_FAILED;
}

int contact_make(const qn_network *net, qn_env *env, const char *state, const char *origin,
                 qn_span out, size_t *n, qn_why why)
{
    static contact c; /* some KiB, and secret */
    int status;

    c.net = net;
    c.env = env;
    if (!qn_store_open_shared(&c.store, state, why))
        return EXIT_STATE;
    status = make_contact(&c, origin, out, n, why);
    qn_store_close(&c.store);
    explicit_bzero(&c, sizeof c);
    return status;
}
