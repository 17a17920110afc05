#include "qnet/err.h"

qn_band qn_err_band(qn_err err)
{
    if (err == QN_OK)
        return QN_BAND_OK;
    if (err > -100)
        return QN_BAND_NOT_NOW;
    return err > -200 ? QN_BAND_PEER : QN_BAND_OURS;
}

const char *qn_err_name(qn_err err)
{
    switch (err) {
#define X(name, number, sentence)                                                                  \
    case QN_##name:                                                                                \
        return #name;
        QN_ERR_TABLE(X)
#undef X
    }
    return "?";
}

const char *qn_err_text(qn_err err)
{
    switch (err) {
#define X(name, number, sentence)                                                                  \
    case QN_##name:                                                                                \
        return sentence;
        QN_ERR_TABLE(X)
#undef X
    }
    return "an error without a name";
}
