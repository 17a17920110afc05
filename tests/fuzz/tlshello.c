/* Hellos as a peer reads them: any bytes, then the same as a message. The exposed parser of HTX. */
#include "fuzz.h"

#include "tlstemplate.h"

static void inside(qn_slice all, qn_slice part)
{
    FZ_CHECK(part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static void read_message(qn_slice message)
{
    qn_tls_hello h;
    qn_err err = qn_tls_hello_read(message, &h);

    FZ_CHECK(err == QN_OK || err == QN_PROTO);
    if (err != QN_OK)
        return;
    inside(message, h.random);
    inside(message, h.session_id);
    inside(message, h.name);
    inside(message, h.x25519);
    inside(message, h.mlkem);
    FZ_CHECK(h.random.n == 32 && h.session_id.n <= 32 && h.cut <= message.n);
    FZ_CHECK(h.x25519.n == 0 || h.x25519.n == 32);
    FZ_CHECK(h.mlkem.n == 0 || h.mlkem.n == QN_MLKEM_EK);
    FZ_CHECK(h.psk ? h.cut < message.n : h.cut == message.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    qn_slice message, again;
    qn_err err = qn_tls_hello_find(p, n, &message);

    FZ_CHECK(err == QN_OK || err == QN_SHORT || err == QN_PROTO || err == QN_LIMIT);
    if (err == QN_OK) {
        inside(qn_slice_of(p, n), message);
        FZ_CHECK(message.n <= QN_TLS_HELLO_MAX);
        /* What is there decides, not what comes later. */
        for (size_t cut = 0; cut < message.n + QN_RECORD_HEADER; cut += 1 + cut / 8)
            FZ_CHECK(qn_tls_hello_find(p, cut, &again) == QN_SHORT);
        read_message(message);
    }
    read_message(qn_slice_of(p, n));
    return 0;
}

void fz_seeds(void)
{
    static uint8_t record[QN_RECORD_HEADER + QN_TLS_HELLO_MAX] = {0x16, 3, 1};
    static const uint16_t shares[] = {QN_TLS_GREASE, 0x11ec, 29};
    static const char *const names[] = {"plain", "hybrid", "resumed"};
    qn_tls_ticket ticket = {.suite = 0x1301, .id_n = 48, .lifetime = 60};
    fz_env t;

    fz_env_open(&t, 1);
    for (unsigned i = 0; i < QN_LEN(names); i++) {
        qn_tls_profile profile = fz_template();
        qn_tls_hello_spec spec = {.profile = &profile,
                                  .name = qn_slice_of("a.example", 9),
                                  .ticket = i == 2 ? &ticket : NULL,
                                  .binder = 32};
        qn_tls_shares secrets;
        qn_tls_draw draw;
        size_t n, cut;

        if (i == 1) {
            memcpy(profile.share, shares, sizeof shares);
            profile.share_n = QN_LEN(shares);
        }
        qn_tls_draw_make(&draw, &t.env, &profile, i == 2 ? qn_tls_psk_size(&ticket, 32) : 0);
        qn_tls_shares_draw(&secrets, &t.env, false);
        FZ_CHECK(qn_tls_hello_write(&spec, &draw, &secrets, &t.env, record + QN_RECORD_HEADER, &n,
                                    &cut) == QN_OK);
        qn_put16(record + 3, (uint16_t)n);
        fz_seed(names[i], record, QN_RECORD_HEADER + n);
    }
    fz_env_close(&t);
}
