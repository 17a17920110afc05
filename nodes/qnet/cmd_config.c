/* qnet config check|dump. */
#include "commands.h"
#include "htx_files.h"
#include "node_files.h"

#include <stdlib.h>
#include <string.h>

/* YAML's double quotes: what is not plain ASCII text is written as its bytes or as an escape. */
static void quote(const char *text)
{
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
    (void)putchar('"');
}

/* The output is a configuration file again, so a key without a value is a comment there. */
static void dump_key(const settings *s, const config *c, key_id k)
{
    const setting *v = &s->v[k];
    bool list = key_table[k].list;

    if (v->n == 0 && !list && k != KEY_SOCKS_PORT) {
        (void)printf("# %s:", key_table[k].name);
        return;
    }
    (void)printf("%s: %s", key_table[k].name, list ? "[" : "");
    for (unsigned i = 0; i < v->n; i++) {
        (void)fputs(i ? ", " : "", stdout);
        quote(v->text[i]);
    }
    if (v->n == 0 && k == KEY_SOCKS_PORT)
        quote(c->socks.on ? "1088" : "off");
    (void)fputs(list ? "]" : "", stdout);
}

static void dump(const settings *s, const config *c)
{
    char source[320];

    for (unsigned k = 0; k < KEYS; k++) {
        dump_key(s, c, (key_id)k);
        (void)printf("  # %s\n", settings_source(s, (key_id)k, source));
    }
}

/* What 'run' would read for the disguise, but a profile that is still to be drawn. */
static bool check_disguise(const config *c, qn_env *env, qn_why why)
{
    static origin_file origin;
    char folder[QN_STORE_PATH_MAX], path[QN_STORE_PATH_MAX], name[PROFILE_NAME_MAX];
    qn_hosts *hosts = c->hosts[0] != '\0' ? qn_hosts_read(c->hosts, why) : NULL;
    bool ok = c->hosts[0] == '\0' || hosts != NULL;

    qn_hosts_free(hosts);
    if (ok && c->origin_file[0] != '\0')
        ok = origin_file_read(c->origin_file, &origin, why);
    if (ok && c->profile[0] != '\0')
        ok = profile_folder(folder, why) &&
             profile_find(c->profile, folder, NULL, env, name, path, why);
    return ok;
}

/* 'run' would read the files that are named; so does a check. Returns an exit status. */
static int check(const config *c, qn_why why)
{
    static qn_network net;
    qn_real_env env;
    qn_span bytes;
    int status;

    if (!config_can_run(c, why))
        return EXIT_CONFIG;
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX)) {
        (void)qn_why_say(why, "out of memory");
        return EXIT_FAILED;
    }
    status = check_disguise(c, &env.env, why) ? EXIT_FINE : EXIT_CONFIG;
    if (status == EXIT_FINE && c->network[0] != '\0') { /* else the state directory may hold one */
        status = network_load(c->network, &env.env, &net, &bytes, why);
        if (status == EXIT_FINE)
            free(bytes.p);
    }
    qn_real_env_close(&env);
    return status;
}

int cmd_config(int argc, char **argv)
{
    static settings s;
    const char *verb = argc > 1 ? argv[1] : "";
    bool checking = strcmp(verb, "check") == 0;
    config c;
    qn_why why;
    int help, status;

    if (strcmp(verb, "--help") == 0) {
        (void)puts("usage: qnet config check|dump [--config FILE] [OPTIONS]\n\n"
                   "check says whether 'qnet run' would accept these settings; dump prints every\n"
                   "value with its origin. Options are those of 'qnet run --help'.");
        return EXIT_FINE;
    }
    if (!checking && strcmp(verb, "dump") != 0)
        return complain(EXIT_USAGE, "say 'qnet config check' or 'qnet config dump'");
    status = settings_read(&s, checking ? "config check" : "config dump",
                           checking ? "Says whether 'qnet run' would accept these settings."
                                    : "Prints every setting and where its value came from.",
                           argc - 1, argv + 1, &help);
    if (status != EXIT_FINE || help)
        return status;
    if (!config_of(&s, &c, why))
        return complain(EXIT_CONFIG, "%s", why);
    if (!checking) {
        dump(&s, &c);
        return EXIT_FINE;
    }
    status = check(&c, why);
    if (status != EXIT_FINE)
        return complain(status, "%s", why);
    (void)puts("fine");
    return EXIT_FINE;
}
