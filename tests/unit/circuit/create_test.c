/* Hop handshakes: the bytes the independent script computed, and what a hop refuses. */
#include "support/qt.h"

#include "circuit/create.h"

static qt_env t;
static qn_circuits at_client, at_hop;
static qn_hop_key hop;
static qn_noise x;
static uint8_t create[QN_CREATE_SIZE], created[QN_CREATED_SIZE];
static qn_onion client_keys, hop_keys;

/* Hands out the vector's ephemeral keys instead of random ones. */
static uint8_t ephemeral[32];

static void fill_ephemeral(void *ctx, void *out, size_t n)
{
    (void)ctx;
    ck_assert_uint_eq(n, sizeof ephemeral);
    memcpy(out, ephemeral, n);
}

static void setup(void)
{
    qn_dh_secret secret = {{7}};

    qt_env_open(&t, 1);
    at_client = (qn_circuits){.env = &t.env};
    memset(at_client.network, 1, sizeof at_client.network);
    at_hop = at_client;
    memset(at_hop.self.b, 2, sizeof at_hop.self.b);
    at_hop.keys_n = 1;
    qt_assert_err(qn_onion_key_init(&t.env, &secret, &at_hop.keys[0]), QN_OK);
    hop = (qn_hop_key){.id = at_hop.self, .onion = at_hop.keys[0].pub};
}

static void teardown(void)
{
    qn_noise_clear(&x);
    qt_env_close(&t);
}

START_TEST(messages_and_keys_agree_with_the_independent_script)
{
    qt_records vectors = qt_vector_records("circuit/handshake.txt", "NETWORK");
    const qt_record *r = &vectors.v[_i];
    qn_dh_secret secret;

    ck_assert_uint_eq(vectors.n, 3);
    memcpy(at_client.network, qt_field_hex(r, "NETWORK").p, 32);
    memcpy(at_hop.network, at_client.network, 32);
    memcpy(at_hop.self.b, qt_field_hex(r, "PEER").p, 32);
    qt_hex_into(secret.b, 32, qt_field(r, "ONION_SECRET"));
    qt_assert_err(qn_onion_key_init(&t.env, &secret, &at_hop.keys[0]), QN_OK);
    qt_assert_bytes(at_hop.keys[0].pub.b, 32, qt_field_hex(r, "ONION_PUBLIC"));
    hop = (qn_hop_key){.id = at_hop.self, .onion = at_hop.keys[0].pub};
    t.env.rng.fill = fill_ephemeral;
    qt_hex_into(ephemeral, 32, qt_field(r, "CLIENT_E"));
    qt_assert_err(qn_create_begin(&x, &at_client, &hop, create), QN_OK);
    qt_assert_bytes(create, sizeof create, qt_field_hex(r, "CREATE"));
    qt_hex_into(ephemeral, 32, qt_field(r, "HOP_E"));
    qt_assert_err(qn_create_answer(&at_hop, create, created, &hop_keys), QN_OK);
    qt_assert_bytes(created, sizeof created, qt_field_hex(r, "CREATED"));
    qt_assert_bytes(hop_keys.forward.key.b, 32, qt_field_hex(r, "FORWARD"));
    qt_assert_bytes(hop_keys.backward.key.b, 32, qt_field_hex(r, "BACKWARD"));
    qt_assert_err(qn_create_finish(&x, &at_client, created, &client_keys), QN_OK);
    ck_assert_mem_eq(&client_keys, &hop_keys, sizeof client_keys);
    qt_assert_bytes(qn_noise_hash(&x)->b, 32, qt_field_hex(r, "H"));
}
END_TEST

START_TEST(the_documents_handshake_is_what_the_code_says)
{
    qn_dh_secret secret;

    memcpy(at_client.network, qt_doc_hex("circuit.md", "network").p, 32);
    memcpy(at_hop.network, at_client.network, 32);
    memcpy(at_hop.self.b, qt_doc_hex("circuit.md", "peerid").p, 32);
    memcpy(secret.b, qt_doc_hex("circuit.md", "onion-secret").p, 32);
    qt_assert_err(qn_onion_key_init(&t.env, &secret, &at_hop.keys[0]), QN_OK);
    hop = (qn_hop_key){.id = at_hop.self, .onion = at_hop.keys[0].pub};
    t.env.rng.fill = fill_ephemeral;
    memcpy(ephemeral, qt_doc_hex("circuit.md", "client-ephemeral").p, 32);
    qt_assert_err(qn_create_begin(&x, &at_client, &hop, create), QN_OK);
    qt_assert_bytes(create, sizeof create, qt_doc_hex("circuit.md", "create"));
    memcpy(ephemeral, qt_doc_hex("circuit.md", "hop-ephemeral").p, 32);
    qt_assert_err(qn_create_answer(&at_hop, create, created, &hop_keys), QN_OK);
    qt_assert_bytes(created, sizeof created, qt_doc_hex("circuit.md", "created"));
    qt_assert_bytes(hop_keys.forward.key.b, 32, qt_doc_hex("circuit.md", "forward"));
    qt_assert_bytes(hop_keys.backward.key.b, 32, qt_doc_hex("circuit.md", "backward"));
}
END_TEST

