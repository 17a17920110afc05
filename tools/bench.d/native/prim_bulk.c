/* What loopback carries: one writer and one reader process, plain TCP and TLS 1.3. */
#include "net.h"
#include "prim.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char buffer[131072];

struct bulk {
    const char *name;
    const char *suite; /* NULL: plain TCP */
    size_t chunk;      /* bytes a call */
    double seconds;
};

/* Writes until the time is up; returns the CPU seconds that took. */
static double write_all(const struct bulk *b, int fd)
{
    SSL *tls = NULL;
    double cpu, begun;

    if (b->suite) {
        tls = SSL_new(server_context(b->suite));
        SSL_set_fd(tls, fd);
        if (SSL_accept(tls) != 1)
            tls_die("accept");
    }
    cpu = cpu_now();
    begun = wall_now();
    while (wall_now() - begun < b->seconds) {
        for (int i = 0; i < 64; i++) {
            if ((tls ? SSL_write(tls, buffer, (int)b->chunk) : send(fd, buffer, b->chunk, 0)) <= 0)
                die("write");
        }
    }
    cpu = cpu_now() - cpu;
    shutdown(fd, SHUT_WR);
    return cpu;
}

/* Reads to the end; returns the bytes. */
static double read_all(const struct bulk *b, int fd)
{
    SSL *tls = NULL;
    double bytes = 0;
    ssize_t n;

    if (b->suite) {
        tls = SSL_new(client_context(b->suite));
        SSL_set_fd(tls, fd);
        if (SSL_connect(tls) != 1)
            tls_die("connect");
    }
    while ((n = tls ? SSL_read(tls, buffer, (int)b->chunk) : recv(fd, buffer, b->chunk, 0)) > 0)
        bytes += (double)n;
    return bytes;
}

static void report(const struct bulk *b, double bytes, double seconds, double write_cpu,
                   double read_cpu)
{
    char line[64];
    double gib = bytes / (1 << 30);

    snprintf(line, sizeof line, "%s_throughput", b->name);
    say(line, bytes / seconds / 1e6, "MB/s");
    snprintf(line, sizeof line, "%s_cpu_writer", b->name);
    say(line, write_cpu / gib, "s/GiB");
    snprintf(line, sizeof line, "%s_cpu_reader", b->name);
    say(line, read_cpu / gib, "s/GiB");
}

static void measure(const struct bulk *b)
{
    int server, client, result[2];
    double begun, bytes, read_cpu, write_cpu;
    pid_t writer;

    randombytes_buf(buffer, sizeof buffer);
    tcp_pair(&server, &client);
    if (pipe(result) != 0 || (writer = fork()) < 0)
        die("fork");
    if (writer == 0) {
        close(client);
        write_cpu = write_all(b, server);
        _exit(write(result[1], &write_cpu, sizeof write_cpu) == sizeof write_cpu ? 0 : 1);
    }
    close(server);
    close(result[1]);
    begun = wall_now();
    read_cpu = cpu_now();
    bytes = read_all(b, client);
    read_cpu = cpu_now() - read_cpu;
    begun = wall_now() - begun;
    if (read(result[0], &write_cpu, sizeof write_cpu) != sizeof write_cpu)
        die("the writer failed");
    waitpid(writer, NULL, 0);
    close(client);
    close(result[0]);
    report(b, bytes, begun, write_cpu, read_cpu);
}

void measure_tcp(double seconds)
{
    measure(&(struct bulk){"tcp_16k", NULL, RECORD, seconds});
    measure(&(struct bulk){"tcp_128k", NULL, sizeof buffer, seconds});
}

void measure_tls(double seconds)
{
    measure(&(struct bulk){"tls13_aes128gcm", "TLS_AES_128_GCM_SHA256", RECORD, seconds});
    measure(&(struct bulk){"tls13_chacha20", "TLS_CHACHA20_POLY1305_SHA256", RECORD, seconds});
}
