/* Cells: message texts are walked strictly, and cells that arrive in parts come out whole. */
#include "support/qt.h"

#include "circuit/cell.h"

static qt_env t;
static uint8_t text[QN_CELL_TEXT_L];

static void setup(void)
{
    qt_env_open(&t, 1);
    memset(text, 0, sizeof text);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* ---- messages -------------------------------------------------------------------------------- */

static size_t add(size_t at, uint8_t cmd, uint8_t flags, uint16_t len, uint32_t sid)
{
    qn_msg_head(text + at, cmd, flags, len, sid);
    memset(text + at + QN_MSG_HEADER, 0xd0 + cmd, len);
    return at + QN_MSG_HEADER + len;
}

START_TEST(walks_messages_back_to_back)
{
    size_t n = add(0, QN_CMD_DATA, 0, 5, 1);
    qn_msgs it;
    qn_msg m;

    n = add(n, QN_CMD_CREDIT, 0, 8, 2);
    (void)add(n, QN_CMD_DROP, 0, 0, 0);
    qn_msgs_init(&it, text, QN_CELL_TEXT_S);
    ck_assert(qn_msgs_next(&it, &m));
    ck_assert_uint_eq(m.cmd, QN_CMD_DATA);
    ck_assert_uint_eq(m.len, 5);
    ck_assert_uint_eq(m.sid, 1);
    ck_assert_uint_eq(m.data[4], 0xd0 + QN_CMD_DATA);
    ck_assert(qn_msgs_next(&it, &m));
    ck_assert_uint_eq(m.cmd, QN_CMD_CREDIT);
    ck_assert(qn_msgs_next(&it, &m));
    ck_assert_uint_eq(m.cmd, QN_CMD_DROP);
    ck_assert(!qn_msgs_next(&it, &m));
    ck_assert(!qn_msgs_next(&it, &m));
    qt_assert_err(it.err, QN_OK);
}
END_TEST

START_TEST(a_message_may_fill_its_cell)
{
    (void)add(0, QN_CMD_DATA, 0, QN_MSG_DATA_S, 1);
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), QN_OK);
    (void)add(0, QN_CMD_DATA, 0, QN_MSG_DATA_L, 1);
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_L), QN_OK);
}
END_TEST

START_TEST(refuses_a_message_that_spans_cells)
{
    (void)add(0, QN_CMD_DATA, 0, QN_MSG_DATA_S + 1, 1);
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), QN_PROTO);
}
END_TEST

START_TEST(refuses_anything_behind_the_last_message)
{
    size_t n = add(0, QN_CMD_DATA, 0, 5, 1);

    for (size_t i = n + 1; i < QN_CELL_TEXT_S; i++) { /* byte n would be a command */
        text[i] = 1;
        qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), QN_PROTO);
        text[i] = 0;
    }
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), QN_OK);
}
END_TEST

START_TEST(refuses_a_header_cut_off_by_the_end)
{
    for (unsigned left = 1; left < QN_MSG_HEADER; left++) {
        memset(text, 0, sizeof text);
        text[add(0, QN_CMD_DATA, 0, (uint16_t)(QN_MSG_DATA_S - left), 1)] = QN_CMD_DROP;
        qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), QN_PROTO);
    }
}
END_TEST

