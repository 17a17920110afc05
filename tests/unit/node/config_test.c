/* qn_node_new: what it refuses, with which sentence, and what a failed start leaves behind. */
#include "solo.h"

static void refuses(const qn_node_cfg *cfg, const char *part)
{
    char why[160] = "something old";
    uint64_t used = t.env.mem.used;
    qn_node *n = NULL;

    qt_assert_err(qn_node_new(&n, cfg, &t.env, why), QN_CONFIG);
    ck_assert_ptr_null(n);
    ck_assert_msg(strstr(why, part) != NULL, "says: %s", why);
    ck_assert_uint_eq(t.env.mem.used, used);
}

START_TEST(every_mode_starts_and_gives_all_memory_back)
{
    qn_node_cfg cfg = solo_cfg((qn_mode)_i);

    solo_start(&cfg);
    ck_assert_int_eq((int)solo_status().mode, _i);
}
END_TEST

START_TEST(refuses_to_start_without_a_network)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    cfg.network = NULL;
    refuses(&cfg, "network file");
}
END_TEST

START_TEST(refuses_a_lab_network_without_lab)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    cfg.lab = false;
    refuses(&cfg, "needs --lab");
}
END_TEST

START_TEST(refuses_lab_in_a_network_that_is_none)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    solo_network(false);
    refuses(&cfg, "not a lab's");
}
END_TEST

START_TEST(refuses_the_bare_carrier_outside_a_lab)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    solo_network(false);
    cfg.lab = false;
    refuses(&cfg, "no disguise");
}
END_TEST

START_TEST(refuses_to_choose_a_carrier_itself)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    cfg.carrier = NULL;
    refuses(&cfg, "carrier");
}
END_TEST

START_TEST(refuses_a_mode_that_does_not_exist)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    cfg.mode = (qn_mode)(QN_SUPER + 1 + _i * 40); /* one too many, and far away */
    refuses(&cfg, "no such mode");
}
END_TEST

START_TEST(refuses_to_be_reached_nowhere)
{
    qn_node_cfg cfg = solo_cfg((qn_mode)_i);

    cfg.listen = (qn_addr){0};
    refuses(&cfg, "listen address");
}
END_TEST

START_TEST(refuses_an_exit_without_a_contact)
{
    qn_node_cfg cfg = solo_cfg(_i == 0 ? QN_EXIT : QN_SUPER);

    cfg.contact[0] = '\0';
    refuses(&cfg, "abuse contact");
}
END_TEST

START_TEST(refuses_private_destinations_outside_a_lab)
{
    static qn_carrier_kind decent;
    qn_node_cfg cfg = solo_cfg(QN_EXIT);

    decent = qn_carrier_bare;
    decent.lab_only = false;
    solo_network(false);
    cfg.lab = false;
    cfg.carrier = &decent;
    cfg.exit_allow_n = 1;
    cfg.exit_allow[0] = (qn_allow){.prefix = {.family = 4, .ip = {10}, .port = 80}, .bits = 8};
    refuses(&cfg, "exit.allow");
}
END_TEST

START_TEST(refuses_exit_settings_that_mean_nothing)
{
    qn_node_cfg cfg = solo_cfg(QN_EXIT);

    cfg.exit_ports_n = 1; /* port 0 */
    refuses(&cfg, "exit.ports");
    cfg = solo_cfg(QN_EXIT);
    cfg.exit_allow_n = 1;
    cfg.exit_allow[0] = /* bits behind the prefix */
        (qn_allow){.prefix = {.family = 4, .ip = {10, 1}, .port = 80}, .bits = 8};
    refuses(&cfg, "exit.allow");
}
END_TEST

START_TEST(refuses_an_operator_key_where_none_belongs)
{
    qn_node_cfg cfg = solo_cfg((qn_mode)_i);

    cfg.has_operator = true;
    cfg.operator_seed = solo_secret('o');
    if (_i == QN_CLIENT || _i == QN_RELAY || _i == QN_EXIT)
        refuses(&cfg, "bootstrap or super");
}
END_TEST

START_TEST(refuses_an_operator_key_the_network_does_not_know)
{
    qn_node_cfg cfg = solo_cfg(QN_SUPER);

    cfg.operator_seed = solo_secret('x');
    refuses(&cfg, "not one of the network file's");
}
END_TEST

