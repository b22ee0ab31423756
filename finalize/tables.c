// SPDX-License-Identifier: Apache-2.0
// The tables of what the finalizer knows, made of the rows in the headers of their kinds. Nothing
// else is here, so that a test can link tables with a row of its own.
#include "base/bytes.h"
#include "finalize/boot/loader.h"
#include "finalize/core/rows.h"
#include "finalize/initramfs/maker.h"
#include "finalize/network/stack.h"
#include "finalize/system/arch.h"
#include "finalize/system/family.h"
#include "finalize/target/targets.h"

#define ROW(row) &row,
#define TABLE(type, table, rows)                                                                   \
    const type *const table[] = {rows(ROW) NULL};                                                  \
    _Static_assert(BF_COUNT(table) <= BF_ROWS_MAX + 1, "more rows than BF_ROWS_MAX")

TABLE(struct bf_stack_ops, bf_stacks, BF_STACKS);
TABLE(struct bf_loader_ops, bf_loaders, BF_LOADERS);
TABLE(struct bf_maker_ops, bf_makers, BF_MAKERS);
TABLE(struct bf_target, bf_targets, BF_TARGETS);
TABLE(struct bf_architecture, bf_architectures, BF_ARCHITECTURES);
TABLE(struct bf_family, bf_families, BF_FAMILIES);
