/* Invitations as text: taken as a whole, found among other text, refused by name when wrong. */
#include "unit/dir/fixture.h"

#include "dir/invitation.h"

#include <stdio.h>

static char text[QN_INVITATION_TEXT];
static uint8_t bytes[QN_INVITATION_MAX];
static size_t bytes_n;
static char why[160];
static qn_secret32 psk;

static void setup(void)
{
    fx_open(1, 1, false);
    memset(psk.b, 0x55, sizeof psk.b);
    qt_assert_err(qn_invitation_make(&t.env, &net, fx_descriptor(0), &psk, text), QN_OK);
}

static qn_err take(const char *from)
{
    qn_slice in = qn_slice_of(from, strlen(from));

    why[0] = '\0';
    return qn_invitation_next(&t.env, &in, bytes, &bytes_n, why);
}

static qn_err open_as(const qn_network *as, qn_invitation *i)
{
    why[0] = '\0';
    return qn_invitation_open(i, &t.env, as, qn_slice_of(bytes, bytes_n), why);
}

START_TEST(what_was_made_is_read)
{
    qn_invitation i;
    qn_invitation_facts f;

    qt_assert_err(take(text), QN_OK);
    qt_assert_err(open_as(&net, &i), QN_OK);
    ck_assert_mem_eq(i.psk.b, psk.b, sizeof psk.b);
    qt_assert_err(qn_invitation_check(&t.env, &net, qn_slice_of(bytes, bytes_n), &f, why), QN_OK);
    ck_assert(qn_peerid_equal(&f.id, &i.d.id));
    ck_assert_int_eq(f.until, i.d.link.not_after);
}
END_TEST

/* Mail breaks lines and quotes, people write around, telephones shout. */
START_TEST(mail_and_capitals_do_no_harm)
{
    static char mail[2 * QN_INVITATION_TEXT];
    size_t n = 0;
    qn_invitation i;

    memcpy(mail, "Hello,\r\n> ", 10);
    n = 10;
    for (size_t k = 0; text[k] != '\0'; k++) {
        if (k > 12 && k % 60 == 0) {
            memcpy(mail + n, "\r\n> ", 4);
            n += 4;
        }
        mail[n++] = text[k] >= 'a' && text[k] <= 'z' ? (char)(text[k] - 32) : text[k];
    }
    memcpy(mail + n, "\r\nyours", 8);
    qt_assert_err(take(mail), QN_OK);
    qt_assert_err(open_as(&net, &i), QN_OK);
}
END_TEST

START_TEST(several_are_found_one_after_the_other)
{
    static char two[3 * QN_INVITATION_TEXT];
    qn_slice in;

    (void)snprintf(two, sizeof two, "first %s and then\n%s.", text, text);
    in = qn_slice_of(two, strlen(two));
    for (unsigned k = 0; k < 2; k++)
        qt_assert_err(qn_invitation_next(&t.env, &in, bytes, &bytes_n, why), QN_OK);
    qt_assert_err(qn_invitation_next(&t.env, &in, bytes, &bytes_n, why), QN_GONE);
}
END_TEST

START_TEST(one_wrong_character_anywhere_is_noticed)
{
    for (size_t k = 12; text[k] != '\0'; k++) {
        char was = text[k];

        text[k] = was == 'a' ? 'b' : 'a';
        ck_assert_msg(take(text) != QN_OK, "character %zu", k);
        ck_assert_uint_gt(strlen(why), 0);
        text[k] = was;
    }
}
END_TEST

START_TEST(one_cut_short_anywhere_is_noticed)
{
    for (size_t k = strlen(text) - 1; k > 12; k--) {
        text[k] = '\0';
        qt_assert_err(take(text), QN_TRUNCATED);
    }
    ck_assert_str_eq(why, "the invitation is cut short: copy all of it");
}
END_TEST

START_TEST(text_without_one_is_named)
{
    qt_assert_err(take("qnet-invit:abc"), QN_GONE);
    ck_assert_ptr_nonnull(strstr(why, "there is no invitation here"));
}
END_TEST

START_TEST(another_networks_is_named)
{
    qn_network other = net;
    qn_invitation i;

    other.id[0] ^= 1;
    qt_assert_err(take(text), QN_OK);
    qt_assert_err(open_as(&other, &i), QN_NETWORK);
    ck_assert_str_eq(why, "the invitation is for another network");
}
END_TEST

/* A mirror key is good for its week and the next; without a card the link's key has the last word.
 */
START_TEST(one_with_a_card_lasts_as_long_as_its_last_key)
{
    qn_descriptor d = fx_relay(0);
    qn_invitation_facts f;

    d.card = fx_card(QN_HTX_DESCRIPTOR_KEYS);
    qt_assert_err(qn_invitation_make(&t.env, &net, fx_signed(&d, 0), &psk, text), QN_OK);
    qt_assert_err(take(text), QN_OK);
    qt_assert_err(qn_invitation_check(&t.env, &net, qn_slice_of(bytes, bytes_n), &f, why), QN_OK);
    ck_assert_int_eq(f.until,
                     qn_htx_epoch_start(&d.id, (uint32_t)(QT_EPOCH / QN_HTX_EPOCH_S) + 1 + 2));
}
END_TEST

START_TEST(an_old_one_is_named)
{
    qn_invitation_facts f;

    qt_assert_err(take(text), QN_OK);
    t.env.wall += 15 * 86400;
    qt_assert_err(qn_invitation_check(&t.env, &net, qn_slice_of(bytes, bytes_n), &f, why),
                  QN_EXPIRED);
    ck_assert_ptr_nonnull(strstr(why, "too old"));
}
END_TEST

START_TEST(a_forged_descriptor_is_refused)
{
    qn_invitation i;

    qt_assert_err(take(text), QN_OK);
    bytes[bytes_n - 1] ^= 1; /* of its signature; whoever forges makes the checksum fit */
    qt_assert_err(open_as(&net, &i), QN_AUTH);
    ck_assert_ptr_nonnull(strstr(why, "forged"));
}
END_TEST

START_TEST(a_zero_key_is_neither_made_nor_taken)
{
    qn_invitation i;
    uint8_t *key;

    memset(psk.b, 0, sizeof psk.b);
    qt_assert_err(qn_invitation_make(&t.env, &net, fx_descriptor(0), &psk, text), QN_CONFIG);
    qt_assert_err(take(text), QN_OK); /* the one of setup */
    key = bytes + 1 + 2 + 1 + 34 + 1 + 2;
    ck_assert_uint_eq(key[0], 0x55);
    memset(key, 0, 32);
    qt_assert_err(open_as(&net, &i), QN_PROTO);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("invitation");
    TCase *c = tcase_create("text");

    tcase_add_checked_fixture(c, setup, fx_close);
    tcase_add_test(c, what_was_made_is_read);
    tcase_add_test(c, mail_and_capitals_do_no_harm);
    tcase_add_test(c, several_are_found_one_after_the_other);
    tcase_add_test(c, one_wrong_character_anywhere_is_noticed);
    tcase_add_test(c, one_cut_short_anywhere_is_noticed);
    tcase_add_test(c, text_without_one_is_named);
    tcase_add_test(c, another_networks_is_named);
    tcase_add_test(c, one_with_a_card_lasts_as_long_as_its_last_key);
    tcase_add_test(c, an_old_one_is_named);
    tcase_add_test(c, a_forged_descriptor_is_refused);
    tcase_add_test(c, a_zero_key_is_neither_made_nor_taken);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
