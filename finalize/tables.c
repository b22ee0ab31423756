// SPDX-License-Identifier: Apache-2.0
// The tables of what the finalizer knows, made of the rows in the headers of their kinds. Nothing
// else is here, so that a test can link tables with a row of its own.
#include "finalize/arch.h"
#include "finalize/drivers.h"
#include "finalize/family.h"
#include "finalize/loader.h"
#include "finalize/maker.h"
#include "finalize/stack.h"

#define ROW(row) &row,

const struct bf_stack_ops *const bf_stacks[] = {BF_STACKS(ROW) NULL};
const struct bf_loader_ops *const bf_loaders[] = {BF_LOADERS(ROW) NULL};
const struct bf_maker_ops *const bf_makers[] = {BF_MAKERS(ROW) NULL};
const struct bf_target *const bf_targets[] = {BF_TARGETS(ROW) NULL};
const struct bf_architecture *const bf_architectures[] = {BF_ARCHITECTURES(ROW) NULL};
const struct bf_family *const bf_families[] = {BF_FAMILIES(ROW) NULL};
