/* Prints hellos as records in hex, one a line: tls_hellos PROFILE KIND COUNT, where KIND is fresh,
 * resumed (resumed-N: with an identity of N bytes) or retried, which is the second hello only. */
#include "fixture.h"

#include <stdlib.h>

typedef struct want {
    bool resumed, retried;
    uint16_t id_n;
} want;

/* The fixture's own assertions want a running suite. */
static void print_hello(qt_env *t, const qn_tls_profile *p, const want *w)
{
    qn_tls_ticket ticket = tls_ticket(t);
    qn_tls_hello_spec spec = {.profile = p,
                              .name = qn_slice_of(DECOY, strlen(DECOY)),
                              .ticket = w->resumed ? &ticket : NULL,
                              .binder = 48};
    tls_made m;

    ticket.id_n = w->id_n;
    if (w->resumed && !qn_tls_ticket_fits(p, &ticket, 48, t->env.now))
        qt_die("no browser was captured with such a ticket");
    qn_tls_draw_make(&m.draw, &t->env, p, w->resumed ? qn_tls_psk_size(&ticket, 48) : 0);
    qn_tls_shares_draw(&m.shares, &t->env, p->one_x25519);
    if (qn_tls_hello_write(&spec, &m.draw, &m.shares, &t->env, m.p, &m.n, &m.cut) != QN_OK)
        qt_die("no hello");
    spec.retry_group = QN_TLS_P384;
    if (w->retried &&
        qn_tls_hello_write(&spec, &m.draw, &m.shares, &t->env, m.p, &m.n, &m.cut) != QN_OK)
        qt_die("no second hello");
    (void)printf("1603%s%04zx%s\n", w->retried ? "03" : "01", m.n, qt_unhex(m.p, m.n));
}

int main(int argc, char **argv)
{
    want w = {.id_n = 208};
    qt_env t;
    qn_tls_profile p;

    if (argc != 4)
        qt_die("usage: tls_hellos PROFILE fresh|resumed[-N]|retried COUNT");
    w.resumed = strncmp(argv[2], "resumed", 7) == 0;
    w.retried = strcmp(argv[2], "retried") == 0;
    if (w.resumed && argv[2][7] == '-')
        w.id_n = (uint16_t)strtoul(argv[2] + 8, NULL, 10);
    qt_env_open(&t, 7);
    if (qn_tls_profile_read(&p, &t.env, tls_profile_bytes(argv[1])) != QN_OK)
        qt_die("%s is no profile", argv[1]);
    for (unsigned long i = strtoul(argv[3], NULL, 10); i > 0; i--)
        print_hello(&t, &p, &w);
    qn_engine_free(t.env.engine);
    return EXIT_SUCCESS;
}
