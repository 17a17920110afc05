/* Single values from text. Each is strict: the whole text or nothing. */
#ifndef QNET_VALUES_H
#define QNET_VALUES_H

#include "qnet/node.h"

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "64 KiB", "512 MiB", "2GiB": binary units only, so that nobody has to guess. */
bool value_size(const char *text, uint64_t *out);
bool value_bool(const char *text, bool *out);
/* The index of text among n words, or -1. */
int value_word(const char *text, const char *const *words, unsigned n);
/* "127.0.0.1:80", "[::1]:80"; port 0 where any_port is set. */
bool value_addr(const char *text, bool any_port, qn_addr *out);
/* "10.0.0.0/8:80", "[fd00::]/8:443", without /BITS a single address. */
bool value_allow(const char *text, qn_allow *out);

#endif