/* cmd, flags, len, sid of a message alone in an S cell, and whether it is well formed. */
static const struct {
    uint8_t cmd, flags;
    uint16_t len;
    uint32_t sid;
    qn_err want;
} forms[] = {
    {QN_CMD_EXTEND, 0, 89, 0, QN_OK},
    {QN_CMD_EXTEND, 0, 89, 1, QN_PROTO},
    {QN_CMD_EXTEND, 0, 0, 0, QN_PROTO},
    {QN_CMD_CREATE, 1, 57, 0, QN_PROTO},
    {QN_CMD_OPEN, 0, 7, 1, QN_OK},
    {QN_CMD_OPEN, 0, 7, 0, QN_PROTO},
    {QN_CMD_OPEN, 0, 260, 1, QN_PROTO},
    {QN_CMD_OPENED, 0, 1, 1, QN_OK},
    {QN_CMD_OPENED, 0, 2, 1, QN_PROTO},
    {QN_CMD_OPENED, 0, 0, 1, QN_PROTO},
    {QN_CMD_DATA, 0, 0, 1, QN_PROTO},
    {QN_CMD_DATA, 0, 1, 0, QN_PROTO},
    {QN_CMD_DATA, 2, 1, 1, QN_PROTO},
    {QN_CMD_END, 0, 1, 7, QN_OK},
    {QN_CMD_END, 0, 0, 7, QN_PROTO},
    {QN_CMD_CREDIT, 0, 8, 7, QN_OK},
    {QN_CMD_CREDIT, 0, 7, 7, QN_PROTO},
    {QN_CMD_PING, 0, 8, 0, QN_OK},
    {QN_CMD_PING, 1, 8, 0, QN_OK},
    {QN_CMD_PING, 2, 8, 0, QN_PROTO},
    {QN_CMD_PING, 0, 8, 1, QN_PROTO},
    {QN_CMD_DROP, 0, 900, 0, QN_OK},
    {QN_CMD_DROP, 1, 900, 0, QN_PROTO},
    {QN_CMD_PAD, 0, 1, 0, QN_OK},
    {QN_CMD_PAD, QN_MSG_ANSWER, 1, 0, QN_OK},
    {QN_CMD_PAD, 2, 1, 0, QN_PROTO},
    {QN_CMD_PAD, 0, 1, 1, QN_PROTO},
    {QN_CMD_PAD, 0, 0, 0, QN_PROTO},
    {QN_CMD_PAD, 0, 2, 0, QN_PROTO},
    {13, 0, 1, 0, QN_PROTO},
    {13, 0, 1, 1, QN_PROTO},
    {255, 0, 1, 1, QN_PROTO},
    {QN_CMD_OPEN, 0, 259, UINT32_MAX, QN_OK},
};

START_TEST(holds_every_command_to_its_form)
{
    (void)add(0, forms[_i].cmd, forms[_i].flags, forms[_i].len, forms[_i].sid);
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_S), forms[_i].want);
}
END_TEST

START_TEST(an_empty_text_is_well_formed)
{
    qt_assert_err(qn_msgs_check(text, QN_CELL_TEXT_L), QN_OK);
}
END_TEST

START_TEST(the_documents_texts_are_what_it_says)
{
    qn_slice doc = qt_doc_hex("cell.md", "text");
    static const struct {
        uint8_t cmd;
        uint32_t sid;
        uint16_t len;
    } want[] = {{QN_CMD_CREDIT, 3, 8}, {QN_CMD_DATA, 3, 5}, {QN_CMD_END, 3, 1}};
    qn_msgs it;
    qn_msg m;

    memcpy(text, doc.p, doc.n);
    qn_msgs_init(&it, text, QN_CELL_TEXT_S);
    for (unsigned i = 0; i < QN_LEN(want); i++) {
        ck_assert(qn_msgs_next(&it, &m));
        ck_assert_uint_eq(m.cmd, want[i].cmd);
        ck_assert_uint_eq(m.sid, want[i].sid);
        ck_assert_uint_eq(m.len, want[i].len);
    }
    ck_assert(!qn_msgs_next(&it, &m));
    qt_assert_err(it.err, QN_OK);
}
END_TEST

/* ---- parts ----------------------------------------------------------------------------------- */

/* A piece of a received record: behind its frame header. */
static qn_piece received(const uint8_t *p, size_t n)
{
    qn_piece piece = {.block = qn_block_get(&t.env, 16 + n), .off = 9, .len = (uint32_t)n};

    ck_assert_ptr_nonnull(piece.block);
    memcpy(qn_piece_data(&piece), p, n);
    return piece;
}

static qn_err put(qn_cell_in *in, const uint8_t *p, size_t n, bool more, qn_piece *out)
{
    qn_piece piece = received(p, n);
    qn_err err = qn_cell_in_put(in, &t.env, piece, more, out);

    qn_block_drop(piece.block);
    return err;
}

static const size_t classes[] = {QN_CELL_S, QN_CELL_L};

START_TEST(a_cell_in_one_piece_passes_uncopied)
{
    qn_slice cell = qt_noise(1, classes[_i]);
    qn_piece piece = received(cell.p, cell.n), out;
    qn_cell_in in = {0};

    qt_assert_err(qn_cell_in_put(&in, &t.env, piece, false, &out), QN_OK);
    ck_assert_ptr_eq(out.block, piece.block);
    ck_assert_uint_eq(piece.block->refs, 2);
    qt_assert_bytes(qn_piece_data(&out), out.len, cell);
    qn_block_drop(piece.block);
    qn_block_drop(out.block);
}
END_TEST

