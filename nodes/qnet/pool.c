#include "pool.h"

#include "commands.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- invitations ----------------------------------------------------------------------------- */

static int find(const pool *p, const qn_peerid *id)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (qn_peerid_equal(&p->id[i], id))
            return (int)i;
    return -1;
}

static void forget(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* The texts follow their ids; a pool is small, and this is done once a command. */
static void arrange(pool *p)
{
    static qn_peerid was[POOL_ENTRIES_MAX];
    static char *text[POOL_ENTRIES_MAX];

    memcpy(was, p->id, sizeof was);
    memcpy(text, p->text, sizeof text);
    qn_handout_arrange(&p->key, p->id, p->n);
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < p->n; k++)
            if (qn_peerid_equal(&p->id[i], &was[k]))
                p->text[i] = text[k];
}

static bool add_one(pool *p, const qn_peerid *id, const char *text, qn_why why)
{
    int at = find(p, id);
    char *copy = strdup(text);

    if (copy == NULL)
        return qn_why_say(why, "out of memory");
    if (at < 0 && p->n == POOL_ENTRIES_MAX) {
        forget(copy);
        return qn_why_say(why, "a pool holds invitations to %d nodes", POOL_ENTRIES_MAX);
    }
    if (at >= 0)
        forget(p->text[at]);
    else
        p->id[at = (int)p->n++] = *id;
    p->text[at] = copy;
    return true;
}

/* The next invitation of the text, as bytes; QN_GONE: there is none any more. */
static qn_err next_of(qn_env *env, const qn_network *net, qn_slice *text,
                      uint8_t bytes[QN_INVITATION_MAX], size_t *n, qn_invitation_facts *f)
{
    char reason[160];
    qn_err err = qn_invitation_next(env, text, bytes, n, reason);

    return err == QN_OK ? qn_invitation_check(env, net, (qn_slice){bytes, *n}, f, reason) : err;
}

bool pool_add(pool *p, qn_env *env, const qn_network *net, qn_slice text, unsigned *taken,
              unsigned *bad, qn_why why)
{
    static char line[QN_INVITATION_TEXT];
    uint8_t bytes[QN_INVITATION_MAX];
    qn_invitation_facts f;
    bool ok = true;
    size_t n;
    qn_err err;

    *taken = *bad = 0;
    while (ok && (err = next_of(env, net, &text, bytes, &n, &f)) != QN_GONE) {
        if (err == QN_OK)
            err = qn_invitation_text(env, (qn_slice){bytes, n}, line);
        if (err == QN_OK)
            ok = add_one(p, &f.id, line, why);
        *taken += err == QN_OK && ok;
        *bad += err != QN_OK;
    }
    explicit_bzero(line, sizeof line);
    explicit_bzero(bytes, sizeof bytes);
    arrange(p);
    return ok;
}

static bool drop_one(pool *p, const qn_peerid *id)
{
    int at = find(p, id);

    if (at < 0)
        return false;
    forget(p->text[at]);
    p->n--;
    p->id[at] = p->id[p->n];
    p->text[at] = p->text[p->n];
    return true;
}

unsigned pool_drop(pool *p, qn_env *env, const qn_network *net, qn_slice text)
{
    uint8_t bytes[QN_INVITATION_MAX];
    qn_invitation_facts f;
    unsigned dropped = 0;
    size_t n;
    qn_err err;

    while ((err = next_of(env, net, &text, bytes, &n, &f)) != QN_GONE)
        dropped += err == QN_OK && drop_one(p, &f.id);
    explicit_bzero(bytes, sizeof bytes);
    arrange(p);
    return dropped;
}

/* ---- accounts -------------------------------------------------------------------------------- */

void pool_account_id(const pool *p, const char *name, char id[POOL_ACCOUNT_ID])
{
    uint8_t hash[16];

    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)name, strlen(name), p->key.b,
                             sizeof p->key.b);
    (void)sodium_bin2hex(id, POOL_ACCOUNT_ID, hash, sizeof hash);
}

qn_handout_account pool_account(const pool *p, const char *id)
{
    json_t *o = json_object_get(p->accounts, id);
    json_int_t since = 0, given = 0, turn = 0;
    int old = 0;

    if (o == NULL || json_unpack(o, "{sI sI sI sb}", "since", &since, "given", &given, "turn",
                                 &turn, "old", &old) != 0)
        return (qn_handout_account){0};
    return (qn_handout_account){
        .since = since, .given = given, .turn = (uint32_t)turn, .old = old != 0};
}

