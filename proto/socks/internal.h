/* What the two languages of the SOCKS port share. */
#ifndef QN_SOCKS_INTERNAL_H
#define QN_SOCKS_INTERNAL_H

#include "socks/socks.h"

/* Ends the conversation by the client's fault; returns err. */
qn_err qn__socks_end(qn_socks *s, qn_err err, const char *why);
/* A whole RFC 1929 message: isolation key and route. False: the hash failed. */
QN_MUST_CHECK bool qn__socks_credentials(qn_socks *s, qn_env *env, qn_slice message);

/* connect.c: one more byte stands at the end of s->in. As qn_socks_push. */
QN_MUST_CHECK qn_err qn__connect_take(qn_socks *s, qn_env *env);
/* The whole answer with this status; static storage. */
qn_slice qn__connect_answer(uint16_t status);

#endif
