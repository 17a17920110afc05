#include "h2/huffman.h"

/* RFC 7541 appendix B, from ' ' to '~'. */
static const struct {
    uint32_t bits;
    uint8_t n;
} code[] = {{0x14, 6},     {0x3f8, 10},  {0x3f9, 10},  {0xffa, 12},  {0x1ff9, 13}, {0x15, 6},
            {0xf8, 8},     {0x7fa, 11},  {0x3fa, 10},  {0x3fb, 10},  {0xf9, 8},    {0x7fb, 11},
            {0xfa, 8},     {0x16, 6},    {0x17, 6},    {0x18, 6},    {0x0, 5},     {0x1, 5},
            {0x2, 5},      {0x19, 6},    {0x1a, 6},    {0x1b, 6},    {0x1c, 6},    {0x1d, 6},
            {0x1e, 6},     {0x1f, 6},    {0x5c, 7},    {0xfb, 8},    {0x7ffc, 15}, {0x20, 6},
            {0xffb, 12},   {0x3fc, 10},  {0x1ffa, 13}, {0x21, 6},    {0x5d, 7},    {0x5e, 7},
            {0x5f, 7},     {0x60, 7},    {0x61, 7},    {0x62, 7},    {0x63, 7},    {0x64, 7},
            {0x65, 7},     {0x66, 7},    {0x67, 7},    {0x68, 7},    {0x69, 7},    {0x6a, 7},
            {0x6b, 7},     {0x6c, 7},    {0x6d, 7},    {0x6e, 7},    {0x6f, 7},    {0x70, 7},
            {0x71, 7},     {0x72, 7},    {0xfc, 8},    {0x73, 7},    {0xfd, 8},    {0x1ffb, 13},
            {0x7fff0, 19}, {0x1ffc, 13}, {0x3ffc, 14}, {0x22, 6},    {0x7ffd, 15}, {0x3, 5},
            {0x23, 6},     {0x4, 5},     {0x24, 6},    {0x5, 5},     {0x25, 6},    {0x26, 6},
            {0x27, 6},     {0x6, 5},     {0x74, 7},    {0x75, 7},    {0x28, 6},    {0x29, 6},
            {0x2a, 6},     {0x7, 5},     {0x2b, 6},    {0x76, 7},    {0x2c, 6},    {0x8, 5},
            {0x9, 5},      {0x2d, 6},    {0x77, 7},    {0x78, 7},    {0x79, 7},    {0x7a, 7},
            {0x7b, 7},     {0x7ffe, 15}, {0x7fc, 11},  {0x3ffd, 14}, {0x1ffd, 13}};

size_t qn_h2_huffman_size(qn_slice s)
{
    size_t bits = 0;

    for (size_t i = 0; i < s.n; i++)
        bits += code[s.p[i] - ' '].n;
    return (bits + 7) / 8;
}

void qn_h2_huffman_put(qn_slice s, uint8_t *out)
{
    uint64_t acc = 0;
    unsigned have = 0;

    for (size_t i = 0; i < s.n; i++) {
        acc = acc << code[s.p[i] - ' '].n | code[s.p[i] - ' '].bits;
        for (have += code[s.p[i] - ' '].n; have >= 8; have -= 8)
            *out++ = (uint8_t)(acc >> (have - 8));
    }
    if (have > 0) /* the rest is the beginning of EOS: ones */
        *out = (uint8_t)(acc << (8 - have) | 0xffu >> have);
}
