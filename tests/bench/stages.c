#include "bench/stages.h"

#include "carrier/record.h"
#include "circuit/create.h"
#include "path/path.h"

#include <openssl/evp.h>

enum { CANDIDATES = 10000, CONTENT = 16384 - 1 }; /* with the inner type 16 KiB are sealed */

static qt_env t;

static void must(qn_err err)
{
    if (err != QN_OK)
        qt_die("%s", qn_err_name(err));
}

/* ---- hop handshakes, and the X25519 they are made of ------------------------------------------
 */

static qn_circuits at_client, at_hop;
static uint8_t create[QN_CREATE_SIZE];
static EVP_PKEY_CTX *derive;

static void hop_open(void)
{
    qn_dh_secret secret = {{7}};
    qn_hop_key hop;
    qn_noise x;

    at_client = (qn_circuits){.env = &t.env};
    memset(at_client.network, 1, sizeof at_client.network);
    at_hop = at_client;
    memset(at_hop.self.b, 2, sizeof at_hop.self.b);
    at_hop.keys_n = 1;
    must(qn_onion_key_init(&t.env, &secret, &at_hop.keys[0]));
    hop = (qn_hop_key){.id = at_hop.self, .onion = at_hop.keys[0].pub};
    must(qn_create_begin(&x, &at_client, &hop, create));
    qn_noise_clear(&x);
}

static void hop_answer(void)
{
    uint8_t created[QN_CREATED_SIZE];
    qn_onion keys;

    must(qn_create_answer(&at_hop, create, created, &keys));
    qn_onion_wipe(&keys);
}

static void x25519_open(void)
{
    EVP_PKEY *ours = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
             *theirs = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    derive = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    if (derive == NULL || EVP_PKEY_derive_init(derive) != 1 ||
        EVP_PKEY_derive_set_peer(derive, theirs) != 1)
        qt_die("OpenSSL has no X25519");
}

static void x25519(void)
{
    uint8_t shared[32];
    size_t n = sizeof shared;

    if (EVP_PKEY_derive(derive, shared, &n) != 1)
        qt_die("X25519 failed");
}

/* ---- records of 16 KiB, and the AEAD they are made of -----------------------------------------
 */

static qn_record_keys sealing, opening;
static qn_piece sealed;
static uint8_t content[CONTENT], out[CONTENT + 64];
static EVP_CIPHER_CTX *evp_seals, *evp_opens;

static void seal_into(qn_queue *queue)
{
    must(qn_record_seal(&sealing, &t.env, NULL, qn_slice_of(content, sizeof content),
                        qn_slice_of(NULL, 0), QN_INNER_FRAMES, queue));
}

static void record_seal(void)
{
    qn_queue queue = {0};

    seal_into(&queue);
    qn_queue_clear(&queue, &t.env.mem);
}

static void record_open(void)
{
    const uint8_t *record = qn_piece_data(&sealed);
    qn_inner inner;
    qn_piece got;

    opening.seq = 0;
    must(qn_record_open(&opening, &t.env, NULL, record, sealed.len, &got, &inner));
    qn_block_drop(got.block);
}

static void evp(EVP_CIPHER_CTX *ctx, int to_seal, uint8_t *to, const uint8_t *from)
{
    static uint8_t nonce[12], ad[5];
    int n;

    nonce[0]++;
    if (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, to_seal) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, ad, sizeof ad) != 1 ||
        EVP_CipherUpdate(ctx, to, &n, from, CONTENT + 1) != 1)
        qt_die("ChaCha20-Poly1305 failed");
}

static void aead_seal(void)
{
    int n;

    evp(evp_seals, 1, out, content);
    (void)EVP_CipherFinal_ex(evp_seals, out, &n);
    (void)EVP_CIPHER_CTX_ctrl(evp_seals, EVP_CTRL_AEAD_GET_TAG, 16, out + CONTENT + 1);
}

/* No tag fits; checking one costs the same whether it fits or not. */
static void aead_open(void)
{
    uint8_t tag[16] = {0};
    int n;

    (void)EVP_CIPHER_CTX_ctrl(evp_opens, EVP_CTRL_AEAD_SET_TAG, 16, tag);
    evp(evp_opens, 0, out, content);
    (void)EVP_CipherFinal_ex(evp_opens, out, &n);
}

