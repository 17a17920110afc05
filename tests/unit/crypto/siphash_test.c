#include "support/qt.h"

#include "crypto/siphash.h"

/* Appendix A of "SipHash: a fast short-input PRF": key 00..0f, message 00..0e. */
START_TEST(gives_the_papers_answer)
{
    uint8_t bytes[16];

    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    ck_assert_uint_eq(qn_siphash(bytes, qn_slice_of(bytes, 15)), UINT64_C(0xa129ca6149be45e5));
}
END_TEST

static Suite *siphash_suite(void)
{
    Suite *s = suite_create("crypto/siphash");
    TCase *tc = tcase_create("siphash");

    tcase_add_test(tc, gives_the_papers_answer);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(siphash_suite)
