#include "io-real/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "FOLDER/NAME: sentence"; a path given whole has no folder. */
static void explain(qn_why why, qn_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void explain(qn_why why, qn_place at, const char *format, ...)
{
    int n = snprintf(why, QN_WHY_MAX, "%s%s%s ", at.folder, at.folder[0] ? "/" : "", at.name);
    va_list args;

    if (n < 0 || n >= QN_WHY_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(why + n, QN_WHY_MAX - (size_t)n, format, args);
    va_end(args);
}

qn_place qn_place_of(const char *path)
{
    return (qn_place){.dir = AT_FDCWD, .folder = "", .name = path};
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_private(qn_place at, const struct stat *st, qn_why why)
{
    if (st->st_uid != geteuid()) {
        explain(why, at, "belongs to another user; a key must be your own");
        return false;
    }
    if ((st->st_mode & 077) != 0) {
        explain(why, at,
                "can be read by other users; run 'chmod 600' on it, and make new keys "
                "if anyone else may have seen it");
        return false;
    }
    return true;
}

static bool read_all(int fd, uint8_t *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, to, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO; /* shorter than a moment ago */
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

static qn_found load_open(int fd, qn_place at, bool secret, qn_span *bytes, qn_why why)
{
    struct stat st;
    uint8_t *p;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        explain(why, at, "is not a plain file");
        return QN_UNUSABLE;
    }
    if (secret && !is_private(at, &st, why))
        return QN_UNUSABLE;
    if (st.st_size > (off_t)QN_STORE_FILE_MAX) {
        explain(why, at, "is larger than any file of QNet's");
        return QN_UNUSABLE;
    }
    p = malloc((size_t)st.st_size + 1);
    if (p == NULL || !read_all(fd, p, (size_t)st.st_size)) {
        explain(why, at, "cannot be read: %s", strerror(errno));
        free(p);
        return QN_UNUSABLE;
    }
    *bytes = (qn_span){.p = p, .n = (size_t)st.st_size};
    return QN_FOUND;
}

qn_found qn_file_load(qn_place at, bool secret, qn_span *bytes, qn_why why)
{
    /* NONBLOCK, so that a FIFO in the file's place is refused, not waited for. */
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (secret ? O_NOFOLLOW : 0);
    int fd = openat(at.dir, at.name, flags);
    qn_found found;

    if (fd < 0) {
        explain(why, at, "cannot be opened: %s", strerror(errno));
        return errno == ENOENT ? QN_ABSENT : QN_UNUSABLE;
    }
    found = load_open(fd, at, secret, bytes, why);
    (void)close(fd);
    return found;
}

qn_found qn_file_read(const char *path, qn_span *bytes, qn_why why)
{
    return qn_file_load(qn_place_of(path), false, bytes, why);
}

/* ---- replacing ------------------------------------------------------------------------------- */

static bool write_all(int fd, qn_slice bytes)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return true;
}

/* The directory entry itself must reach the disk too, or a crash may bring the old name back. */
static bool sync_folder(qn_place at)
{
    char folder[QN_STORE_PATH_MAX];
    const char *slash = strrchr(at.name, '/');
    int fd, synced;

    if (at.dir != AT_FDCWD)
        return fsync(at.dir) == 0;
    if (slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else
        (void)snprintf(folder, sizeof folder, "%.*s/", (int)(slash - at.name), at.name);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    synced = fsync(fd);
    (void)close(fd);
    return synced == 0;
}

/* close() may be where a full network disk is first heard of, so it counts too. */
static bool write_and_sync(int fd, qn_slice bytes)
{
    bool ok = write_all(fd, bytes) && fsync(fd) == 0;
    int saved = errno;

    if (close(fd) != 0 && ok)
        return false;
    errno = saved;
    return ok;
}

bool qn_file_replace(qn_place at, qn_slice bytes, unsigned mode, qn_why why)
{
    char fresh[QN_STORE_PATH_MAX];
    int fd;

    if (snprintf(fresh, sizeof fresh, "%s.new", at.name) >= (int)sizeof fresh) {
        explain(why, at, "has too long a path");
        return false;
    }
    (void)unlinkat(at.dir, fresh, 0); /* a leftover of a crash, possibly with another mode */
    fd = openat(at.dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0 && write_and_sync(fd, bytes) && renameat(at.dir, fresh, at.dir, at.name) == 0 &&
        sync_folder(at))
        return true;
    explain(why, at, "could not be written (%s); what it held before is still there",
            strerror(errno));
    (void)unlinkat(at.dir, fresh, 0);
    return false;
}

bool qn_file_write(const char *path, qn_slice bytes, qn_why why)
{
    return qn_file_replace(qn_place_of(path), bytes, 0644, why);
}
