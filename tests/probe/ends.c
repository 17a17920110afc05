/*
 * Both ends of an HTX link over real sockets, with keys everybody knows, for tools/probe-lab:
 *
 *     htx_ends hello PROFILE.cbor CA.pem WHO COUNT      tagged hellos, each a line of hex
 *     htx_ends dial PROFILE.cbor CA.pem WHO PORT PAGE,BYTES PAGE,BYTES PINGS
 *     htx_ends serve NAME ORIGIN_PORT FLIGHT FLIGHT_RESUMED own|mirror
 *
 * WHO is the server name of a `serve`, or the network file of a real node: its first operator.
 *
 * dial visits, and once it is a link exchanges so many PINGs and closes; each thing that happens is
 * a line. serve prints "ready PORT", and "link" for each link; it ends with its standard input.
 * Exit status: 0 (dial: it became a link), 1 (dial: it did not), 2 trouble of our own.
 */
#include "ends.h"

#include "../unit/htx/shape_item.h"

#include "base/limits.h"
#include "htx/card.h"
#include "htx/client.h"
#include "htx/peer.h"
#include "qnet/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { PINGS_MAX = 1000, BROWSER_IDLE_S = 4 };

void die(const char *what)
{
    perror(what);
    exit(2);
}

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void fill(void *ctx, void *out, size_t n)
{
    (void)ctx;
    for (uint8_t *p = out; n > 0;) {
        size_t part = QN_MIN(n, 256u);

        if (getrandom(p, part, 0) != (ssize_t)part)
            die("getrandom");
        p += part;
        n -= part;
    }
}

static qn_slice read_file(const char *path)
{
    static uint8_t bytes[3][1 << 17];
    static unsigned used;
    FILE *f = fopen(path, "rb");
    uint8_t *p = bytes[used++ % 3];
    size_t n;

    if (f == NULL)
        die(path);
    n = fread(p, 1, sizeof bytes[0], f);
    (void)fclose(f);
    return qn_slice_of(p, n);
}

static void must(qn_err err, const char *what)
{
    if (err == QN_OK)
        return;
    (void)fprintf(stderr, "htx_ends: %s: %s\n", what, qn_err_name(err));
    exit(2);
}

/* The same at both ends, and no secret. */
static qn_dh_secret known_key(uint8_t what)
{
    qn_dh_secret s;

    memset(s.b, what, sizeof s.b);
    return s;
}

static void place(qn_carrier_cfg *cfg)
{
    memset(cfg->network, 0x4e, sizeof cfg->network);
    memset(cfg->responder.b, 0xbb, sizeof cfg->responder.b);
}

/* ---- the end that dials ----------------------------------------------------------------------
 */

typedef struct dialler {
    qn_tls_profile tls;
    qn_h2_profile h2;
    qn_roots *roots;
    qn_htx_page page[2];
    qn_htx_target target;
    qn_carrier_cfg cfg;
} dialler;

static qn_htx_page page_of(char *text)
{
    char *comma = strchr(text, ',');

    if (comma == NULL)
        die("a page is PATH,BYTES");
    return (qn_htx_page){.path = qn_slice_of(text, (size_t)(comma - text)),
                         .largest = (uint32_t)atoi(comma + 1)};
}

/* The first operator of a network, as its contact there says. */
static void look_up(dialler *d, qn_env *env, const char *path)
{
    static qn_network net;
    static qn_htx_card card;
    const qn_operator *op = &net.operators[0];
    const qn_dh_public *mirror;
    qn_slice file = read_file(path);
    char why[160];

    must(qn_network_decode(&net, env, file.p, file.n, why), why);
    must(qn_htx_card_read(&card, op->card, QN_HTX_EPOCHS_MAX), "card");
    mirror = qn_htx_card_at(&card, &op->id, env->wall);
    if (mirror == NULL)
        die("the card has no key of this epoch");
    d->target.name = card.name[0];
    d->target.mirror = *mirror;
    d->target.max_record = card.largest_record;
    d->cfg.responder = op->id;
    memcpy(d->cfg.responder_key.b, op->link_key, sizeof op->link_key);
    memcpy(d->cfg.network, net.id, sizeof net.id);
}

/* profile, roots, who */
static void prepare(dialler *d, qn_env *env, char **argv)
{
    static char about[] = "/about,70000";
    qn_slice file = read_file(argv[0]);
    qn_dh_secret mirror = known_key(3), link = known_key(4);

    must(qn_tls_profile_read(&d->tls, env, file), argv[0]);
    must(qn_h2_profile_read(&d->h2, d->tls.http2), argv[0]);
    must(qn_roots_new(&d->roots, read_file(argv[1])), argv[1]);
    d->page[0] = d->page[1] = page_of(about);
    d->target = (qn_htx_target){.tls = &d->tls,
                                .h2 = &d->h2,
                                .shape = &shape_item,
                                .roots = d->roots,
                                .name = qn_slice_of(argv[2], strlen(argv[2])),
                                .first = &d->page[0],
                                .second = &d->page[1],
                                .first_n = 1,
                                .second_n = 1,
                                .max_record = QN_RECORD_CONTENT_MAX,
                                .idle = BROWSER_IDLE_S * QN_SEC};
    qn_dh_derive(&mirror, &d->target.mirror);
    d->cfg = (qn_carrier_cfg){.initiator = true, .htx = &d->target, .own_key = known_key(5)};
    qn_dh_derive(&link, &d->cfg.responder_key);
    place(&d->cfg);
    if (strchr(argv[2], '/') != NULL)
        look_up(d, env, argv[2]);
}

