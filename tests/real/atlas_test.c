/* Tables of where addresses are; tests/vectors/mmdb holds two small ones. */
#include "io-real/atlas.h"

#include "support/qt.h"

#include <string.h>

static qn_atlas_files files;

static void open_tables(bool countries, bool numbers)
{
    qn_why why;

    files = (qn_atlas_files){0};
    if (countries)
        ck_assert_msg(qn_atlas_add(&files, QT_VECTORS_DIR "/mmdb/countries.mmdb", why), "%s", why);
    if (numbers)
        ck_assert_msg(qn_atlas_add(&files, QT_VECTORS_DIR "/mmdb/numbers.mmdb", why), "%s", why);
}

static qn_spot spot(const char *text)
{
    qn_spot s = {0};
    qn_addr a;

    qt_assert_err(qn_addr_parse(&a, text), QN_OK);
    files.atlas.find(files.atlas.ctx, &a, &s);
    return s;
}

START_TEST(countries_come_in_both_usual_shapes)
{
    open_tables(true, false);
    ck_assert_str_eq(spot("8.8.8.8:443").country, "US");
    ck_assert_str_eq(spot("[2001:4860::1]:443").country, "US");
    ck_assert_str_eq(spot("203.0.113.5:1").country, "IS");
    ck_assert_uint_eq(spot("8.8.8.8:443").as, 0);
    ck_assert_int_eq(qn_atlas_made(&files, 0), 1700000000);
    qn_atlas_close(&files);
}
END_TEST

START_TEST(what_is_no_country_is_unknown)
{
    open_tables(true, false);
    ck_assert_str_eq(spot("9.9.9.9:443").country, "");
    ck_assert_str_eq(spot("192.0.2.1:443").country, "");
    ck_assert_str_eq(spot("198.51.100.1:443").country, "");
    ck_assert_str_eq(spot("203.0.113.200:443").country, "");
    ck_assert_str_eq(spot("[2a00::1]:443").country, "");
    qn_atlas_close(&files);
}
END_TEST

START_TEST(the_first_table_that_knows_counts)
{
    open_tables(true, true);
    ck_assert_str_eq(spot("203.0.113.5:1").country, "IS");
    ck_assert_str_eq(spot("203.0.113.200:1").country, "CH");
    ck_assert_uint_eq(spot("203.0.113.5:1").as, 4200000000);
    ck_assert_uint_eq(spot("8.8.8.8:1").as, 15169);
    qn_atlas_close(&files);
}
END_TEST

START_TEST(what_is_no_table_is_named)
{
    qn_why why;

    files = (qn_atlas_files){0};
    ck_assert(!qn_atlas_add(&files, "/nowhere.mmdb", why));
    ck_assert_ptr_nonnull(strstr(why, "/nowhere.mmdb"));
    ck_assert(!qn_atlas_add(&files, QT_VECTORS_DIR "/README.md", why));
    for (int i = 0; i < QN_ATLAS_TABLES; i++)
        ck_assert(qn_atlas_add(&files, QT_VECTORS_DIR "/mmdb/numbers.mmdb", why));
    ck_assert(!qn_atlas_add(&files, QT_VECTORS_DIR "/mmdb/numbers.mmdb", why));
    qn_atlas_close(&files);
}
END_TEST

static Suite *atlas_suite(void)
{
    Suite *s = suite_create("atlas");
    TCase *tc = tcase_create("atlas");

    tcase_add_test(tc, countries_come_in_both_usual_shapes);
    tcase_add_test(tc, what_is_no_country_is_unknown);
    tcase_add_test(tc, the_first_table_that_knows_counts);
    tcase_add_test(tc, what_is_no_table_is_named);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(atlas_suite)
