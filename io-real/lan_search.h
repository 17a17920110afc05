/*
 * The thread that lan.c talks to. Notes go over a pair of sockets that keep their borders; when
 * ours is closed the thread ends.
 */
#ifndef QN_REAL_LAN_SEARCH_H
#define QN_REAL_LAN_SEARCH_H

#include "io-real/lan_rules.h"

typedef struct qn_lan_note {
    bool announced; /* from the thread: others see us. It stands in every note */
    qn_addr at;     /* from the thread: where bytes were found; family 0: none were */
    uint16_t n;     /* from the loop: 0: announce nothing any more */
    uint8_t bytes[QN_LAN_DESCRIPTOR_MAX]; /* a signed descriptor; only n of them are sent */
} qn_lan_note;

typedef struct qn_lan_search {
    int fd;       /* the thread's end of the pair; it closes it */
    int link;     /* index of the interface */
    qn_addr self; /* what is announced */
    char name[32];
    char tag[QN_LAN_TAG + 1];
} qn_lan_search;

bool qn_lan_send(int fd, const qn_lan_note *note); /* false: there is no room, or nobody */
int qn_lan_receive(int fd, qn_lan_note *note); /* 1; 0: nothing now; -1: the other end is gone */
bool qn_lan_can_search(void);                  /* there is an Avahi in this program */
void *qn_lan_search_run(void *search);         /* a thread's; frees it */

#endif
