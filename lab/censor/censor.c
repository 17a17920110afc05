#include "censor/internal.h"

static const censor_kind *const kinds[] = {&censor_ip,       &censor_sni,       &censor_keyword,
                                           &censor_throttle, &censor_freeze,    &censor_encrypted,
                                           &censor_ja4,      &censor_ports,     &censor_shutdown,
                                           &censor_prober,   &censor_duplicator};

const censor_kind *censor_kind_of(const char *name)
{
    for (size_t i = 0; i < QN_LEN(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

const char *censor_kind_name(const censor_kind *kind)
{
    return kind->name;
}

bool censor_init(censor *c, const censor_cfg *cfg, qn_env *env, qn_time now)
{
    *c = (censor){.cfg = *cfg, .env = env, .began = now};
    return (cfg->until == 0 || cfg->until > cfg->from) && cfg->kind->fits(cfg);
}

static bool at_work(const censor *c, qn_time now)
{
    return now >= c->began + c->cfg.from && (c->cfg.until == 0 || now < c->began + c->cfg.until);
}

static bool same_ip(const qn_addr *a, const qn_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

size_t censor_lists_address(const censor_cfg *cfg, const qn_addr *a)
{
    size_t i = 0;

    while (i < cfg->addresses_n && !same_ip(&cfg->addresses[i], a))
        i++;
    return i;
}

/* ---- penalties ------------------------------------------------------------------------------- */

static bool penalised(const censor *c, const censor_flow *f, qn_time now)
{
    for (size_t i = 0; i < CENSOR_RESIDUAL_MAX; i++) {
        const censor_penalty *p = &c->penalty[i];

        if (p->until > now && same_ip(&p->client, &f->client) &&
            qn_addr_equal(&p->server, &f->server))
            return true;
    }
    return false;
}

censor_verdict censor_catch(censor *c, censor_flow *f, censor_act act, qn_time now)
{
    f->judged = f->blocked = true;
    c->stats.caught++;
    if (c->cfg.penalty > 0)
        c->penalty[c->penalty_next++ % CENSOR_RESIDUAL_MAX] = (censor_penalty){
            .client = f->client, .server = f->server, .until = now + c->cfg.penalty};
    return (censor_verdict){.act = act};
}

/* ---- flows ----------------------------------------------------------------------------------- */

censor_verdict censor_open(censor *c, censor_flow *f, const qn_addr *client, const qn_addr *server,
                           qn_time now)
{
    *f = (censor_flow){.client = *client, .server = *server};
    c->stats.flows++;
    c->stats.states++;
    c->stats.states_max = QN_MAX(c->stats.states_max, c->stats.states);
    if (!at_work(c, now))
        return pass();
    if (penalised(c, f, now)) {
        c->stats.penalised++;
        f->blocked = true;
        return (censor_verdict){.act = CENSOR_DROP};
    }
    return c->cfg.kind->open != NULL ? c->cfg.kind->open(c, f, now) : pass();
}

bool censor_first(censor *c, censor_flow *f, censor_direction direction, qn_slice bytes)
{
    size_t n = QN_MIN(bytes.n, sizeof f->first - f->first_n);

    if (direction == CENSOR_DOWN || f->bytes[CENSOR_DOWN] > 0 || n == 0)
        return false;
    memcpy(f->first + f->first_n, bytes.p, n);
    f->first_n = (uint16_t)(f->first_n + n);
    censor_inspected(c, f, n);
    return true;
}

void censor_inspected(censor *c, censor_flow *f, size_t n)
{
    c->stats.inspected += n;
    c->stats.inspections += !f->inspected;
    f->inspected = true;
}

censor_verdict censor_look(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                           qn_slice bytes)
{
    censor_verdict v = pass();

    if (f->blocked)
        return (censor_verdict){.act = CENSOR_DROP};
    c->stats.seen += bytes.n;
    if (c->cfg.kind->see != NULL && at_work(c, now))
        v = c->cfg.kind->see(c, f, direction, now, bytes);
    f->bytes[direction] += bytes.n;
    return v;
}

censor_verdict censor_again(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                            size_t n)
{
    if (f->blocked)
        return (censor_verdict){.act = CENSOR_DROP};
    return f->slow && at_work(c, now) ? censor_police(c, f, direction, now, n) : pass();
}

censor_verdict censor_see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    censor_verdict v = censor_look(c, f, direction, now, bytes);

    return v.act == CENSOR_PASS ? censor_again(c, f, direction, now, bytes.n) : v;
}

void censor_close(censor *c, censor_flow *f)
{
    (void)f;
    c->stats.states--;
}
