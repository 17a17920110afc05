/* The patterns in use (Noise 7.5 and 9.4). */
#include "noise/noise.h"

enum { E = QN_NOISE_E, S = QN_NOISE_S, PSK = QN_NOISE_PSK };
enum { EE = QN_NOISE_EE, ES = QN_NOISE_ES, SE = QN_NOISE_SE };

const qn_noise_pattern qn_noise_xk = {
    .name = "Noise_XK_25519_ChaChaPoly_SHA256",
    .responder_known = true,
    .messages = 3,
    .message = {{E, ES}, {E, EE}, {S, SE}},
};

const qn_noise_pattern qn_noise_xkpsk0 = {
    .name = "Noise_XKpsk0_25519_ChaChaPoly_SHA256",
    .responder_known = true,
    .has_psk = true,
    .messages = 3,
    .message = {{PSK, E, ES}, {E, EE}, {S, SE}},
};

const qn_noise_pattern qn_noise_nk = {
    .name = "Noise_NK_25519_ChaChaPoly_SHA256",
    .responder_known = true,
    .messages = 2,
    .message = {{E, ES}, {E, EE}},
};
