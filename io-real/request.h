/*
 * Reading one HTTP/1 request of the status surface (RFC 9112), as a plain function on bytes.
 *
 * The surface is for a person at this machine and for `qnet status`. A web page in the same
 * person's browser can send requests here too, so everything such a page cannot avoid sending is
 * refused: an Origin header, and after DNS rebinding a Host that is not ours (promise P7).
 */
#ifndef QN_REAL_REQUEST_H
#define QN_REAL_REQUEST_H

#include "qnet/env.h"

#include <stdbool.h>

#define QN_REQUEST_MAX 4096 /* bytes up to and with the empty line */
#define QN_REQUEST_PATH 64

typedef struct qn_request {
    char path[QN_REQUEST_PATH];
    bool head; /* HEAD: the answer has no body */
} qn_request;

/*
 * text is a whole head, empty line included. port is the one we listen on; 0: a Unix socket, where
 * any Host will do. Returns the HTTP status the request deserves so far: 200 go on, 400 malformed,
 * 403 a foreign Host or an Origin, 404 the directory's path, which has a listener of its own, 405
 * method, 413 has a body, 414 long path, 505 version.
 */
unsigned qn_request_parse(qn_slice text, uint16_t port, qn_request *out);

#endif
