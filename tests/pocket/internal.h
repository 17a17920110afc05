/* What world.c, pipe.c and people.c share. */
#ifndef POCKET_INTERNAL_H
#define POCKET_INTERNAL_H

#include "base/bytes.h"
#include "pocket/world.h"

enum { PW_NODES = 64, PW_SERVERS = 64, PW_EVENT_TYPES = QN_EV_CLOCK + 1 };

/* Bytes on their way: a FIFO per direction, each chunk with its arrival time. */
typedef struct chunk {
    struct chunk *next;
    qn_time ready;
    uint32_t len, off;
    bool fin;
    uint8_t data[];
} chunk;

typedef enum holder { HOLD_NONE, HOLD_NODE, HOLD_FETCH, HOLD_SERVING } holder;

typedef struct end {
    holder kind;
    pw_node *node; /* HOLD_NODE */
    qn_conn conn;
    void *person;     /* pw_fetch or serving */
    bool want_write;  /* has more to send than the window took */
    bool read_paused; /* had no room; waits for READ */
    bool finishing;   /* FIN once everything is sent */
    bool closing;     /* released once everything is sent */
} end;

typedef struct lane { /* bytes travelling towards end[!i] from end[i] */
    chunk *first, *last;
    uint64_t bytes;
    bool fin_sent, armed;
} lane;

struct pw_pipe {
    pw_pipe *next, *prev;
    uint32_t number;
    bool dead, open;
    end end[2];
    lane lane[2];
    qn_time last_ready[2]; /* keeps a lane's order */
    uint64_t freeze;       /* of what end[1] says so many more bytes arrive; QN_NEVER: all */
};

enum { PW_FILES = 8, PW_DIALLED = 64 };

typedef struct pw_file { /* what STORE kept */
    const char *name;
    uint8_t *p;
    size_t n;
} pw_file;

struct pw_node {
    char name[32];
    pw_world *world;
    qn_env env;
    qn_drbg drbg;
    qn_node *core;
    qn_addr listen, source; /* where connects to it go, where its own come from */
    pw_pipe **pipe;         /* by conn slot */
    uint32_t pipes_cap;
    bool dead, isolated, stopped, shut;
    uint64_t freeze; /* of new pipes that it dials; 0: they do not */
    int64_t clock_off;
    uint64_t uplink;     /* bytes a second; 0: no limit */
    qn_time uplink_free; /* when what was written so far has left */
    pw_file file[PW_FILES];
    const char *broken_file; /* NULL: none */
    qn_time armed;
    uint64_t allocs, fail_at;
    qn_addr dialled[PW_DIALLED]; /* each address once */
    uint32_t dialled_n;
    uint32_t event_n[PW_EVENT_TYPES];
    qn_event event_last[PW_EVENT_TYPES];
};

typedef enum what { WHAT_TICK, WHAT_LANE, WHAT_CONNECT, WHAT_RESET, WHAT_RESOLVED } what;

typedef struct happening {
    qn_time at;
    uint64_t seq;
    what what;
    pw_node *node;
    pw_pipe *pipe;
    uint32_t number; /* of the pipe when it was scheduled; or a query */
    int side;
    qn_addr addr; /* WHAT_CONNECT */
    qn_dest dest; /* WHAT_RESOLVED */
} happening;

struct pw_server {
    char name[64];
    qn_addr addr;
    pw_manner manner;
    pw_site site;
    bool refuse, corrupt;
    uint32_t requests;
    uint64_t heard;
};

struct pw_world {
    pw_cfg cfg;
    qn_time now;
    int64_t epoch;
    qn_env env; /* the world's own: keys, draws */
    qn_drbg drbg;
    struct qn_engine *engine;
    happening *heap;
    uint32_t heap_n, heap_cap;
    uint64_t seq;
    uint32_t pipe_numbers;
    pw_pipe *pipes;
    pw_node *node[PW_NODES];
    uint32_t nodes_n;
    pw_server server[PW_SERVERS];
    uint32_t servers_n;
    pw_fetch *fetches;
    const pw_watcher *watcher; /* NULL: nobody looks on */
    qn_hash digest;
};

/* world.c */
void pw__stamp(pw_node *n);
void pw__drain(pw_node *n); /* the law: actions, then the timer */
void pw__at(pw_world *w, happening h);
uint32_t pw__below(pw_world *w, uint32_t n);
pw_pipe *pw__pipe_of(pw_node *n, qn_conn c);
void pw__bind(pw_node *n, qn_conn c, pw_pipe *p);

/* pipe.c */
pw_pipe *pw__pipe_new(pw_world *w);
int pw__side(const pw_pipe *p, const pw_node *n, qn_conn c);
size_t pw__room(const pw_world *w, const pw_pipe *p, int from);
void pw__write(pw_world *w, pw_pipe *p, int from, const uint8_t *bytes, size_t n, bool fin);
void pw__send(pw_world *w, pw_pipe *p, int from);  /* a node's conn: peek, write, consume */
void pw__lane(pw_world *w, pw_pipe *p, int from);  /* deliver what is ready */
void pw__reset(pw_world *w, pw_pipe *p, int from); /* end[from] resets; the other learns of it */
void pw__forget(pw_world *w, pw_pipe *p);
qn_time pw__delay(pw_world *w);

/* people.c: users and servers. */
void pw__person_opened(pw_world *w, pw_pipe *p, int side);
size_t pw__person_takes(pw_world *w, pw_pipe *p, int side, const uint8_t *bytes, size_t n);
void pw__person_fin(pw_world *w, pw_pipe *p, int side);
void pw__person_reset(pw_world *w, const end *was);
void pw__person_room(pw_world *w, pw_pipe *p, int side);
bool pw__server_accepts(pw_world *w, pw_pipe *p, int side, const qn_addr *to);
/* Addresses a name leads to; returns how many. */
unsigned pw__resolve(const pw_world *w, const char *name, uint16_t port, qn_addr *v, unsigned max);
void pw__people_clear(pw_world *w);

#endif
