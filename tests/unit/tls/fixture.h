/* What the tests of the TLS client share: shipped profiles, captures, hellos made from them. */
#ifndef TLS_FIXTURE_H
#define TLS_FIXTURE_H

#include "support/qt.h"

#include "tls/hello.h"
#include "tls/numbers.h"

#include <stdio.h>

#define DECOY "decoy.example" /* the name in every capture */

static const char *const tls_profiles[] = {"chromium-156", "firefox-esr-153"};

static inline qn_slice tls_profile_bytes(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "../../profiles/%s.cbor", name);
    return qt_vector_file(path);
}

static inline qn_tls_profile tls_profile(qt_env *t, const char *name)
{
    qn_tls_profile p;

    qt_assert_err(qn_tls_profile_read(&p, &t->env, tls_profile_bytes(name)), QN_OK);
    return p;
}

/* A captured hello's record. */
static inline qn_slice tls_capture(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "fingerprints/%s.hex", name);
    return qt_hex((const char *)qt_vector_file(path).p);
}

/* The ticket the captures were resumed with: 208 bytes, for a suite with SHA-384. */
static inline qn_tls_ticket tls_ticket(qt_env *t)
{
    qn_tls_ticket ticket = {.suite = 0x1302, .id_n = 208, .lifetime = 7200, .age_add = 12345};

    ticket.received = t->env.now;
    memcpy(ticket.id, qt_noise(99, 208).p, 208);
    memcpy(ticket.psk, qt_noise(98, 48).p, 48);
    return ticket;
}

typedef struct tls_made {
    uint8_t p[QN_TLS_HELLO_MAX];
    size_t n, cut;
    qn_tls_draw draw;
    qn_tls_shares shares;
} tls_made;

/* A first hello with everything drawn anew; ticket may be NULL. */
static inline void tls_make(tls_made *out, qt_env *t, const qn_tls_profile *p,
                            const qn_tls_ticket *ticket)
{
    qn_tls_hello_spec spec = {
        .profile = p, .name = qn_slice_of(DECOY, strlen(DECOY)), .ticket = ticket, .binder = 48};

    qn_tls_draw_make(&out->draw, &t->env, p, ticket != NULL ? qn_tls_psk_size(ticket, 48) : 0);
    qn_tls_shares_draw(&out->shares, &t->env, p->one_x25519);
    qt_assert_err(
        qn_tls_hello_write(&spec, &out->draw, &out->shares, &t->env, out->p, &out->n, &out->cut),
        QN_OK);
}

/* Calls visit(type, body) for each extension of a well-formed hello. */
static inline void tls_each_extension(qn_slice message, void (*visit)(uint16_t, qn_slice, void *),
                                      void *arg)
{
    qn_tls_r r = qn_tls_reader(message), list;

    (void)qn_tls_take(&r, 4 + 2 + 32);
    (void)qn_tls_vec(&r, 1);
    (void)qn_tls_vec(&r, 2);
    (void)qn_tls_vec(&r, 1);
    list = qn_tls_reader(qn_tls_vec(&r, 2));
    while (list.n > 0) {
        uint16_t type = (uint16_t)qn_tls_uint(&list, 2);

        visit(type, qn_tls_vec(&list, 2), arg);
    }
    ck_assert(qn_tls_done(&r) && qn_tls_done(&list));
}

static inline bool tls_is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

#endif
