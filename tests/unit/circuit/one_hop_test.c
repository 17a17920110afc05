/* The first messages of a one-hop stream, as docs/wire/circuit.md prints them. */
#include "base/addr.h"
#include "circuit/apps.h"
#include "circuit/cell.h"
#include "support/qt.h"

START_TEST(open_is_what_the_document_says)
{
    qn_dest d = {.type = 3, .name_len = 11, .port = 80, .name = "web.example"};
    uint8_t msg[QN_MSG_HEADER + QN_DEST_WIRE_MAX];
    size_t n = qn_dest_put(&d, msg + QN_MSG_HEADER);

    qn_msg_head(msg, QN_CMD_OPEN, 0, (uint16_t)n, 1);
    qt_assert_bytes(msg, QN_MSG_HEADER + n, qt_doc_hex("circuit.md", "one-hop-open"));
}
END_TEST

START_TEST(opened_is_what_the_document_says)
{
    uint8_t msg[QN_MSG_HEADER + 1];

    qn_msg_head(msg, QN_CMD_OPENED, 0, 1, 1);
    msg[QN_MSG_HEADER] = QN_APP_DONE;
    qt_assert_bytes(msg, sizeof msg, qt_doc_hex("circuit.md", "one-hop-opened"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("one hop");
    TCase *t = tcase_create("document");

    tcase_add_test(t, open_is_what_the_document_says);
    tcase_add_test(t, opened_is_what_the_document_says);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
