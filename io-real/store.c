#include "io-real/store.h"

#include "io-real/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 50 /* a second */

static bool directory_is_private(const qn_store *s, qn_why why)
{
    struct stat st;

    if (fstat(s->dir, &st) != 0)
        return qn_why_say(why, "cannot look at %s: %s", s->path, strerror(errno));
    if (st.st_uid != geteuid())
        return qn_why_say(why, "%s belongs to another user; use a state directory of your own",
                          s->path);
    if ((st.st_mode & 077) != 0)
        return qn_why_say(why, "%s is open to other users; run 'chmod 700 %s'", s->path, s->path);
    return true;
}

bool qn_store_open_shared(qn_store *s, const char *path, qn_why why)
{
    *s = (qn_store){.dir = -1, .lock = -1};
    if (strlen(path) >= sizeof s->path)
        return qn_why_say(why, "the state directory's path is too long");
    memcpy(s->path, path, strlen(path) + 1);
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0)
        return qn_why_say(why, "cannot open the state directory %s: %s", path, strerror(errno));
    if (!directory_is_private(s, why)) {
        qn_store_close(s);
        return false;
    }
    return true;
}

/* A lock of the kernel's, not a file's mere presence: it ends with the process, however that ends.
 * Of a process that was killed that may be a moment later than whoever starts the next one learns
 * of its end, so it is asked for again for a while. */
static bool take_lock(qn_store *s, qn_why why)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return qn_why_say(why, "cannot make %s/lock: %s", s->path, strerror(errno));
    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return qn_why_say(why,
                      "another qnet process uses the state directory %s; stop it or choose another",
                      s->path);
}

bool qn_store_open(qn_store *s, const char *path, qn_why why)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return qn_why_say(why, "cannot make the state directory %s: %s", path, strerror(errno));
    if (!qn_store_open_shared(s, path, why))
        return false;
    if (!take_lock(s, why)) {
        qn_store_close(s);
        return false;
    }
    return true;
}

void qn_store_close(qn_store *s)
{
    if (s->lock >= 0)
        (void)close(s->lock);
    if (s->dir >= 0)
        (void)close(s->dir);
    s->lock = s->dir = -1;
}

bool qn_store_write(const qn_store *s, const char *name, qn_slice bytes, qn_why why)
{
    return qn_file_replace((qn_place){.dir = s->dir, .folder = s->path, .name = name}, bytes, 0600,
                           why);
}

/* Zeros over all of a file that has lost its name but not yet its blocks. */
static void blot(int fd)
{
    static const uint8_t zero[4096];
    struct stat st;

    if (fstat(fd, &st) != 0)
        return;
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zero) {
        off_t left = st.st_size - at;
        size_t n = left < (off_t)sizeof zero ? (size_t)left : sizeof zero;

        if (pwrite(fd, zero, n, at) < 0)
            return;
    }
    (void)fdatasync(fd);
}

