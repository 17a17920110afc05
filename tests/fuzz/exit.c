/*
 * Exit policy against promise P6, told again from the IANA special-purpose registries: whatever
 * configuration and destination, what passes is either on the operator's list or a global address
 * on a permitted port, never one of the node's own listeners, and pick agrees with judge.
 */
#include "fuzz.h"

#include "base/ipjudge.h"
#include "exit/policy.h"

/* ---- the judge once more: what must never be reached, as text ----------------------------------
 */

static bool under(const uint8_t *ip, const uint8_t *prefix, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if (((ip[i / 8] ^ prefix[i / 8]) >> (7 - i % 8) & 1) != 0)
            return false;
    return true;
}

typedef struct prefix {
    const char *text; /* "a.b.c.d" or IPv6, to be read by qn_addr_parse */
    unsigned bits;
} prefix;

static const prefix never[] = {
    {"0.0.0.0:1", 8},      {"10.0.0.0:1", 8},     {"100.64.0.0:1", 10},   {"127.0.0.0:1", 8},
    {"169.254.0.0:1", 16}, {"172.16.0.0:1", 12},  {"192.0.2.0:1", 24},    {"192.88.99.0:1", 24},
    {"192.168.0.0:1", 16}, {"198.18.0.0:1", 15},  {"198.51.100.0:1", 24}, {"203.0.113.0:1", 24},
    {"224.0.0.0:1", 3},    {"[::]:1", 8},         {"[100::]:1", 8},       {"[2001:db8::]:1", 32},
    {"[2001:2::]:1", 48},  {"[2001:10::]:1", 28}, {"[3fff::]:1", 20},     {"[5f00::]:1", 16},
    {"[4000::]:1", 2},     {"[8000::]:1", 1}};

static bool inner(const qn_addr *a, uint8_t ip[4])
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff}, nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (a->family != 6)
        return false;
    if (under(a->ip, mapped, 96) || under(a->ip, nat64, 96)) {
        memcpy(ip, a->ip + 12, 4);
        return true;
    }
    memcpy(ip, a->ip + 2, 4); /* 6to4 */
    return a->ip[0] == 0x20 && a->ip[1] == 2;
}

static bool forbidden(const qn_addr *a)
{
    qn_addr v4 = {.family = 4};

    if (inner(a, v4.ip))
        return forbidden(&v4);
    for (size_t i = 0; i < QN_LEN(never); i++) {
        qn_addr p;

        FZ_CHECK(qn_addr_parse(&p, never[i].text) == QN_OK);
        if (p.family == a->family && under(a->ip, p.ip, never[i].bits))
            return true;
    }
    return a->family != 4 && a->family != 6;
}

/* ---- a configuration and questions to it --------------------------------------------------------
 */

typedef struct setup {
    uint16_t ports[QN_EXIT_PORTS_MAX + 1];
    qn_allow allow[QN_EXIT_ALLOW_MAX + 1];
    unsigned ports_n, allow_n, own_n, rules_n;
    qn_rule rules[4];
    qn_addr own[QN_POLICY_OWN];
} setup;

static qn_addr get_addr(fz_in *in)
{
    uint8_t what = fz_u8(in);
    qn_addr a = {.family = what & 1 ? 6 : 4};
    qn_slice ip = fz_take(in, a.family == 6 ? 16 : 4);
    static const uint16_t ports[] = {80, 443, 8080, 22};

    if (ip.n > 0)
        memcpy(a.ip, ip.p, ip.n);
    if ((what & 6) == 2 && a.family == 6) /* forms that hold an IPv4 address */
        memcpy(a.ip, (what & 8) ? "\0\0\0\0\0\0\0\0\0\0\xff\xff" : "\0\x64\xff\x9b\0\0\0\0\0\0\0\0",
               12);
    a.port = what & 16 ? fz_u16(in) : ports[what >> 6];
    return a;
}

static setup get_setup(fz_in *in)
{
    setup s = {.ports_n = fz_below(in, QN_EXIT_PORTS_MAX + 2)};

    for (unsigned i = 0; i < s.ports_n; i++)
        s.ports[i] = fz_u16(in);
    s.allow_n = fz_below(in, QN_EXIT_ALLOW_MAX + 2);
    for (unsigned i = 0; i < s.allow_n; i++) {
        s.allow[i].prefix = get_addr(in);
        s.allow[i].bits = fz_u8(in);
    }
    s.own_n = fz_below(in, QN_POLICY_OWN + 1);
    for (unsigned i = 0; i < s.own_n; i++)
        s.own[i] = get_addr(in);
    for (unsigned i = fz_below(in, QN_LEN(s.rules) + 1); i > 0; i--) {
        qn_slice chunk = fz_chunk(in);
        char text[300] = "";
        const char *what;

        if (chunk.n > 0)
            memcpy(text, chunk.p, QN_MIN(chunk.n, sizeof text - 1));
        if (qn_rule_parse(&s.rules[s.rules_n], text, &what) == QN_OK)
            s.rules_n++;
        else
            FZ_CHECK(what != NULL);
    }
    return s;
}

static bool listed(const setup *s, const qn_addr *a)
{
    qn_addr plain = qn_ip_plain(a);

    for (unsigned i = 0; i < s->allow_n; i++)
        if (s->allow[i].prefix.family == plain.family && s->allow[i].prefix.port == plain.port &&
            under(plain.ip, s->allow[i].prefix.ip, s->allow[i].bits))
            return true;
    return false;
}

static bool port_permitted(const setup *s, uint16_t port)
{
    bool ok = port == 80 || port == 443;

    for (unsigned i = 0; i < s->ports_n; i++)
        ok |= s->ports[i] == port;
    return ok;
}

