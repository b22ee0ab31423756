// SPDX-License-Identifier: Apache-2.0
#include "tests/finalize_dry_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "finalize/core/text.h"
#include "tests/finalize_tree.h"

void fuzz_dry_run(const char *file, const void *data, size_t size, const struct bf_plan *plan,
                  const struct bf_devices *devices, size_t most)
{
    struct bf_fin_report report;
    tree_put(file, data, size);
    size_t before = bf_text_stepped();
    bf_fin_report_init(&report, "dry-run");
    bf_finalize(&tree_root, BF_MODE_DRY_RUN, plan, devices, &report);
    size_t work = bf_text_stepped() - before;
    if (work > most) {
        fprintf(stderr, "%s: %zu bytes were gone over, %zu is the most for it\n", file, work, most);
        abort();
    }
    bf_fin_report_free(&report);
    unlinkat(tree_root.fd, file, 0);
}
