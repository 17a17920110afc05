/* Invitations in a text, as a client reads them: what is taken is written again to the same text,
 * and what opens leads to a node of this network with a key that is not zero. */
#include "dirnet.h"

#include "dir/invitation.h"

static void opened(qn_env *env, const qn_network *net, qn_slice bytes)
{
    static const qn_key zero;
    qn_invitation i;
    qn_invitation_facts f;
    char why[160] = "";

    if (qn_invitation_open(&i, env, net, bytes, why) != QN_OK) {
        FZ_CHECK(why[0] != '\0');
        return;
    }
    FZ_CHECK(memcmp(i.psk.b, zero.b, sizeof zero.b) != 0);
    FZ_CHECK((i.d.roles & QN_ROLE_RELAY) != 0);
    if (qn_invitation_check(env, net, bytes, &f, why) == QN_OK)
        FZ_CHECK(qn_peerid_equal(&f.id, &i.d.id) && f.until > env->wall);
}

static void taken(qn_env *env, const qn_network *net, qn_slice bytes)
{
    char text[QN_INVITATION_TEXT];
    uint8_t again[QN_INVITATION_MAX];
    char why[160];
    qn_slice in;
    size_t n;

    FZ_CHECK(qn_invitation_text(env, bytes, text) == QN_OK);
    in = qn_slice_of(text, strlen(text));
    FZ_CHECK(qn_invitation_next(env, &in, again, &n, why) == QN_OK && in.n == 0);
    FZ_CHECK(n == bytes.n && memcmp(again, bytes.p, n) == 0);
    opened(env, net, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    uint8_t out[QN_INVITATION_MAX];
    qn_slice text = fz_exact(qn_slice_of(p, n));
    char why[160];
    qn_network net;
    size_t len;
    fz_env t;
    qn_err err;

    fz_env_open(&t, 1);
    fz_draft_network(&net, false);
    while ((err = qn_invitation_next(&t.env, &text, out, &len, why)) != QN_GONE)
        if (err == QN_OK)
            taken(&t.env, &net, qn_slice_of(out, len));
    opened(&t.env, &net, fz_exact(qn_slice_of(p, n))); /* without the text's checksum */
    fz_env_close(&t);
    return 0;
}

void fz_seeds(void)
{
    qn_secret32 identity = fz_secret('i', 1), psk = {{0x55}};
    qn_descriptor d = fz_relay(1);
    uint8_t descriptor[QN_DESCRIPTOR_MAX], bytes[QN_INVITATION_MAX];
    char text[2 * QN_INVITATION_TEXT], why[160];
    qn_network net;
    qn_slice in;
    size_t n;
    fz_env t;

    fz_env_open(&t, 1);
    fz_draft_network(&net, false);
    FZ_CHECK(qn_descriptor_sign(&d, &t.env, &net, &identity, descriptor, &n) == QN_OK);
    FZ_CHECK(qn_invitation_make(&t.env, &net, qn_slice_of(descriptor, n), &psk, text) == QN_OK);
    n = strlen(text);
    fz_seed("text", text, n);
    in = qn_slice_of(text, n);
    memcpy(text + n, " > and ", 7);
    memcpy(text + n + 7, text, n);
    fz_seed("two", text, 2 * n + 7);
    FZ_CHECK(qn_invitation_next(&t.env, &in, bytes, &n, why) == QN_OK);
    fz_seed("bytes", bytes, n);
    fz_env_close(&t);
}