/* The first cell a client sends: EXTEND in an S cell, unsealed. */
START_TEST(the_documents_extend_is_the_begin_of_a_cell)
{
    qn_slice head = qt_doc_hex("circuit.md", "extend-head"),
             body = qt_doc_hex("circuit.md", "create");
    uint8_t data[QN_EXTEND_SIZE];
    qn_piece cell;
    qn_slice got;

    ck_assert_uint_eq(head.n, QN_MSG_HEADER + 32);
    memcpy(data, head.p + QN_MSG_HEADER, 32);
    memcpy(data + 32, body.p, body.n);
    qt_assert_err(qn_create_cell(&t.env, QN_CMD_EXTEND, data, sizeof data, &cell), QN_OK);
    qt_assert_bytes(qn_piece_data(&cell), head.n, head);
    qt_assert_err(qn_create_only(qn_piece_data(&cell), QN_CELL_TEXT_S, QN_CMD_EXTEND, &got), QN_OK);
    qt_assert_bytes(got.p, got.n, qn_slice_of(data, sizeof data));
    for (size_t i = QN_MSG_HEADER + sizeof data; i < QN_CELL_S; i++)
        ck_assert_uint_eq(qn_piece_data(&cell)[i], 0);
    qn_block_drop(cell.block);
}
END_TEST

static qn_err answer(void)
{
    qt_assert_err(qn_create_begin(&x, &at_client, &hop, create), QN_OK);
    return qn_create_answer(&at_hop, create, created, &hop_keys);
}

START_TEST(refuses_another_network_peer_or_key)
{
    qt_assert_err(answer(), QN_OK);
    at_client.network[5] ^= 1;
    qt_assert_err(answer(), QN_AUTH);
    at_client.network[5] ^= 1;
    hop.id.b[31] ^= 1;
    qt_assert_err(answer(), QN_AUTH);
    hop.id.b[31] ^= 1;
    hop.onion.b[3] ^= 1;
    qt_assert_err(answer(), QN_UNKNOWN);
    hop.onion.b[3] ^= 1;
    at_hop.keys_n = 0;
    qt_assert_err(answer(), QN_UNKNOWN);
    ck_assert_uint_eq(at_hop.counts.handshakes, 1);
}
END_TEST

START_TEST(refuses_every_changed_byte_of_create)
{
    qn_onion untouched = {0};

    for (unsigned i = 0; i < QN_CREATE_SIZE; i++) {
        qn_err err;

        qt_assert_err(qn_create_begin(&x, &at_client, &hop, create), QN_OK);
        create[i] ^= 0x20;
        memset(&hop_keys, 0, sizeof hop_keys);
        err = qn_create_answer(&at_hop, create, created, &hop_keys);
        qt_assert_err(err, i == 0 ? QN_VERSION : i < 9 ? QN_UNKNOWN : QN_AUTH);
        ck_assert_mem_eq(&hop_keys, &untouched, sizeof untouched);
    }
}
END_TEST

START_TEST(refuses_every_changed_byte_of_created_and_still_takes_the_true_one)
{
    qt_assert_err(answer(), QN_OK);
    for (unsigned i = 0; i < QN_CREATED_SIZE; i++) {
        created[i] ^= 0x20;
        qt_assert_err(qn_create_finish(&x, &at_client, created, &client_keys),
                      i == 0 ? QN_VERSION : QN_AUTH);
        created[i] ^= 0x20;
    }
    qt_assert_err(qn_create_finish(&x, &at_client, created, &client_keys), QN_OK);
    ck_assert_mem_eq(&client_keys, &hop_keys, sizeof client_keys);
}
END_TEST

START_TEST(a_small_order_point_is_no_handshake)
{
    qt_assert_err(qn_create_begin(&x, &at_client, &hop, create), QN_OK);
    memset(create + 9, 0, 32);
    qt_assert_err(qn_create_answer(&at_hop, create, created, &hop_keys), QN_AUTH);
}
END_TEST

static Suite *create_suite(void)
{
    Suite *s = suite_create("circuit/create");
    TCase *tc = tcase_create("create");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, messages_and_keys_agree_with_the_independent_script, 0, 3);
    tcase_add_test(tc, the_documents_handshake_is_what_the_code_says);
    tcase_add_test(tc, the_documents_extend_is_the_begin_of_a_cell);
    tcase_add_test(tc, refuses_another_network_peer_or_key);
    tcase_add_test(tc, refuses_every_changed_byte_of_create);
    tcase_add_test(tc, refuses_every_changed_byte_of_created_and_still_takes_the_true_one);
    tcase_add_test(tc, a_small_order_point_is_no_handshake);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(create_suite)
