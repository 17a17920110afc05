/* A connection that a test talks to as a server: h2_test.c, hostile_test.c. */
#ifndef H2_SCENE_H
#define H2_SCENE_H

#include "fixture.h"

static qt_env t;
static qn_h2_profile profile;
static qn_h2 *h;
static uint32_t first; /* stream of the first request */

static inline void open_as(unsigned browser, bool resumed)
{
    qt_env_open(&t, 1);
    profile = h2_profile(&t, browser);
    h = h2_open(&t, &profile, "www.example", resumed);
    first = (uint32_t)profile.first_stream;
}

static inline void setup(void)
{
    open_as(H2_CHROMIUM, false);
}

static inline void teardown(void)
{
    qn_h2_free(h);
    qt_env_close(&t);
}

/* As setup, the server's SETTINGS in, one document asked for, everything sent. */
static inline void setup_asked(void)
{
    setup();
    h2_push_hex(h, H2_SETTINGS);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    ck_assert_uint_eq(h2_drain(h), 3);
}

static inline void assert_failed_before(void)
{
    uint32_t id;

    h2_silent(h);
    qt_assert_err(qn_h2_push(h, qt_hex(H2_SETTINGS)), QN_GONE);
    qt_assert_err(qn_h2_request(h, QN_H2_DOCUMENT, h2_text("/"), 1, &id), QN_GONE);
}

static inline void assert_failed(qn_err err)
{
    ck_assert_int_eq(h2_event(h, QN_H2_FAILED).err, err);
    assert_failed_before();
}

#endif
