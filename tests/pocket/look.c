/* Looking at a pocket world and its nodes, and small faults of theirs. */
#include "pocket/internal.h"

void pw_watch(pw_world *w, const pw_watcher *watcher)
{
    w->watcher = watcher;
}

const char *pw_name_of(const pw_node *n)
{
    return n->name;
}

pw_node *pw_find(const pw_world *w, const char *name)
{
    for (uint32_t i = w->nodes_n; i-- > 0;)
        if (strcmp(w->node[i]->name, name) == 0)
            return w->node[i];
    return NULL;
}

bool pw_dead(const pw_node *n)
{
    return n->dead;
}

qn_addr pw_listen_of(const pw_node *n)
{
    return n->listen;
}

void pw_shut(pw_node *n, bool shut)
{
    n->shut = shut;
}

void pw_masquerade(pw_node *n, const qn_addr *as)
{
    pw_shut(n, true);
    n->source = *as;
}

void pw_stall(pw_node *n)
{
    for (pw_pipe *p = n->world->pipes; p != NULL; p = p->next)
        if (p->end[0].node == n || p->end[1].node == n)
            p->open = false;
}

void pw_say_noise(pw_world *w, pw_node *n, const qn_addr *from, uint32_t bytes)
{
    qn_conn c;
    qn_span v[1];

    pw__stamp(n);
    c = qn_node_accepted(n->core, QN_LISTEN_LINK, from, &n->listen);
    if (c != 0 && qn_node_space(n->core, c, v, 1) == 1) {
        size_t some = QN_MIN(v[0].n, (size_t)bytes);

        for (size_t i = 0; i < some; i++)
            v[0].p[i] = (uint8_t)pw__below(w, 256);
        qn_node_commit(n->core, c, some);
    }
    pw__drain(n);
}
