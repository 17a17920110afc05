/* Prints hellos as records in hex, one a line: tls_hellos PROFILE fresh|resumed COUNT */
#include "fixture.h"

#include <stdlib.h>

/* The fixture's own assertions want a running suite. */
static void print_hello(qt_env *t, const qn_tls_profile *p, const qn_tls_ticket *ticket)
{
    qn_tls_hello_spec spec = {
        .profile = p, .name = qn_slice_of(DECOY, strlen(DECOY)), .ticket = ticket, .binder = 48};
    tls_made m;

    qn_tls_draw_make(&m.draw, &t->env, p, ticket != NULL);
    qn_tls_shares_draw(&m.shares, &t->env, p->one_x25519);
    if (qn_tls_hello_write(&spec, &m.draw, &m.shares, &t->env, m.p, &m.n, &m.cut) != QN_OK)
        qt_die("no hello");
    (void)printf("160301%04zx%s\n", m.n, qt_unhex(m.p, m.n));
}

int main(int argc, char **argv)
{
    qt_env t;
    qn_tls_profile p;
    qn_tls_ticket ticket;
    bool resumed;

    if (argc != 4)
        qt_die("usage: tls_hellos PROFILE fresh|resumed COUNT");
    resumed = strcmp(argv[2], "resumed") == 0;
    qt_env_open(&t, 7);
    if (qn_tls_profile_read(&p, &t.env, tls_profile_bytes(argv[1])) != QN_OK)
        qt_die("%s is no profile", argv[1]);
    ticket = tls_ticket(&t);
    for (unsigned long i = strtoul(argv[3], NULL, 10); i > 0; i--)
        print_hello(&t, &p, resumed ? &ticket : NULL);
    qn_engine_free(t.env.engine);
    return EXIT_SUCCESS;
}