static bool judged(const setup *s, const qn_policy *p, const qn_addr *a)
{
    qn_dest d = {.type = a->family == 4 ? 1 : 4, .port = a->port};
    bool pass = qn_policy_judge(p, &d, a) == QN_OK;

    FZ_CHECK(!qn_ip_global(a) || !forbidden(a));
    if (!pass)
        return false;
    FZ_CHECK(listed(s, a) || (!forbidden(a) && (s->rules_n > 0 || port_permitted(s, a->port))));
    for (unsigned i = 0; i < s->own_n; i++)
        FZ_CHECK(!qn_addr_equal(a, &s->own[i]));
    return true;
}

static void ask(const setup *s, const qn_policy *p, fz_in *in)
{
    qn_addr v[4], got = {0};
    unsigned n = fz_below(in, QN_LEN(v) + 1);
    bool resolve;
    qn_dest d = {0};
    qn_err err;

    for (unsigned i = 0; i < n; i++) {
        v[i] = get_addr(in);
        (void)judged(s, p, &v[i]);
        d = (qn_dest){.type = v[i].family == 4 ? 1 : 4, .port = v[i].port};
        memcpy(d.ip, v[i].ip, sizeof d.ip);
        err = qn_policy_dest(p, &d, &resolve, &got);
        FZ_CHECK((err == QN_OK) == (qn_policy_judge(p, &d, &v[i]) == QN_OK));
        FZ_CHECK(err != QN_OK || (!resolve && qn_addr_equal(&got, &v[i])));
    }
    /* All of one query have its port; a name passes before resolution when one of them does. */
    for (unsigned i = 1; i < n; i++)
        v[i].port = v[0].port;
    d = (qn_dest){.type = 3, .port = n > 0 ? v[0].port : 80, .name_len = 1, .name = "x"};
    err = qn_policy_pick(p, &d, v, n, &got);
    FZ_CHECK(n > 0 || err == QN_RESOLVE);
    FZ_CHECK(err != QN_OK || s->rules_n > 0 || judged(s, p, &got));
    FZ_CHECK(err != QN_OK || !forbidden(&got) || listed(s, &got));
    FZ_CHECK(err != QN_OK || (qn_policy_dest(p, &d, &resolve, &got) == QN_OK && resolve));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    setup s = get_setup(&in);
    qn_policy policy, untouched;
    qn_policy_said said;

    memset(&policy, 0xa5, sizeof policy);
    untouched = policy;
    if (qn_policy_init(&policy, s.ports, s.ports_n, s.allow, s.allow_n) != QN_OK) {
        FZ_CHECK(memcmp(&policy, &untouched, sizeof policy) == 0);
        return 0;
    }
    for (unsigned i = 0; i < s.own_n; i++)
        FZ_CHECK(qn_policy_own(&policy, &s.own[i]) == QN_OK);
    if (qn_policy_rules(&policy, s.rules, s.rules_n) != QN_OK)
        s.rules_n = 0;
    if (qn_policy_say(&policy, &said) == QN_OK) {
        for (unsigned i = 1; i < said.singles_n; i++)
            FZ_CHECK(said.singles[i - 1] < said.singles[i]);
        for (unsigned i = 1; i < said.ranges_n; i++)
            FZ_CHECK(said.ranges[i - 1].last < said.ranges[i].first);
    }
    while (in.n > 0)
        ask(&s, &policy, &in);
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void put_addr(fz_out *o, const char *text)
{
    qn_addr a;

    FZ_CHECK(qn_addr_parse(&a, text) == QN_OK);
    fz_out_u8(o, (a.family == 6 ? 1u : 0u) | 16u);
    fz_out_bytes(o, a.ip, a.family == 6 ? 16 : 4);
    fz_out_u16(o, a.port);
}

static void seed(const char *name, const char *const *rules, unsigned rules_n, const char *const *v,
                 unsigned n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, 1);
    fz_out_u16(o, 8080);
    fz_out_u8(o, 1);
    put_addr(o, "127.0.0.1:8000");
    fz_out_u8(o, 32);
    fz_out_u8(o, 1);
    put_addr(o, "8.8.4.4:443");
    fz_out_u8(o, rules_n);
    for (unsigned i = 0; i < rules_n; i++)
        fz_out_chunk(o, rules[i], strlen(rules[i]));
    for (unsigned i = 0; i < n; i++) {
        fz_out_u8(o, 1);
        put_addr(o, v[i]);
    }
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    static const char *const good[] = {"8.8.8.8:80",          "93.184.216.34:443",
                                       "[2606:4700::1]:8080", "127.0.0.1:8000",
                                       "[::ffff:808:808]:80", "[2002:808:808::]:80"};
    static const char *const bad[] = {"127.0.0.1:80",
                                      "10.1.2.3:443",
                                      "169.254.169.254:80",
                                      "[::1]:80",
                                      "[::ffff:7f00:1]:80",
                                      "[64:ff9b::7f00:1]:80",
                                      "[2002:7f00:1::]:80",
                                      "[fd00::1]:443",
                                      "8.8.4.4:443",
                                      "100.64.0.1:80",
                                      "[2001:0:808:808::f5ff:fffe]:80"};

    static const char *const rules[] = {"accept x:1-1000", "reject [2606:4700::]/32:*",
                                        "accept *:8000-9000", "reject *.x:80"};

    seed("good", NULL, 0, good, QN_LEN(good));
    seed("bad", NULL, 0, bad, QN_LEN(bad));
    seed("rules", rules, QN_LEN(rules), good, QN_LEN(good));
    seed("rules-bad", rules, QN_LEN(rules), bad, QN_LEN(bad));
}