static void records_open(void)
{
    static const uint8_t key[32] = {9};
    qn_key secret = {{3}};
    qn_queue queue = {0};

    must(qn_record_keys_init(&sealing, &t.env, &secret));
    must(qn_record_keys_init(&opening, &t.env, &secret));
    seal_into(&queue);
    sealed = qn_queue_pop(&queue, &t.env.mem);
    evp_seals = EVP_CIPHER_CTX_new();
    evp_opens = EVP_CIPHER_CTX_new();
    if (EVP_CipherInit_ex(evp_seals, EVP_chacha20_poly1305(), NULL, key, NULL, 1) != 1 ||
        EVP_CipherInit_ex(evp_opens, EVP_chacha20_poly1305(), NULL, key, NULL, 0) != 1)
        qt_die("OpenSSL has no ChaCha20-Poly1305");
}

/* ---- onion steps ------------------------------------------------------------------------------
 */

static qn_onion onion[2];
static uint8_t cell[QN_CELL_L];

static void onion_open(void)
{
    qn_key forward = {{1}}, backward = {{2}};

    for (unsigned i = 0; i < 2; i++)
        qn_onion_init(&onion[i], &forward, &backward);
}

static void joint_large(void)
{
    must(qn_onion_joint_backward(&onion[0], &t.env, cell, QN_CELL_L));
}

static void joint_small(void)
{
    must(qn_onion_joint_backward(&onion[0], &t.env, cell, QN_CELL_S));
}

static void client_large(void)
{
    must(qn_onion_client_forward(onion, 2, &t.env, cell, QN_CELL_L));
}

static void client_small(void)
{
    must(qn_onion_client_forward(onion, 2, &t.env, cell, QN_CELL_S));
}

/* ---- path choice among ten thousand -----------------------------------------------------------
 */

static qn_candidate candidate[CANDIDATES];
static qn_guards guards;

static void candidates_open(void)
{
    for (unsigned i = 0; i < CANDIDATES; i++) {
        qn_candidate *c = &candidate[i];

        qn_put64(c->id.b, i + 1);
        c->addr.family = 4;
        c->addr.port = 443;
        qn_put32(c->addr.ip, 0x0b000000u + (i << 12));
        c->flags = QN_CANDIDATE_RELAY | (i % 10 == 0 ? QN_CANDIDATE_EXIT : 0);
        c->weight = (uint16_t)(1 + i * 7919 % 1000);
        c->country[0] = (char)('A' + i % 26);
        c->country[1] = (char)('A' + i / 26 % 26);
        c->as = 1 + i % 700;
        c->family = i % 20 == 0 ? 1 + i % 50 : 0;
    }
    qn_guards_init(&guards, QN_CANDIDATE_RELAY);
}

static void choose_path(void)
{
    qn_path_wish wish = {.self = {{0xff}},
                         .hops = 3,
                         .entry = QN_CANDIDATE_RELAY,
                         .apart = QN_APART_ALL,
                         .port = 443,
                         .guards = &guards};
    const char *lacks;
    qn_path path;

    must(qn_path_choose(&path, &t.env, candidate, CANDIDATES, &wish, &lacks));
}

/* ---- all of them ------------------------------------------------------------------------------
 */

const bench_stage bench_stages[] = {
    {"x25519", x25519, 50},
    {"hop-answer", hop_answer, 20},
    {"aead-seal-16k", aead_seal, 50},
    {"record-seal-16k", record_seal, 50},
    {"aead-open-16k", aead_open, 50},
    {"record-open-16k", record_open, 50},
    {"joint-large", joint_large, 50},
    {"joint-small", joint_small, 200},
    {"client-large", client_large, 50},
    {"client-small", client_small, 100},
    {"path-of-10000", choose_path, 5},
    {"node-path-of-10000", bench_choice, 5},
    {"mesh-1-hop-4m", bench_transfer_one_hop, 0},
    {"mesh-3-hops-4m", bench_transfer_three_hops, 0},
    {NULL, NULL, 0},
};

void bench_stages_open(void)
{
    qt_env_open(&t, 1);
    hop_open();
    x25519_open();
    records_open();
    onion_open();
    candidates_open();
    bench_choice_open();
}
