/* A client's and an exit's qn_apps in one env, and the moving of cells between them. */
#ifndef QT_CIRCUIT_ENDS_H
#define QT_CIRCUIT_ENDS_H

#include "pair.h"

static qt_env t;
static qn_budget budget;
static qn_circuits all;
static qn_apps at_client, at_exit;
static side client, exit_;

static inline void setup(void)
{
    qt_env_open(&t, 1);
    budget = (qn_budget){.limit = QN_CREDIT_BUDGET};
    all = (qn_circuits){.env = &t.env, .budget = &budget};
    qn_apps_init(&at_client, &all, true);
    qn_apps_init(&at_exit, &all, false);
    client = (side){.apps = &at_client, .client = true};
    exit_ = (side){.apps = &at_exit};
}

static inline void teardown(void)
{
    qn_apps_clear(&at_client);
    qn_apps_clear(&at_exit);
    ck_assert_uint_eq(budget.used, 0);
    qt_env_close(&t);
}

/* One cell from one end to the other; false when there was none. */
static inline bool cell(side *from, side *to)
{
    qn_piece piece;
    qn_err err = qn_apps_output(from->apps, &piece);

    ck_assert_int_eq(err == QN_OK, err != QN_AGAIN);
    if (err != QN_OK)
        return false;
    ck_assert(qn_cell_sized(piece.len));
    from->cells[piece.len == QN_CELL_L]++;
    side_drain(from, to);
    qt_assert_err(qn_apps_input(to->apps, piece), QN_OK);
    qn_block_drop(piece.block);
    side_drain(to, from);
    return true;
}

static inline void settle(void)
{
    bool moved;

    do {
        moved = cell(&client, &exit_);
        moved = cell(&exit_, &client) || moved;
    } while (moved);
    qt_assert_err(qn_apps_err(&at_client), QN_OK);
    qt_assert_err(qn_apps_err(&at_exit), QN_OK);
}

static inline uint32_t open_stream(void)
{
    uint32_t sid = side_open(&client);

    settle();
    ck_assert_uint_eq(exit_.s[sid].opens, 1);
    ck_assert_uint_eq(client.s[sid].openeds, 1);
    ck_assert_int_eq(client.s[sid].opened, QN_APP_DONE);
    return sid;
}

static inline void reset_cells(void)
{
    memset(client.cells, 0, sizeof client.cells);
    memset(exit_.cells, 0, sizeof exit_.cells);
}

#endif