/* A file left by an earlier run, by somebody else, or by nobody: the node starts without it. */
START_TEST(a_useless_stored_snapshot_does_not_stop_a_start)
{
    qn_node_cfg cfg = solo_cfg(QN_CLIENT);

    cfg.stored_snapshot = qn_slice_of("\x82\x40\x80", 3);
    solo_start(&cfg);
    ck_assert_uint_eq(solo_status().snapshot_version, 0);
}
END_TEST

START_TEST(each_allocation_failing_once_leaves_nothing_behind)
{
    qn_node_cfg cfg = solo_cfg((qn_mode)_i);
    uint64_t base = t.env.mem.used;
    char why[160];
    unsigned refused = 0;

    for (uint64_t nth = 1;; nth++) {
        qn_err err;

        why[0] = '\0';
        qt_alloc_fail_at(nth);
        err = qn_node_new(&node, &cfg, &t.env, why);
        if (err == QN_OK) {
            bool all = qt_alloc_requests() < nth;

            qn_node_free(node);
            node = NULL;
            ck_assert_uint_eq(t.env.mem.used, base);
            if (all)
                break;
        } else {
            qt_assert_err(err, QN_NOMEM);
            ck_assert_ptr_null(node);
            ck_assert_uint_gt(strlen(why), 0);
            ck_assert_uint_eq(t.env.mem.used, base);
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

/* ---- HTX ----------------------------------------------------------------------------------------
 */

static qn_htx_cfg htx;
static qn_htx_origin origin;
static uint8_t card[QN_HTX_CARD_MAX];

/* Some authority's certificate. */
static qn_slice root(void)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBdTCCARugAwIBAgIUcg6TAwoXNwy/FCE8Z+U2O+rlNCgwCgYIKoZIzj0EAwIw\n"
                              "DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjAxMDUwMzFaGA8yMTI2MTAyNzEwNTAz\n"
                              "MVowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMAp\n"
                              "l5GNkJrRBYDmnfXUUotL6y3Oj5HSq82twumUP68qQYrvY4wAWx1v7YWztK63IrRX\n"
                              "aeJh0bR9fBL0yvp8gFujUzBRMB0GA1UdDgQWBBTNitCCfnrGA+gHNUThyQnjtTio\n"
                              "KjAfBgNVHSMEGDAWgBTNitCCfnrGA+gHNUThyQnjtTioKjAPBgNVHRMBAf8EBTAD\n"
                              "AQH/MAoGCCqGSM49BAMCA0gAMEUCIQD6G12cOwlRIFYBiq0+zKkBIu8wa6tcaLi5\n"
                              "h+RcKbBtwwIgMFYPY7dnvNfkrruPXSOJ9qUYuH7ZcOuhgzRvLiEJegI=\n"
                              "-----END CERTIFICATE-----\n";

    return qn_slice_of(pem, sizeof pem - 1);
}

/* A relay in front of a site, in a network whose operator says how to reach him. */
static qn_node_cfg with_htx(qn_mode mode)
{
    uint8_t keys[QN_HTX_MIRROR_FILE_MAX];
    qn_node_cfg cfg = solo_cfg(mode);
    size_t n, keys_n;

    origin = (qn_htx_origin){.name = {qn_slice_of("site.example", 12)},
                             .names_n = 1,
                             .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = 8443},
                             .flight = 500,
                             .flight_resumed = 100,
                             .alert = 19,
                             .goaway = 34,
                             .largest_record = 16384,
                             .first = {{qn_slice_of("/", 1), 6000}},
                             .second = {{qn_slice_of("/b", 2), 3000}},
                             .first_n = 1,
                             .second_n = 1};
    qt_assert_err(qn_htx_found(&t.env, &net.operators[0].id, &origin, 1,
                               (qn_span){keys, sizeof keys}, &keys_n, (qn_span){card, sizeof card},
                               &n),
                  QN_OK);
    net.operators[0].card = qn_slice_of(card, n);
    htx = (qn_htx_cfg){.profile = qt_vector_file("../../profiles/chromium-156.cbor"),
                       .roots = root(),
                       .origin = &origin};
    cfg.carrier = &qn_carrier_htx;
    cfg.htx = &htx;
    return cfg;
}

START_TEST(every_mode_starts_over_htx)
{
    qn_node_cfg cfg = with_htx((qn_mode)_i);

    if (_i == QN_CLIENT)
        htx.origin = NULL;
    solo_start(&cfg);
    ck_assert_uint_eq(acts[QN_ACT_STORE] > 0, _i != QN_CLIENT);
}
END_TEST

START_TEST(htx_is_told_whom_it_plays)
{
    qn_node_cfg cfg = with_htx(QN_CLIENT);

    cfg.htx = NULL;
    refuses(&cfg, "browser profile");
    cfg = with_htx(QN_CLIENT);
    htx.profile.n--;
    refuses(&cfg, "browser profile is damaged");
    cfg = with_htx(QN_CLIENT);
    htx.roots = qn_slice_of("nothing", 7);
    refuses(&cfg, "certificates");
}
END_TEST

START_TEST(an_old_profile_is_refused_but_in_a_lab)
{
    qn_node_cfg cfg = with_htx(QN_CLIENT);

    t.env.wall = INT64_C(1) << 33;
    solo_start(&cfg);
    qn_node_free(node);
    node = NULL;
    solo_network(false);
    cfg = with_htx(QN_CLIENT);
    cfg.lab = false;
    refuses(&cfg, "past its date");
}
END_TEST

START_TEST(a_profile_that_ends_soon_is_told)
{
    qn_node_cfg cfg;
    int64_t until;

    solo_network(false);
    cfg = with_htx(QN_CLIENT);
    cfg.lab = false;
    solo_start(&cfg);
    until = solo_status().profile_until;
    ck_assert_int_gt(until, t.env.wall);
    t.env.wall = until + 1;
    ck_assert_ptr_nonnull(strstr(solo_status().advice, "past its date"));
    solo_pass(60 * QN_SEC);
    ck_assert_uint_eq(acts[QN_ACT_DIAL], 0); /* and nobody is dialled with it */
}
END_TEST

START_TEST(htx_needs_somebody_to_begin_with)
{
    qn_node_cfg cfg = with_htx(QN_CLIENT);

    net.operators[0].card = (qn_slice){0};
    refuses(&cfg, "says of no operator");
}
END_TEST

START_TEST(whoever_is_dialled_stands_in_front_of_a_site)
{
    qn_node_cfg cfg = with_htx(QN_RELAY);

    htx.origin = NULL;
    refuses(&cfg, "web site");
    cfg = with_htx(QN_RELAY);
    origin.alert = 18;
    refuses(&cfg, "figures");
    cfg = with_htx(QN_RELAY);
    origin.names_n = 0;
    refuses(&cfg, "names or pages");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node config");
    TCase *c = tcase_create("start");

    tcase_add_checked_fixture(c, solo_open, solo_close);
    tcase_add_loop_test(c, every_mode_starts_and_gives_all_memory_back, QN_CLIENT, QN_SUPER + 1);
    tcase_add_test(c, refuses_to_start_without_a_network);
    tcase_add_test(c, refuses_a_lab_network_without_lab);
    tcase_add_test(c, refuses_lab_in_a_network_that_is_none);
    tcase_add_test(c, refuses_the_bare_carrier_outside_a_lab);
    tcase_add_test(c, refuses_to_choose_a_carrier_itself);
    tcase_add_loop_test(c, refuses_a_mode_that_does_not_exist, 0, 3);
    tcase_add_loop_test(c, refuses_to_be_reached_nowhere, QN_RELAY, QN_SUPER + 1);
    tcase_add_loop_test(c, refuses_an_exit_without_a_contact, 0, 2);
    tcase_add_test(c, refuses_private_destinations_outside_a_lab);
    tcase_add_test(c, refuses_exit_settings_that_mean_nothing);
    tcase_add_loop_test(c, refuses_an_operator_key_where_none_belongs, QN_CLIENT, QN_SUPER + 1);
    tcase_add_test(c, refuses_an_operator_key_the_network_does_not_know);
    tcase_add_test(c, a_useless_stored_snapshot_does_not_stop_a_start);
    tcase_add_loop_test(c, each_allocation_failing_once_leaves_nothing_behind, QN_CLIENT,
                        QN_SUPER + 1);
    tcase_add_loop_test(c, every_mode_starts_over_htx, QN_CLIENT, QN_SUPER + 1);
    tcase_add_test(c, htx_is_told_whom_it_plays);
    tcase_add_test(c, an_old_profile_is_refused_but_in_a_lab);
    tcase_add_test(c, a_profile_that_ends_soon_is_told);
    tcase_add_test(c, htx_needs_somebody_to_begin_with);
    tcase_add_test(c, whoever_is_dialled_stands_in_front_of_a_site);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