bool pool_remember(pool *p, const char *id, const qn_handout_account *a)
{
    json_t *o;

    if (json_object_get(p->accounts, id) == NULL &&
        json_object_size(p->accounts) >= POOL_ACCOUNTS_MAX)
        return false;
    o = json_pack("{sI sI sI sb}", "since", (json_int_t)a->since, "given", (json_int_t)a->given,
                  "turn", (json_int_t)a->turn, "old", (int)a->old);
    return json_object_set_new(p->accounts, id, o) == 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static json_t *load(const qn_store *s, const char *name, int *status, qn_why why)
{
    qn_span text;
    qn_found found = qn_store_read(s, name, &text, why);
    json_t *o;

    *status = found == QN_UNUSABLE ? EXIT_STATE : EXIT_FINE;
    if (found != QN_FOUND)
        return NULL;
    o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    explicit_bzero(text.p, text.n);
    free(text.p);
    if (json_is_object(o))
        return o;
    json_decref(o);
    *status = EXIT_STATE;
    (void)qn_why_say(why, "%s/%s is damaged; restore it from a backup", s->path, name);
    return NULL;
}

static bool save(const qn_store *s, const char *name, json_t *o, qn_why why)
{
    char *text = o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
    bool ok;

    if (text == NULL)
        return qn_why_say(why, "out of memory");
    ok = qn_store_write_secret(s, name, (qn_slice){(const uint8_t *)text, strlen(text)}, why);
    forget(text);
    return ok;
}

static int open_key(pool *p, const qn_store *s, qn_env *env, qn_why why)
{
    qn_found found = qn_store_read_key(s, "pool", &p->key, why);

    if (found != QN_ABSENT)
        return found == QN_FOUND ? EXIT_FINE : EXIT_STATE;
    env->rng.fill(env->rng.ctx, p->key.b, sizeof p->key.b);
    return qn_store_write_key(s, "pool", &p->key, why) ? EXIT_FINE : EXIT_STATE;
}

static int read_pool(pool *p, const json_t *o, qn_env *env, const qn_network *net,
                     const qn_store *s, qn_why why)
{
    const json_t *list = json_object_get(o, "invitations");
    json_int_t every, young, percent;
    unsigned taken, bad;
    size_t i;
    json_t *one;

    if (json_unpack((json_t *)(uintptr_t)o, "{s{sI sI sI}}", "policy", "every_days", &every,
                    "young_days", &young, "young_percent", &percent) != 0 ||
        every < 1 || every > 365 || young < 1 || young > 365 || percent < 1 || percent > 100 ||
        !json_is_array(list)) {
        (void)qn_why_say(why, "%s/pool is damaged; restore it from a backup", s->path);
        return EXIT_STATE;
    }
    p->policy = (qn_handout_policy){.every_days = (uint32_t)every,
                                    .young_days = (uint32_t)young,
                                    .young_percent = (uint32_t)percent};
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        const char *text = json_is_string(one) ? json_string_value(one) : "";

        if (!pool_add(p, env, net, (qn_slice){(const uint8_t *)text, strlen(text)}, &taken, &bad,
                      why))
            return EXIT_STATE;
    }
    return EXIT_FINE;
}

int pool_open(pool *p, const qn_store *s, qn_env *env, const qn_network *net, qn_why why)
{
    json_t *o = NULL;
    int status;

    memset(p, 0, sizeof *p);
    p->policy = (qn_handout_policy){.every_days = 7, .young_days = 30, .young_percent = 10};
    status = open_key(p, s, env, why);
    if (status == EXIT_FINE)
        o = load(s, "pool", &status, why);
    if (o != NULL)
        status = read_pool(p, o, env, net, s, why);
    json_decref(o);
    if (status == EXIT_FINE)
        p->accounts = load(s, "accounts", &status, why);
    if (p->accounts == NULL)
        p->accounts = json_object();
    if (status != EXIT_FINE)
        pool_close(p);
    return status;
}

bool pool_write_accounts(const pool *p, const qn_store *s, qn_why why)
{
    return save(s, "accounts", p->accounts, why);
}

bool pool_write(const pool *p, const qn_store *s, qn_why why)
{
    json_t *list = json_array(), *o;
    bool ok;

    for (uint32_t i = 0; i < p->n; i++)
        (void)json_array_append_new(list, json_string(p->text[i]));
    o = json_pack("{si s{si si si} so}", "schema", 1, "policy", "every_days",
                  (int)p->policy.every_days, "young_days", (int)p->policy.young_days,
                  "young_percent", (int)p->policy.young_percent, "invitations", list);
    ok = save(s, "pool", o, why);
    json_decref(o);
    return ok && pool_write_accounts(p, s, why);
}

void pool_close(pool *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        forget(p->text[i]);
    json_decref(p->accounts);
    explicit_bzero(p, sizeof *p);
}
