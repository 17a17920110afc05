/*
 * Errors are values in four bands, one table for the whole core.
 *
 *     0             fine
 *    -1 ..  -99     not now: try again after ROOM or after the next event
 *  -100 .. -199     the peer's fault: close what it broke, tell nobody else
 *  -200 .. -299     ours: memory, configuration, programming
 *
 * Callers switch on the band (qn_err_band), logs print the name, people read the sentence.
 */
#ifndef QNET_ERR_H
#define QNET_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, sentence). Numbers are stable: they appear in logs and in tests. */
#define QN_ERR_TABLE(X)                                                                            \
    X(OK, 0, "fine")                                                                               \
    X(AGAIN, -1, "nothing to do yet")                                                              \
    X(FULL, -2, "no room or credit at the moment")                                                 \
    X(SHORT, -3, "more bytes are needed")                                                          \
    X(PROTO, -100, "the peer broke the protocol")                                                  \
    X(AUTH, -101, "a tag, signature or key did not verify")                                        \
    X(LIMIT, -102, "the peer exceeded a limit")                                                    \
    X(CREDIT, -103, "the peer sent more than it was credited")                                     \
    X(CANON, -104, "the encoding is not canonical")                                                \
    X(TRUNCATED, -105, "the message ends early")                                                   \
    X(VERSION, -106, "the version is not one we speak")                                            \
    X(NETWORK, -107, "the message belongs to another network")                                     \
    X(EXPIRED, -108, "the validity has ended")                                                     \
    X(EARLY, -109, "the validity has not begun")                                                   \
    X(STALE, -110, "an older version than the one already known")                                  \
    X(UNKNOWN, -111, "no such peer, key, stream or circuit")                                       \
    X(REFUSED, -112, "the peer refused")                                                           \
    X(GONE, -113, "the peer or a hop went away")                                                   \
    X(TIMEOUT, -114, "the peer did not answer in time")                                            \
    X(POLICY, -115, "the exit's policy forbids this destination")                                  \
    X(RESOLVE, -116, "the name did not resolve")                                                   \
    X(UNREACHABLE, -117, "the destination cannot be reached")                                      \
    X(FORGED, -118, "the answer about the name is not what its owner signed")                      \
    X(QUOTA, -119, "a quota is used up; try again later or from elsewhere")                        \
    X(NOMEM, -200, "out of memory or over the configured cap")                                     \
    X(CONFIG, -201, "the configuration is wrong")                                                  \
    X(BUSY, -202, "too many at once")                                                              \
    X(STATE, -203, "the call does not fit the state")                                              \
    X(NOPATH, -204, "the directory lists too few suitable relays")                                 \
    X(EXHAUSTED, -205, "a counter reached its end")                                                \
    X(INTERNAL, -206, "a library failed where it should not")

typedef enum qn_err {
#define X(name, number, sentence) QN_##name = number,
    QN_ERR_TABLE(X)
#undef X
} qn_err;

typedef enum qn_band { QN_BAND_OK, QN_BAND_NOT_NOW, QN_BAND_PEER, QN_BAND_OURS } qn_band;

#define QN_MUST_CHECK __attribute__((warn_unused_result))

qn_band qn_err_band(qn_err err);
/* "AUTH"; "?" for a number outside the table. Static storage. */
const char *qn_err_name(qn_err err);
/* "a tag, signature or key did not verify". Static storage. */
const char *qn_err_text(qn_err err);

#ifdef __cplusplus
}
#endif
#endif