bool qn_store_write_secret(const qn_store *s, const char *name, qn_slice bytes, qn_why why)
{
    int old = openat(s->dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = qn_store_write(s, name, bytes, why);

    if (old >= 0 && ok)
        blot(old);
    if (old >= 0)
        (void)close(old);
    return ok;
}

bool qn_store_append(const qn_store *s, const char *name, qn_slice bytes, qn_why why)
{
    int fd = openat(s->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    ssize_t put = fd >= 0 ? write(fd, bytes.p, bytes.n) : -1;
    int saved = put >= 0 ? ENOSPC : errno; /* a short write is a full disk */

    if (fd >= 0)
        (void)close(fd);
    if (put == (ssize_t)bytes.n)
        return true;
    qn_store_remove(s, name);
    return qn_why_say(why, "%s/%s could not be written (%s)", s->path, name, strerror(saved));
}

qn_found qn_store_read(const qn_store *s, const char *name, qn_span *bytes, qn_why why)
{
    return qn_file_load((qn_place){.dir = s->dir, .folder = s->path, .name = name}, false, bytes,
                        why);
}

void qn_store_remove(const qn_store *s, const char *name)
{
    (void)unlinkat(s->dir, name, 0);
}

/* ---- keys ------------------------------------------------------------------------------------ */

#define KEY_TAG "qnet-key-1"
#define KEY_TEXT_MAX 128

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "qnet-key-1 NAME <64 hex digits>\n", nothing before, nothing behind. */
static bool parse_key(qn_span text, const char *name, qn_secret32 *key)
{
    char head[64];
    size_t n = (size_t)snprintf(head, sizeof head, KEY_TAG " %s ", name);
    const char *p = (const char *)text.p + n;

    if (text.n != n + 65 || memcmp(text.p, head, n) != 0 || p[64] != '\n')
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = nibble(p[2 * i]), low = nibble(p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        key->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static qn_found load_key(qn_place at, const char *name, qn_secret32 *key, qn_why why)
{
    qn_span text;
    qn_found found = qn_file_load(at, true, &text, why);
    bool ok;

    if (found != QN_FOUND)
        return found;
    ok = parse_key(text, name, key);
    explicit_bzero(text.p, text.n);
    free(text.p);
    if (ok)
        return QN_FOUND;
    (void)qn_why_say(why, "%s/%s is damaged or not a QNet %s key; restore it from a backup",
                     at.folder, at.name, name);
    return QN_UNUSABLE;
}

qn_found qn_store_read_key(const qn_store *s, const char *name, qn_secret32 *key, qn_why why)
{
    char file[64];

    (void)snprintf(file, sizeof file, "%s.key", name);
    return load_key((qn_place){.dir = s->dir, .folder = s->path, .name = file}, name, key, why);
}

qn_found qn_file_read_key(const char *path, const char *name, qn_secret32 *key, qn_why why)
{
    return load_key(qn_place_of(path), name, key, why);
}

static bool replace_key(qn_place at, const char *name, const qn_secret32 *key, qn_why why)
{
    char text[KEY_TEXT_MAX];
    int n = snprintf(text, sizeof text, KEY_TAG " %s ", name);
    bool ok;

    for (size_t i = 0; i < sizeof key->b; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%02x", key->b[i]);
    text[n++] = '\n';
    ok = qn_file_replace(at, (qn_slice){.p = (const uint8_t *)text, .n = (size_t)n}, 0600, why);
    explicit_bzero(text, sizeof text);
    return ok;
}

bool qn_store_write_key(const qn_store *s, const char *name, const qn_secret32 *key, qn_why why)
{
    char file[64];

    (void)snprintf(file, sizeof file, "%s.key", name);
    return replace_key((qn_place){.dir = s->dir, .folder = s->path, .name = file}, name, key, why);
}

bool qn_file_write_key(const char *path, const char *name, const qn_secret32 *key, qn_why why)
{
    return replace_key(qn_place_of(path), name, key, why);
}

qn_found qn_store_read_keys(const qn_store *s, qn_keys *keys, qn_why why)
{
    static const char *const names[] = {"identity", "link", "onion"};
    qn_secret32 *to[] = {&keys->identity, &keys->link, &keys->onion};
    const char *missing = NULL;
    unsigned found = 0;

    for (unsigned i = 0; i < 3; i++) {
        qn_found one = qn_store_read_key(s, names[i], to[i], why);

        if (one == QN_UNUSABLE)
            return QN_UNUSABLE;
        if (one == QN_FOUND)
            found++;
        else
            missing = names[i];
    }
    if (found == 3)
        return QN_FOUND;
    if (found == 0)
        return QN_ABSENT;
    (void)qn_why_say(
        why, "%s holds some keys but no %s.key; restore it, or start with a fresh directory",
        s->path, missing);
    return QN_UNUSABLE;
}

bool qn_store_write_keys(const qn_store *s, const qn_keys *keys, qn_why why)
{
    return qn_store_write_key(s, "identity", &keys->identity, why) &&
           qn_store_write_key(s, "link", &keys->link, why) &&
           qn_store_write_key(s, "onion", &keys->onion, why);
}
