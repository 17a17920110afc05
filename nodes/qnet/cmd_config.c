/* qnet config check|dump. */
#include "commands.h"
#include "config.h"

#include <string.h>

static void dump(const settings *s, const config *c)
{
    char source[320];

    for (unsigned k = 0; k < KEYS; k++) {
        const setting *v = &s->v[k];

        (void)printf("%s: ", key_table[k].name);
        if (key_table[k].list)
            (void)putchar('[');
        for (unsigned i = 0; i < v->n; i++)
            (void)printf("%s\"%s\"", i ? ", " : "", v->text[i]);
        if (key_table[k].list)
            (void)putchar(']');
        else if (k == KEY_SOCKS_PORT && v->n == 0)
            (void)fputs(c->socks.on ? "\"1088\"" : "\"off\"", stdout);
        else if (v->n == 0)
            (void)fputs("\"\"", stdout);
        (void)printf("  # %s\n", settings_source(s, (key_id)k, source));
    }
}

int cmd_config(int argc, char **argv)
{
    static settings s;
    const char *verb = argc > 1 ? argv[1] : "";
    bool check = strcmp(verb, "check") == 0;
    config c;
    qn_why why;
    int help, status;

    if (strcmp(verb, "--help") == 0) {
        (void)puts("usage: qnet config check|dump [--config FILE] [OPTIONS]\n\n"
                   "check says whether 'qnet run' would accept these settings; dump prints every\n"
                   "value with its origin. Options are those of 'qnet run --help'.");
        return EXIT_FINE;
    }
    if (!check && strcmp(verb, "dump") != 0)
        return complain(EXIT_USAGE, "say 'qnet config check' or 'qnet config dump'");
    status = settings_read(&s, check ? "config check" : "config dump",
                           check ? "Says whether 'qnet run' would accept these settings."
                                 : "Prints every setting and where its value came from.",
                           argc - 1, argv + 1, &help);
    if (status != EXIT_FINE || help)
        return status;
    if (!config_of(&s, &c, why) || (check && !config_can_run(&c, why)))
        return complain(EXIT_CONFIG, "%s", why);
    if (check)
        (void)puts("fine");
    else
        dump(&s, &c);
    return EXIT_FINE;
}
