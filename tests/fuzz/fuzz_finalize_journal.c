// SPDX-License-Identifier: Apache-2.0
// Any bytes as the undo journal of a tree. What is taken for a journal names canonical paths below
// the root only, and a dry undo by it goes over the tree without a write.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "finalize/core/commit.h"
#include "finalize/core/journal.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
    tree_make();
    tree_put("etc/hosts", "new\n", 4);
    tree_put("var/lib/bootferry/undo/1", "old\n", 4);
}

static void check_paths(const json_t *paths)
{
    const char *path;
    json_t *entry;
    json_object_foreach((json_t *)paths, path, entry)
    {
        char between[5000];
        snprintf(between, sizeof between, "%s/", path);
        if (path[0] != '/' || strstr(between, "/../") || strstr(between, "/./") ||
            strlen(path) >= 4096 || !json_is_object(entry))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_fin_report report;
    struct bf_journal j;
    struct stat st;
    if (tree_root.fd < 0)
        start();
    if (!bf_journal_parse(&j, (const char *)data, size)) {
        check_paths(json_object_get(j.json, "files"));
        check_paths(json_object_get(j.json, "dirs"));
    }
    bf_journal_free(&j);
    tree_put("var/lib/bootferry/undo/journal.json", data, size);
    bf_fin_report_init(&report, "undo");
    bf_undo(&tree_root, &report, true);
    bf_fin_report_free(&report);
    if (fstatat(tree_root.fd, "etc/hosts", &st, 0) < 0 || st.st_size != 4)
        abort();
    return 0;
}