static void print_hello(world *w, const qn_carrier_cfg *cfg)
{
    qn_carrier *c;
    qn_slice v[4];

    must(qn_htx_client_kind.create(&c, &w->env, cfg), "create");
    qn_carrier_opened(c, 0);
    for (unsigned i = 0, n = qn_carrier_peek(c, 0, v, 4); i < n; i++)
        for (size_t at = 0; at < v[i].n; at++)
            (void)printf("%02x", v[i].p[at]);
    (void)printf("\n");
    qn_carrier_destroy(c);
}

static int hello(world *w, char **argv)
{
    dialler d;

    prepare(&d, &w->env, argv);
    for (int i = 0, n = atoi(argv[3]); i < n; i++)
        print_hello(w, &d.cfg);
    qn_roots_free(d.roots);
    return 0;
}

static int dial(world *w, char **argv)
{
    dialler d;
    joint *j;

    prepare(&d, &w->env, argv);
    d.page[0] = page_of(argv[4]);
    d.page[1] = page_of(argv[5]);
    w->pings = (unsigned)QN_MIN(atoi(argv[6]), (int)PINGS_MAX);
    w->aloud = true;
    j = joint_new(w, &qn_htx_client_kind, &d.cfg);
    joint_connect(w, j, 0, (uint16_t)atoi(argv[3]));
    while (w->joints > 0)
        world_turn(w, NULL);
    qn_roots_free(d.roots);
    return w->links > 0 ? 0 : 1;
}

/* ---- the end that is dialled -----------------------------------------------------------------
 */

typedef struct server {
    qn_htx_site site;
    qn_htx_replay replay;
    qn_htx_mirror_key mirror;
    qn_key psk;
    qn_slice name;
    qn_carrier_cfg cfg;
    qn_dh_public own_public;
} server;

static void describe(server *s, world *w, char **argv)
{
    s->mirror.secret = known_key(3);
    qn_dh_derive(&s->mirror.secret, &s->mirror.pub);
    s->name = qn_slice_of(argv[0], strlen(argv[0]));
    qn_htx_replay_init(&s->replay, &w->env, true);
    s->site = (qn_htx_site){.judge = {.keys = &s->mirror,
                                      .keys_n = 1,
                                      .psks = &s->psk,
                                      .psks_n = 1,
                                      .names = &s->name,
                                      .names_n = 1},
                            .replay = &s->replay,
                            .shape = &shape_item,
                            .own = strcmp(argv[4], "own") == 0,
                            .proven = true,
                            .flight = (uint32_t)atoi(argv[2]),
                            .flight_r = (uint32_t)atoi(argv[3]),
                            .alert = QN_HTX_ALERT_MIN,
                            .goaway = 34,
                            .after_fatal = {.alert = false},
                            .after_notify = {.alert = true},
                            .max_record = QN_RECORD_CONTENT_MAX,
                            .idle = 2 * QN_SEC,
                            .drain = 5};
    s->cfg = (qn_carrier_cfg){.own_key = known_key(4),
                              .own_public = &s->own_public,
                              .site = &s->site,
                              .origin = loopback((uint16_t)atoi(argv[1]))};
    qn_dh_derive(&s->cfg.own_key, &s->own_public);
    place(&s->cfg);
    s->site.judge.place.peer = s->cfg.responder;
    memcpy(s->site.judge.place.network, s->cfg.network, sizeof s->cfg.network);
}

static int serve(world *w, char **argv)
{
    server s = {.psk = {{0}}};

    describe(&s, w, argv);
    world_listen(w, &qn_htx_peer_kind, &s.cfg);
    while (world_turn(w, &s.cfg))
        continue;
    world_clear(w);
    qn_htx_replay_clear(&s.replay);
    return 0;
}

int main(int argc, char **argv)
{
    static world w;
    int status;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    w.env = (qn_env){.now = world_now(),
                     .wall = (int64_t)time(NULL),
                     .rng = {.fill = fill},
                     .mem = {.get = get, .put = put, .limit = UINT64_MAX},
                     .engine = qn_engine_new()};
    if (w.env.engine == NULL)
        return 2;
    if (argc == 6 && strcmp(argv[1], "hello") == 0)
        status = hello(&w, argv + 2);
    else if (argc == 9 && strcmp(argv[1], "dial") == 0)
        status = dial(&w, argv + 2);
    else if (argc == 7 && strcmp(argv[1], "serve") == 0)
        status = serve(&w, argv + 2);
    else
        status = 2;
    qn_engine_free(w.env.engine);
    return status;
}
