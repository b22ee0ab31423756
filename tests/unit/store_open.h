// SPDX-License-Identifier: Apache-2.0
// A session of the store that has to open: a test that cannot have one ends there.
#ifndef BF_TESTS_UNIT_STORE_OPEN_H
#define BF_TESTS_UNIT_STORE_OPEN_H

#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

static inline struct bf_session_store *session_open(struct bf_state *state, const struct source *x,
                                                    struct bf_fault *fault)
{
    struct bf_session_config config;
    struct bf_session_store *s;

    session_config(x, &config);
    if (bf_session_store_open(state, &config, &s, fault) != BF_OK)
        FAIL("%s: %s", bf_err_name(fault->code), fault->what);
    return s;
}

#endif
