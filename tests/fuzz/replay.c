/*
 * main() of a fuzz target for compilers without libFuzzer: plays files, then seeded mutations of
 * them. Deterministic: mutation K of a corpus is the same bytes in every build and run.
 *
 *     fuzz_X [--mutations N] FILE|DIR...               N defaults to 0
 *     fuzz_X --write-seeds DIR                         the starting corpus, made anew
 *
 * A failure leaves its input in ./crash-X and says so.
 */
#include "fuzz.h"

#include "qnet/env.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 16, FILES_MAX = 4096 };

typedef struct file {
    uint8_t *p;
    size_t n;
} file;

static file corpus[FILES_MAX];
static size_t corpus_n;
static char crash_path[256];
static struct { /* what is being played, for crash() */
    const uint8_t *p;
    size_t n;
} current;

/* ---- when it fails --------------------------------------------------------------------------- */

/* Only what a signal handler may call. */
static void crash(void)
{
    static const char text[] = "fuzz: the input that did it is in ./";
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, current.p, current.n) != (ssize_t)current.n)
        return;
    (void)close(fd);
    if (write(2, text, sizeof text - 1) > 0 && write(2, crash_path, strlen(crash_path)) > 0)
        (void)!write(2, "\n", 1);
}

static void on_signal(int number)
{
    crash();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(const char *program)
{
    static const int fatal[] = {SIGABRT, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};
    const char *base = strrchr(program, '/');

    (void)snprintf(crash_path, sizeof crash_path, "crash-%s", base != NULL ? base + 1 : program);
    for (size_t i = 0; i < QN_LEN(fatal); i++)
        (void)signal(fatal[i], on_signal);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(crash);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void die(const char *what, const char *name)
{
    (void)fprintf(stderr, "fuzz: %s: %s\n", what, name);
    exit(2);
}

static void load(const char *path)
{
    FILE *f = fopen(path, "rb");
    file *to = &corpus[corpus_n];

    if (f == NULL)
        die("cannot read", path);
    if (corpus_n == FILES_MAX)
        die("too many files", path);
    to->p = malloc(INPUT_MAX);
    if (to->p == NULL)
        die("out of memory", path);
    to->n = fread(to->p, 1, INPUT_MAX, f);
    (void)fclose(f);
    corpus_n++;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void load_all(const char *path)
{
    struct stat st;
    struct dirent **names;
    char name[1024];
    int n;

    if (stat(path, &st) != 0)
        die("no such file", path);
    if (!S_ISDIR(st.st_mode)) {
        load(path);
        return;
    }
    n = scandir(path, &names, visible, alphasort);
    for (int i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]->d_name);
        load(name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

/* ---- playing --------------------------------------------------------------------------------- */

/* From a heap block of exactly n bytes, so that a sanitizer sees the byte behind the last. */
static void play(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    if (copy == NULL)
        die("out of memory", "input");
    if (n > 0)
        memcpy(copy, p, n);
    current.p = copy;
    current.n = n;
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static uint32_t draw(qn_drbg *rng, size_t below)
{
    uint8_t b[4];

    qn_drbg_fill(rng, b, sizeof b);
    return qn_get32(b) % (uint32_t)below;
}

static uint8_t odd_byte(qn_drbg *rng)
{
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, 0x10, 0x20, 0x40};

    return draw(rng, 2) == 0 ? odd[draw(rng, sizeof odd)] : (uint8_t)draw(rng, 256);
}

/* One change of the n bytes at p (cap INPUT_MAX); returns the new length. */
static size_t change(qn_drbg *rng, uint8_t *p, size_t n)
{
    size_t at = draw(rng, n + 1), from, len;
    const file *other;

    switch (draw(rng, 7)) {
    case 0: /* a bit */
        if (at < n)
            p[at] ^= (uint8_t)(1u << draw(rng, 8));
        return n;
    case 1: /* a byte */
        if (at < n)
            p[at] = odd_byte(rng);
        return n;
    case 2: /* one more */
        if (n == INPUT_MAX)
            return n;
        memmove(p + at + 1, p + at, n - at);
        p[at] = odd_byte(rng);
        return n + 1;
    case 3: /* some fewer */
        len = 1 + draw(rng, 16);
        len = QN_MIN(len, n - at);
        memmove(p + at, p + at + len, n - at - len);
        return n - len;
    case 4: /* a piece of itself again */
        len = 1 + draw(rng, 64);
        len = QN_MIN(len, n - at);
        len = QN_MIN(len, INPUT_MAX - n);
        memmove(p + at + len, p + at, n - at);
        return n + len;
    case 5: /* cut short */
        return draw(rng, 4) == 0 ? at : n;
    default: /* goes on as another file */
        other = &corpus[draw(rng, corpus_n)];
        from = draw(rng, other->n + 1);
        len = QN_MIN(other->n - from, INPUT_MAX - at);
        memcpy(p + at, other->p + from, len);
        return at + len;
    }
}

static void mutate(unsigned long number)
{
    static uint8_t buf[INPUT_MAX];
    const file *from;
    size_t n;
    uint32_t changes;
    qn_drbg rng;

    qn_drbg_init(&rng, "replay", 1, number);
    from = &corpus[draw(&rng, corpus_n)];
    n = from->n;
    memcpy(buf, from->p, n);
    changes = 1 + draw(&rng, 8);
    while (changes-- > 0)
        n = change(&rng, buf, n);
    play(buf, n);
}

int main(int argc, char **argv)
{
    unsigned long mutations = 0;
    int i = 1;

    watch(argv[0]);
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--write-seeds") == 0) {
            fz_seeds_dir = argv[i + 1];
            fz_seeds();
            return 0;
        }
        if (strcmp(argv[i], "--mutations") == 0)
            mutations = strtoul(argv[i + 1], NULL, 10);
        else
            die("no such option", argv[i]);
    }
    for (; i < argc; i++)
        load_all(argv[i]);
    if (corpus_n == 0)
        die("nothing to play", "give files or a directory");
    for (size_t k = 0; k < corpus_n; k++)
        play(corpus[k].p, corpus[k].n);
    for (unsigned long k = 1; k <= mutations; k++)
        mutate(k);
    (void)printf("fuzz: %zu files, %lu mutations\n", corpus_n, mutations);
    for (size_t k = 0; k < corpus_n; k++)
        free(corpus[k].p);
    return 0;
}
