/* The error table: bands, names, and no two alike. */
#include "support/qt.h"

#include "qnet/err.h"

#define ROW(name, number, sentence) {QN_##name, number, #name, sentence},
static const struct {
    qn_err err;
    int number;
    const char *name, *sentence;
} table[] = {QN_ERR_TABLE(ROW)};

START_TEST(number_name_and_sentence_belong_together)
{
    ck_assert_int_eq(table[_i].err, table[_i].number);
    ck_assert_str_eq(qn_err_name(table[_i].err), table[_i].name);
    ck_assert_str_eq(qn_err_text(table[_i].err), table[_i].sentence);
}
END_TEST

START_TEST(every_number_lies_in_a_band)
{
    int n = table[_i].number;
    qn_band want = n == 0      ? QN_BAND_OK
                   : n >= -99  ? QN_BAND_NOT_NOW
                   : n >= -199 ? QN_BAND_PEER
                               : QN_BAND_OURS;

    ck_assert(n <= 0 && n >= -299);
    ck_assert_int_eq(qn_err_band(table[_i].err), want);
}
END_TEST

START_TEST(bands_end_where_the_header_says)
{
    ck_assert_int_eq(qn_err_band((qn_err)-1), QN_BAND_NOT_NOW);
    ck_assert_int_eq(qn_err_band((qn_err)-99), QN_BAND_NOT_NOW);
    ck_assert_int_eq(qn_err_band((qn_err)-100), QN_BAND_PEER);
    ck_assert_int_eq(qn_err_band((qn_err)-199), QN_BAND_PEER);
    ck_assert_int_eq(qn_err_band((qn_err)-200), QN_BAND_OURS);
    ck_assert_int_eq(qn_err_band((qn_err)-299), QN_BAND_OURS);
}
END_TEST

START_TEST(no_two_rows_are_alike)
{
    for (size_t i = 0; i < QN_LEN(table); i++)
        for (size_t j = i + 1; j < QN_LEN(table); j++) {
            ck_assert_int_ne(table[i].number, table[j].number);
            ck_assert_str_ne(table[i].sentence, table[j].sentence);
        }
}
END_TEST

START_TEST(a_number_outside_the_table_has_a_name_too)
{
    ck_assert_str_eq(qn_err_name((qn_err)-150), "?");
    ck_assert_str_eq(qn_err_text((qn_err)-150), "an error without a name");
}
END_TEST

static Suite *err_suite(void)
{
    Suite *s = suite_create("base/err");
    TCase *tc = tcase_create("err");

    tcase_add_loop_test(tc, number_name_and_sentence_belong_together, 0, (int)QN_LEN(table));
    tcase_add_loop_test(tc, every_number_lies_in_a_band, 0, (int)QN_LEN(table));
    tcase_add_test(tc, bands_end_where_the_header_says);
    tcase_add_test(tc, no_two_rows_are_alike);
    tcase_add_test(tc, a_number_outside_the_table_has_a_name_too);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(err_suite)
