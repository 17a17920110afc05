/* The directory's pages: written once a second, shared, bounded. The node is this file. */
#include "io-real/directory_pages.h"

#include "support/qt.h"

#include <stdio.h>
#include <string.h>

static qn_real_env real;
static qn_pages *pages;
static qn_listed nodes[4096];
static uint32_t nodes_n, looks;

bool qn_node_listed(const qn_node *n, uint32_t *cursor, qn_listed *out)
{
    (void)n;
    looks += *cursor == 0;
    if (*cursor == nodes_n)
        return false;
    *out = nodes[(*cursor)++];
    return true;
}

static void add(const char *country, const char *claimed)
{
    qn_listed *l = &nodes[nodes_n++];

    *l = (qn_listed){.addrs_n = 1, .relay = true, .first_seen = 1, .last_seen = 2};
    memcpy(l->country, country, strlen(country) + 1);
    memcpy(l->claimed, claimed, strlen(claimed) + 1);
    l->id.b[0] = (uint8_t)nodes_n;
    l->addrs[0] = (qn_addr){.family = 4, .ip = {192, 0, 2, 1}, .port = 443};
}

static void up(void)
{
    ck_assert(qn_real_env_open(&real, QN_LOG_WARN, UINT64_MAX));
    pages = qn_pages_new(NULL, &real);
    ck_assert_ptr_nonnull(pages);
    nodes_n = looks = 0;
}

static void down(void)
{
    qn_pages_free(pages);
    qn_real_env_close(&real);
}

static struct evbuffer *get(const char *country)
{
    struct evbuffer *out = evbuffer_new();

    ck_assert(qn_pages_put(pages, country, out));
    return out;
}

static const char *text_of(struct evbuffer *page)
{
    static char text[2000];
    ev_ssize_t n = evbuffer_copyout(page, text, sizeof text - 1);

    text[n] = '\0';
    evbuffer_free(page);
    return text;
}

/* In order of appearance; the rest of an entry is tests/real/directory_test.py's. */
static void expect(const char *country, const char *const *parts, unsigned n)
{
    const char *at = text_of(get(country));

    for (unsigned i = 0; i < n; i++) {
        at = strstr(at, parts[i]);
        ck_assert_msg(at != NULL, "no %s", parts[i]);
    }
}

START_TEST(countries_are_in_order_and_nobodys_last)
{
    static const char *const all[] = {
        "{\"IS\":[{",   "/ip4/192.0.2.1/tcp/443", "\"country\":\"IS\",\"country_claimed\":null",
        "},{",          "}],\"US\":[{",           "\"country_claimed\":\"NL\"",
        "}],\"ZZ\":[{", "\"country\":null",       "}]}\n"};
    static const char *const us[] = {"{\"US\":[{", "}]}\n"};

    up();
    add("US", "NL");
    add("", "");
    add("IS", "");
    add("IS", "IS");
    expect(NULL, all, sizeof all / sizeof all[0]);
    expect("US", us, 2);
    ck_assert_str_eq(text_of(get("DE")), "{}\n");
    ck_assert_ptr_nonnull(strstr(text_of(get("ZZ")), "\"country\":null"));
    down();
}
END_TEST

START_TEST(one_second_has_one_list)
{
    up();
    ck_assert_str_eq(text_of(get(NULL)), "{}\n");
    add("IS", "");
    ck_assert_str_eq(text_of(get(NULL)), "{}\n");
    ck_assert_str_eq(text_of(get("IS")), "{}\n");
    ck_assert_uint_eq(looks, 1);
    real.env.now += QN_SEC;
    ck_assert_ptr_nonnull(strstr(text_of(get("IS")), "\"IS\""));
    ck_assert_uint_eq(looks, 2);
    down();
}
END_TEST

/* Slow readers keep what they were given, and no more than so much of it is ever made. */
START_TEST(old_pages_are_bounded)
{
    struct evbuffer *held[200];
    size_t page;
    uint32_t made;

    up();
    for (int i = 0; i < 4096; i++)
        add("IS", "IS");
    for (int i = 0; i < 200; i++) {
        held[i] = get(NULL);
        real.env.now += QN_SEC;
    }
    page = evbuffer_get_length(held[0]);
    made = looks;
    ck_assert_uint_le(made, QN_PAGES_MAX / page + 2);
    ck_assert_uint_gt(made, 1);
    qn_pages_free(pages); /* what is being sent stays */
    ck_assert_uint_eq(evbuffer_get_length(held[199]), page);
    for (int i = 0; i < 200; i++)
        evbuffer_free(held[i]);
    qn_real_env_close(&real);
}
END_TEST

START_TEST(who_has_read_makes_room)
{
    struct evbuffer *held[100];
    uint32_t before;

    up();
    for (int i = 0; i < 4096; i++)
        add("IS", "IS");
    for (int i = 0; i < 100; i++) {
        held[i] = get(NULL);
        real.env.now += QN_SEC;
    }
    before = looks;
    evbuffer_free(get(NULL));
    ck_assert_uint_eq(looks, before);
    for (int i = 0; i < 100; i++)
        evbuffer_free(held[i]);
    evbuffer_free(get(NULL));
    ck_assert_uint_eq(looks, before + 1);
    down();
}
END_TEST

static Suite *pages_suite(void)
{
    Suite *s = suite_create("directory pages");
    TCase *tc = tcase_create("pages");

    tcase_add_test(tc, countries_are_in_order_and_nobodys_last);
    tcase_add_test(tc, one_second_has_one_list);
    tcase_add_test(tc, old_pages_are_bounded);
    tcase_add_test(tc, who_has_read_makes_room);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(pages_suite)
