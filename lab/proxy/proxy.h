/* A TCP proxy on this machine with a censor in the middle: docs/simulator.md, "Censors". */
#ifndef LAB_PROXY_H
#define LAB_PROXY_H

#include "censor/censor.h"

#include <netinet/in.h>

enum { PROXY_FLOWS_MAX = 64, PROXY_BUFFER = 16384 };

/* Takes flows from `listener` to `server` and does what the censor says, until *stop. False: a
 * system call failed, errno says how. */
bool proxy_run(censor *c, int listener, const qn_addr *server, const volatile int *stop);
struct sockaddr_in proxy_to_system(const qn_addr *a);
qn_time proxy_now(void); /* ns, of a clock that never goes back */
/* A socket that listens on `at` (port 0: any, told in *at), or -1 with errno. */
int proxy_listen(qn_addr *at);

#endif