START_TEST(a_cell_comes_together_from_parts_of_any_size)
{
    static const size_t parts[] = {1, 7, 500, 1055, 1056, 1300, 16000};
    qn_slice cell = qt_noise(2, classes[_i % 2]);
    size_t part = parts[_i / 2];
    qn_cell_in in = {0};
    qn_piece out;

    for (size_t at = 0; at < cell.n; at += part) {
        size_t n = QN_MIN(part, cell.n - at);
        bool more = at + n < cell.n;

        qt_assert_err(put(&in, cell.p + at, n, more, &out), more ? QN_SHORT : QN_OK);
    }
    qt_assert_bytes(qn_piece_data(&out), out.len, cell);
    ck_assert_uint_ge(out.off, QN_STREAM_HEADER);
    ck_assert_ptr_null(in.block);
    qn_block_drop(out.block);
}
END_TEST

START_TEST(refuses_what_is_not_a_cell)
{
    static const size_t sizes[] = {1, 1055, 1057, 2112, 16287, 16289};
    qn_slice bytes = qt_noise(3, 16289);
    qn_cell_in in = {0};
    qn_piece out;

    for (unsigned i = 0; i < QN_LEN(sizes); i++) {
        size_t half = QN_MIN(sizes[i] / 2, (size_t)8000);

        qt_assert_err(put(&in, bytes.p, sizes[i], false, &out), QN_PROTO);
        if (half == 0)
            continue;
        qt_assert_err(put(&in, bytes.p, half, true, &out), QN_SHORT);
        qt_assert_err(put(&in, bytes.p + half, sizes[i] - half, false, &out), QN_PROTO);
        qn_cell_in_clear(&in);
    }
}
END_TEST

START_TEST(refuses_parts_beyond_the_largest_cell_before_they_end)
{
    qn_slice bytes = qt_noise(4, 16000);
    qn_cell_in in = {0};
    qn_piece out;

    qt_assert_err(put(&in, bytes.p, bytes.n, true, &out), QN_SHORT);
    qt_assert_err(put(&in, bytes.p, QN_CELL_L - 16000, true, &out), QN_PROTO);
    qn_cell_in_clear(&in);
    qt_assert_err(put(&in, bytes.p, 0, true, &out), QN_PROTO);
}
END_TEST

START_TEST(running_out_of_memory_leaves_what_was_there)
{
    qn_slice cell = qt_noise(5, QN_CELL_L);
    qn_cell_in in = {0};
    qn_piece out, rest;

    qt_assert_err(put(&in, cell.p, 1000, true, &out), QN_SHORT);
    rest = received(cell.p + 1000, QN_CELL_L - 1000);
    qt_alloc_fail_at(1); /* the large block it outgrows into */
    qt_assert_err(qn_cell_in_put(&in, &t.env, rest, false, &out), QN_NOMEM);
    qt_assert_err(qn_cell_in_put(&in, &t.env, rest, false, &out), QN_OK);
    qt_assert_bytes(qn_piece_data(&out), out.len, cell);
    qn_block_drop(rest.block);
    qn_block_drop(out.block);
}
END_TEST

static Suite *cell_suite(void)
{
    Suite *s = suite_create("circuit/cell");
    TCase *tc = tcase_create("cell");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, walks_messages_back_to_back);
    tcase_add_test(tc, a_message_may_fill_its_cell);
    tcase_add_test(tc, refuses_a_message_that_spans_cells);
    tcase_add_test(tc, refuses_anything_behind_the_last_message);
    tcase_add_test(tc, refuses_a_header_cut_off_by_the_end);
    tcase_add_loop_test(tc, holds_every_command_to_its_form, 0, (int)QN_LEN(forms));
    tcase_add_test(tc, an_empty_text_is_well_formed);
    tcase_add_test(tc, the_documents_texts_are_what_it_says);
    tcase_add_loop_test(tc, a_cell_in_one_piece_passes_uncopied, 0, 2);
    tcase_add_loop_test(tc, a_cell_comes_together_from_parts_of_any_size, 0, 14);
    tcase_add_test(tc, refuses_what_is_not_a_cell);
    tcase_add_test(tc, refuses_parts_beyond_the_largest_cell_before_they_end);
    tcase_add_test(tc, running_out_of_memory_leaves_what_was_there);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(cell_suite)
