/* A world's beginning and end: listeners, node, surface, signals, limits. */
#include "io-real/httpd.h"
#include "io-real/internal.h"
#include "io-real/log.h"
#include "io-real/loops.h"
#include "io-real/sockets.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- stopping -------------------------------------------------------------------------------- */

void qn__stop(qn_world *w)
{
    static const struct timeval patience = {.tv_sec = QN_STOP_SECONDS};

    if (w->stopping)
        return;
    w->stopping = true;
    qn__doors_close(w);
    (void)evtimer_add(&w->stop_timer, &patience);
    qn__enter(w);
    qn_node_stop(w->node);
    qn__settle(w);
}

static void on_stop_signal(evutil_socket_t fd, short what, void *arg)
{
    qn_world *w = arg;

    (void)fd;
    (void)what;
    if (w->stopping) {
        (void)event_base_loopbreak(w->base);
        qn__loops_post_all(w, QN_MAIL_HALT);
        return;
    }
    qn_log_say(qn__log(w), QN_LOG_INFO, "world", "stopping");
    qn__loops_post_all(w, QN_MAIL_STOP);
    qn__stop(w);
}

static void on_stop_timeout(evutil_socket_t fd, short what, void *arg)
{
    qn_world *w = arg;

    (void)fd;
    (void)what;
    (void)event_base_loopbreak(w->base);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    qn_secret32 psk[QN_PSKS_MAX];
    qn_world *w = arg;
    int n;

    (void)fd;
    (void)what;
    if (w->cfg.hangup == NULL) {
        qn_log_say(qn__log(w), QN_LOG_WARN, "world",
                   "SIGHUP changes nothing: configuration is read at start; restart to change it");
        return;
    }
    n = w->cfg.hangup(w->cfg.hangup_ctx, psk);
    if (n < 0)
        return;
    qn__enter(w);
    if (qn_node_admit(w->node, psk, (unsigned)n) == QN_OK)
        qn__loops_admit(w, psk, (unsigned)n);
    else
        qn_log_say(qn__log(w), QN_LOG_WARN, "world", "the invitations are as they were");
    explicit_bzero(psk, sizeof psk);
    qn__settle(w);
}

static bool catch_signals(qn_world *w)
{
    w->signals[0] = evsignal_new(w->base, SIGTERM, on_stop_signal, w);
    w->signals[1] = evsignal_new(w->base, SIGINT, on_stop_signal, w);
    w->signals[2] = evsignal_new(w->base, SIGHUP, on_hangup, w);
    for (int i = 0; i < SIGNALS; i++)
        if (w->signals[i] == NULL || evsignal_add(w->signals[i], NULL) != 0)
            return false;
    return signal(SIGPIPE, SIG_IGN) != SIG_ERR; /* a broken conn is an error of its write */
}

/* ---- opening --------------------------------------------------------------------------------- */

/* As many descriptors as we are allowed, less those no conn may take. */
static uint32_t raise_descriptor_limit(uint32_t reserve)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024 - reserve;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
    (void)getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur > UINT32_MAX)
        return UINT32_MAX;
    return r.rlim_cur > 2 * reserve ? (uint32_t)r.rlim_cur - reserve : (uint32_t)r.rlim_cur / 2;
}

/* malloc moves its mmap threshold up as large blocks are freed, and from then on keeps them; fixed,
 * a large table goes back to the system when it is freed (mallopt(3)). */
