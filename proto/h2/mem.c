/* nghttp2 frees without a size; ours wants one, so it is kept in front of each allocation. */
#include "h2/internal.h"

typedef union head {
    size_t n; /* with this head */
    max_align_t align;
} head;

static void *get(size_t n, void *env)
{
    head *p;

    if (n > SIZE_MAX - sizeof *p)
        return NULL;
    p = qn_mem_get(&((qn_env *)env)->mem, n + sizeof *p);
    if (p == NULL)
        return NULL;
    p->n = n + sizeof *p;
    return p + 1;
}

static void put(void *p, void *env)
{
    if (p != NULL)
        qn_mem_put(&((qn_env *)env)->mem, (head *)p - 1, ((head *)p - 1)->n);
}

static void *get_array(size_t n, size_t size, void *env) /* get zeroes */
{
    return size != 0 && n > SIZE_MAX / size ? NULL : get(n * size, env);
}

static void *get_again(void *p, size_t n, void *env)
{
    void *q = get(n, env);

    if (q != NULL && p != NULL) {
        memcpy(q, p, QN_MIN(n, ((head *)p - 1)->n - sizeof(head)));
        put(p, env);
    }
    return q;
}

nghttp2_mem qn_h2_mem(qn_env *env)
{
    return (nghttp2_mem){.mem_user_data = env,
                         .malloc = get,
                         .free = put,
                         .calloc = get_array,
                         .realloc = get_again};
}
