/* Profiles: whatever is accepted can be written as a hello, fresh, resumed and retried. */
#include "fuzz.h"

#include "base/cbor.h"
#include "tlstemplate.h"

static void write_hello(qn_env *env, const qn_tls_profile *profile, const qn_tls_ticket *ticket)
{
    uint8_t out[QN_TLS_HELLO_MAX];
    qn_tls_hello_spec spec = {.profile = profile,
                              .name = qn_slice_of("a.example", 9),
                              .ticket = ticket,
                              .binder = 32,
                              .cookie = qn_slice_of("cookie", 6)};
    qn_tls_shares secrets;
    qn_tls_draw draw;
    qn_tls_hello h;
    size_t n, cut;
    qn_err err;

    qn_tls_draw_make(&draw, env, profile, ticket != NULL ? qn_tls_psk_size(ticket, 32) : 0);
    qn_tls_shares_draw(&secrets, env, profile->one_x25519);
    err = qn_tls_hello_write(&spec, &draw, &secrets, env, out, &n, &cut);
    FZ_CHECK(err == QN_OK || err == QN_LIMIT);
    if (err == QN_OK) {
        FZ_CHECK(qn_tls_hello_read(qn_slice_of(out, n), &h) == QN_OK);
        FZ_CHECK(h.cut == cut && h.psk == (ticket != NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    qn_tls_ticket ticket = {.suite = 0x1301, .id_n = 48, .lifetime = 60};
    qn_tls_profile profile;
    fz_env t;

    fz_env_open(&t, 1);
    if (qn_tls_profile_read(&profile, &t.env, qn_slice_of(p, n)) == QN_OK) {
        FZ_CHECK(qn_cbor_check(p, n) == QN_OK);
        write_hello(&t.env, &profile, NULL);
        if (qn_tls_ticket_fits(&profile, &ticket, 32, t.env.now))
            write_hello(&t.env, &profile, &ticket);
    }
    fz_env_close(&t);
    return 0;
}

static void put_list(qn_cbor_w *w, const uint16_t *v, unsigned n)
{
    qn_cbor_array(w, n);
    for (unsigned i = 0; i < n; i++)
        qn_cbor_uint(w, v[i]);
}

void fz_seeds(void)
{
    qn_tls_profile x = fz_template();
    uint8_t buf[1024];
    qn_cbor_w w;

    qn_cbor_w_init(&w, buf, sizeof buf);
    qn_cbor_map(&w, 14);
    qn_cbor_uint(&w, 0);
    qn_cbor_uint(&w, QN_TLS_PROFILE_VERSION);
    qn_cbor_uint(&w, 1);
    qn_cbor_text(&w, "seed", 4);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 3);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, 4);
    qn_cbor_bytes(&w, x.ciphers.p, x.ciphers.n);
    qn_cbor_uint(&w, 5);
    qn_cbor_array(&w, x.ext_n);
    for (unsigned i = 0; i < x.ext_n; i++) {
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, x.ext[i].type);
        qn_cbor_bytes(&w, x.ext[i].body.p, x.ext[i].body.n);
    }
    qn_cbor_uint(&w, 6);
    qn_cbor_bool(&w, true);
    qn_cbor_uint(&w, 7);
    put_list(&w, x.share, x.share_n);
    qn_cbor_uint(&w, 8);
    qn_cbor_bool(&w, false);
    qn_cbor_uint(&w, 9);
    qn_cbor_array(&w, 3);
    put_list(&w, x.ech_aead, 1);
    put_list(&w, x.ech_size[0], 1);
    put_list(&w, x.ech_size[1], 1);
    qn_cbor_uint(&w, 10);
    qn_cbor_array(&w, 4);
    put_list(&w, (const uint16_t[]){16}, 1);
    qn_cbor_uint(&w, 32);
    qn_cbor_uint(&w, 0);
    qn_cbor_uint(&w, 31);
    qn_cbor_uint(&w, 11);
    qn_cbor_map(&w, 0);
    qn_cbor_uint(&w, 12);
    qn_cbor_array(&w, 4);
    qn_cbor_uint(&w, 180);
    qn_cbor_bool(&w, true);
    qn_cbor_bool(&w, true);
    put_list(&w, (const uint16_t[]){20, 300}, 2);
    qn_cbor_uint(&w, 13);
    qn_cbor_map(&w, 0);
    FZ_CHECK(w.err == QN_OK);
    fz_seed("whole", buf, w.n);
}