static void return_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    /* One epoll_ctl per turn of the loop however often reading stops and starts in it. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0 &&
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static qn_addr loopback(uint16_t port)
{
    return (qn_addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
}

static qn_opened open_doors(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    if (cfg->node.listen.family != 0 &&
        !qn__door_open(&w->doors[DOOR_LINK], QN_LISTEN_LINK, cfg->node.listen, why))
        return QN_OPEN_PORT;
    if (cfg->socks &&
        !qn__door_open(&w->doors[DOOR_SOCKS], QN_LISTEN_SOCKS, loopback(cfg->socks_port), why))
        return QN_OPEN_PORT;
    w->view.link = w->doors[DOOR_LINK].at;
    w->view.socks = w->doors[DOOR_SOCKS].at;
    return QN_OPENED;
}

static qn_opened make_node(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    qn_node_cfg node = cfg->node;
    char reason[160] = "";
    qn_err err;

    node.listen = w->view.link;
    node.socks = cfg->socks && w->place == 0;
    node.conns_max = w->conns_max;
    err = qn_node_new(&w->node, &node, &w->env->env, reason);
    explicit_bzero(&node, sizeof node);
    if (err == QN_OK)
        return QN_OPENED;
    (void)qn_why_say(why, "%s", err == QN_CONFIG ? reason : qn_err_text(err));
    return err == QN_CONFIG ? QN_OPEN_CONFIG : QN_OPEN_FAILED;
}

/* The state directory is 0700 and locked, so a socket found there is a dead process's. */
static int listen_unix(const qn_store *store, qn_why why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd;

    if (snprintf(at.sun_path, sizeof at.sun_path, "%s/status.sock", store->path) >=
        (int)sizeof at.sun_path) {
        (void)qn_why_say(
            why,
            "%s is too long a path for a Unix socket in it (107 bytes in all); choose a "
            "shorter --state",
            store->path);
        return -1;
    }
    qn_store_remove(store, "status.sock");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        listen(fd, QN_GUESTS_MAX) == 0)
        return fd;
    (void)qn_why_say(why, "cannot make %s: %s", at.sun_path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static qn_opened open_surface(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    qn_whole whole = {.ask = cfg->loops > 1 ? qn__whole_ask : NULL, .ctx = w};
    qn_addr at = loopback(cfg->status_port);
    int tcp = -1, local;

    if (cfg->status && (tcp = qn__listen(&at, why)) < 0)
        return QN_OPEN_PORT;
    if (cfg->status)
        w->view.status = at;
    local = listen_unix(cfg->store, why);
    w->surface = qn_surface_new(w->base, &w->view, &whole, tcp, at.port, local);
    return w->surface != NULL && local >= 0 ? QN_OPENED : QN_OPEN_FAILED;
}

static void enter(void *world)
{
    qn__enter(world);
}

static void settle(void *world)
{
    qn__settle(world);
}

static qn_opened open_directory(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    qn_directory_cfg d = {.node = w->node,
                          .env = w->env,
                          .enter = enter,
                          .settle = settle,
                          .world = w,
                          .rate = cfg->directory_rate,
                          .has_token = cfg->has_directory_token,
                          .token = cfg->directory_token};
    qn_addr at = cfg->directory;
    int fd;

    if (at.family == 0)
        return QN_OPENED;
    fd = qn__listen(&at, why);
    if (fd < 0)
        return QN_OPEN_PORT;
    w->directory = qn_directory_http_new(w->base, fd, &d);
    explicit_bzero(&d.token, sizeof d.token);
    w->view.directory_addr = at;
    w->view.directory = w->directory;
    return w->directory != NULL ? QN_OPENED : QN_OPEN_FAILED;
}

static qn_opened open_lan(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    qn_lan_cfg c = {.base = w->base,
                    .node = w->node,
                    .env = w->env,
                    .enter = enter,
                    .settle = settle,
                    .world = w,
                    .listen = w->view.link};

    if (!cfg->lan)
        return QN_OPENED;
    if (!qn_lan_available()) {
        (void)qn_why_say(why, "discovery.lan: this program was built without Avahi: install "
                              "libavahi-client-dev and build it again, or leave it out");
        return QN_OPEN_CONFIG;
    }
    w->lan = qn_lan_new(&c);
    w->view.lan = w->lan;
    return w->lan != NULL ? QN_OPENED : QN_OPEN_FAILED;
}

/* What an exit must never connect to, beside its link listener: our own doors on this machine. */
static qn_opened own_doors(qn_world *w)
{
    const qn_addr *doors[] = {&w->view.socks, &w->view.status, &w->view.directory_addr};

    for (unsigned i = 0; i < sizeof doors / sizeof doors[0]; i++)
        if (doors[i]->family != 0 && qn_node_own(w->node, doors[i]) != QN_OK)
            return QN_OPEN_FAILED;
    return QN_OPENED;
}

static bool is_exit(const qn_world_cfg *cfg)
{
    return cfg->node.mode == QN_EXIT || cfg->node.mode == QN_SUPER;
}

static qn_opened open_resolver(qn_world *w, const qn_world_cfg *cfg, qn_why why)
{
    if (!is_exit(cfg))
        return QN_OPENED;
    if (cfg->exit_log_days > 0 && w->place == 0)
        w->exit_log = qn_exit_log_new(w->base, cfg->store, &cfg->env->env.wall, &cfg->env->env.log,
                                      cfg->exit_log_days);
    w->resolver = qn_resolver_new(w->base, &cfg->dns, cfg->dns_anchor, qn__resolved, w, why);
    return w->resolver != NULL ? QN_OPENED : QN_OPEN_CONFIG;
}

/* Its part of what all loops may have together. */
static uint32_t conns_of_one(const qn_world_cfg *cfg)
{
    uint32_t loops = cfg->loops > 1 ? cfg->loops : 1;
    uint32_t reserve = QN_FD_RESERVE + (is_exit(cfg) ? QN_RESOLVER_FDS * loops : 0);

    reserve += cfg->directory.family != 0 ? QN_HTTPD_FDS : 0;
    return raise_descriptor_limit(reserve) / loops;
}

static qn_world *world_new(const qn_world_cfg *cfg, unsigned place)
{
    qn_world *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->base = new_base();
    if (w->base == NULL) {
        free(w);
        return NULL;
    }
    w->env = cfg->env;
    w->place = place;
    w->cfg = *cfg;
    explicit_bzero(&w->cfg.node, sizeof w->cfg.node); /* secrets; the node has its own copy */
    explicit_bzero(&w->cfg.directory_token, sizeof w->cfg.directory_token); /* and so on */
    if (cfg->origin_advice != NULL)
        (void)qn_why_say(w->origin_advice, "%s", cfg->origin_advice);
    w->disguised = cfg->node.htx != NULL;
    w->armed = QN_NEVER;
    w->conns_max = conns_of_one(cfg);
    for (int i = 0; i < DOORS; i++)
        w->doors[i] = (door){.world = w, .fd = -1};
    w->reads = EV_READ;
    if ((event_base_get_features(w->base) & EV_FEATURE_EARLY_CLOSE) != 0)
        w->reads |= EV_CLOSED;
    (void)evtimer_assign(&w->timer, w->base, qn__on_timer, w);
    (void)event_assign(&w->flush, w->base, -1, 0, qn__on_flush, w);
    (void)evtimer_assign(&w->retry_accept, w->base, qn__door_retry, w);
    (void)evtimer_assign(&w->stop_timer, w->base, on_stop_timeout, w);
    (void)evtimer_assign(&w->checkup, w->base, qn__checkup, w);
    return w;
}

static void fill_view(qn_world *w, const qn_world_cfg *cfg)
{
    w->view.node = w->node;
    w->view.env = w->env;
    w->view.network = qn_node_network(w->node);
    w->view.carrier = cfg->carrier_name;
    w->view.atlas = cfg->atlas;
    w->view.mode = cfg->node.mode;
    w->view.exit_notice = cfg->exit_notice;
    memcpy(w->view.exit_contact, cfg->node.contact, sizeof w->view.exit_contact);
    w->view.lab = cfg->node.lab;
    w->view.profile = cfg->profile;
    w->view.profile_advice = cfg->profile_advice;
    w->view.origin = cfg->origin_name;
    w->view.origin_measured = cfg->origin_measured;
    w->view.origin_advice = w->origin_advice;
    w->view.since = w->env->env.now;
}

/* A follower has the leader's doors. */
static qn_opened fill(qn_world *w, const qn_world_cfg *cfg, const qn_world *leader, qn_why why)
{
    qn_opened result = open_resolver(w, cfg, why);

    if (leader != NULL) {
        w->view.link = leader->view.link;
        w->view.socks = leader->view.socks;
        w->view.status = leader->view.status;
        w->view.directory_addr = leader->view.directory_addr;
    } else if (result == QN_OPENED) {
        result = open_doors(w, cfg, why);
    }
    if (result == QN_OPENED)
        result = make_node(w, cfg, why);
    if (result != QN_OPENED)
        return result;
    fill_view(w, cfg);
    if (leader == NULL)
        result = open_surface(w, cfg, why);
    if (result == QN_OPENED && leader == NULL)
        result = open_directory(w, cfg, why);
    if (result == QN_OPENED && leader == NULL)
        result = open_lan(w, cfg, why);
    if (result == QN_OPENED)
        result = own_doors(w);
    if (result == QN_OPENED && leader == NULL && !catch_signals(w))
        result = QN_OPEN_FAILED;
    return result;
}

qn_opened qn__world_make(qn_world **out, const qn_world_cfg *cfg, unsigned place,
                         const qn_world *leader, qn_why why)
{
    qn_real_env_stamp(cfg->env);
    *out = world_new(cfg, place);
    return *out != NULL ? fill(*out, cfg, leader, why) : QN_OPEN_FAILED;
}

qn_opened qn_world_open(qn_world **out, const qn_world_cfg *cfg, qn_why why)
{
    qn_opened result;

    *out = NULL;
    (void)qn_why_say(why, "out of memory or descriptors");
    return_memory();
    if (cfg->loops > 1)
        return qn__loops_open(out, cfg, why);
    result = qn__world_make(out, cfg, 0, NULL, why);
    if (result != QN_OPENED && *out != NULL) {
        qn__world_unmake(*out);
        *out = NULL;
    }
    return result;
}

qn_world_addrs qn_world_where(const qn_world *w)
{
    return (qn_world_addrs){.link = w->view.link,
                            .socks = w->view.socks,
                            .status = w->view.status,
                            .directory = w->view.directory_addr};
}

void qn_world_status(const qn_world *w, qn_status *out)
{
    qn_node_status(w->node, out);
}

void qn_world_run(qn_world *w)
{
    qn__loops_start(w);
    qn__doors_start(w);
    qn__checkup_start(w);
    qn__enter(w);
    qn__settle(w);
    (void)event_base_dispatch(w->base);
    qn__loops_end(w);
}

/* ---- closing --------------------------------------------------------------------------------- */

static void drop_conns(qn_world *w)
{
    for (uint32_t i = 0; i < w->conns.buckets; i++)
        while (w->conns.bucket[i] != NULL)
            qn__conn_destroy(w->conns.bucket[i]);
    qn__bury(w);
    free(w->conns.bucket);
}

void qn__world_unmake(qn_world *w)
{
    qn__doors_close(w);
    drop_conns(w);
    for (int i = 0; i < SIGNALS; i++)
        if (w->signals[i] != NULL)
            event_free(w->signals[i]);
    (void)event_del(&w->timer);
    (void)event_del(&w->flush);
    (void)event_del(&w->retry_accept);
    (void)event_del(&w->stop_timer);
    (void)event_del(&w->checkup);
    qn_errand_kill(w->errand);
    qn_surface_free(w->surface);
    qn_directory_http_free(w->directory);
    qn_lan_free(w->lan);
    if (w->exit_log != NULL)
        qn_exit_log_free(w->exit_log);
    if (w->resolver != NULL)
        qn_resolver_free(w->resolver);
    if (w->visits != NULL)
        qn_lookup_free(w->visits);
    if (w->node != NULL)
        qn_node_free(w->node);
    event_base_free(w->base);
    if (w->place == 0)
        qn_store_remove(w->cfg.store, "status.sock");
    free(w);
}

void qn_world_close(qn_world *w)
{
    if (w->loops != NULL)
        qn__loops_close(w->loops);
    else
        qn__world_unmake(w);
}
