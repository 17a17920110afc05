/* What TLS 1.3 costs a connection: handshakes a second, and the memory of an idle one. */
#include "net.h"
#include "prim.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/x509.h>

enum { WARM_UP = 20 }; /* first connections pay for what all share */

static void self_sign(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 864000);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench.example", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    if (SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1)
        tls_die("certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static SSL_CTX *new_context(const SSL_METHOD *method, const char *suite)
{
    SSL_CTX *context = must(SSL_CTX_new(method));

    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    if (SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
        (suite && SSL_CTX_set_ciphersuites(context, suite) != 1))
        tls_die("suite");
    return context;
}

SSL_CTX *server_context(const char *suite)
{
    SSL_CTX *context = new_context(TLS_server_method(), suite);

    self_sign(context);
    SSL_CTX_set_num_tickets(context, 1);
    return context;
}

SSL_CTX *client_context(const char *suite)
{
    return new_context(TLS_client_method(), suite);
}

/* CPU seconds spent on each side. */
struct sides {
    double server, client;
};

static void one_handshake(SSL_CTX *server_ctx, SSL_CTX *client_ctx, struct sides *spent)
{
    BIO *server_bio, *client_bio;
    bool server_done = false, client_done = false;
    double begun = cpu_now(), swap;
    SSL *server = SSL_new(server_ctx), *client;
    char byte;

    spent->server += (swap = cpu_now()) - begun;
    client = SSL_new(client_ctx);
    spent->client += cpu_now() - swap;
    BIO_new_bio_pair(&server_bio, 65536, &client_bio, 65536);
    SSL_set_bio(server, server_bio, server_bio);
    SSL_set_bio(client, client_bio, client_bio);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int turn = 0; turn < 10 && !(server_done && client_done); turn++) {
        begun = cpu_now();
        client_done = client_done || SSL_do_handshake(client) == 1;
        spent->client += (swap = cpu_now()) - begun;
        server_done = server_done || SSL_do_handshake(server) == 1;
        spent->server += cpu_now() - swap;
    }
    if (!server_done || !client_done)
        tls_die("handshake");
    begun = cpu_now();
    SSL_read(client, &byte, 1); /* takes the ticket; there is no data */
    SSL_free(client);
    spent->client += (swap = cpu_now()) - begun;
    SSL_free(server);
    spent->server += cpu_now() - swap;
}

void measure_handshakes(double seconds)
{
    SSL_CTX *server = server_context(NULL), *client = client_context(NULL);
    struct sides spent = {0, 0};
    double begun = wall_now(), n = 0;

    while (wall_now() - begun < seconds) {
        one_handshake(server, client, &spent);
        n++;
    }
    say("tls13_handshake_server", n / spent.server, "/s/core");
    say("tls13_handshake_client", n / spent.client, "/s/core");
    say("tls13_handshake_both_time", (spent.server + spent.client) / n * 1e6, "us");
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static double resident_kb(void)
{
    long size, resident;
    FILE *f = must(fopen("/proc/self/statm", "r"));

    if (fscanf(f, "%ld %ld", &size, &resident) != 2)
        die("statm");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* The other side, in a process of its own so that its memory is not counted. */
static _Noreturn void connect_and_hold(const struct sockaddr_in *to, int connections, int until)
{
    SSL_CTX *context = client_context(NULL);
    char byte = 'x';

    for (int i = 0; i < connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        SSL *tls = SSL_new(context);

        if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
            die("connect");
        SSL_set_fd(tls, fd);
        if (SSL_connect(tls) != 1 || SSL_write(tls, &byte, 1) != 1 || SSL_read(tls, &byte, 1) != 1)
            tls_die("echo");
    }
    _exit(read(until, &byte, 1) == 0 ? 0 : 1);
}

static double kb_per_idle(SSL_CTX *context, int listener, int connections)
{
    double before = 0;
    char byte;

    for (int i = 0; i < connections; i++) {
        SSL *tls = SSL_new(context);

        if (i == WARM_UP)
            before = resident_kb();
        SSL_set_fd(tls, accept(listener, NULL, NULL));
        if (SSL_accept(tls) != 1 || SSL_read(tls, &byte, 1) != 1 || SSL_write(tls, &byte, 1) != 1)
            tls_die("echo");
    }
    return (resident_kb() - before) / (connections - WARM_UP);
}

static _Noreturn void serve_idle(const char *name, long mode, int connections)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), hold[2];
    SSL_CTX *context = server_context(NULL);
    pid_t client;

    SSL_CTX_set_mode(context, mode);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (bind(listener, (struct sockaddr *)&at, n) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &n) != 0 || pipe(hold) != 0)
        die("listen");
    client = fork();
    if (client == 0) {
        close(hold[1]);
        connect_and_hold(&at, connections, hold[0]);
    }
    say(name, kb_per_idle(context, listener, connections), "kB (user space, one side)");
    close(hold[1]);
    waitpid(client, NULL, 0);
    _exit(0);
}

/* Each variant in a process of its own: a heap that has grown once would hide the second. */
static void idle_variant(const char *name, long mode, int connections)
{
    pid_t child = fork();

    if (child == 0)
        serve_idle(name, mode, connections);
    waitpid(child, NULL, 0);
}

void measure_idle_tls(int connections)
{
    idle_variant("tls13_idle_connection", 0, connections);
    idle_variant("tls13_idle_connection_release_buffers", SSL_MODE_RELEASE_BUFFERS, connections);
}
