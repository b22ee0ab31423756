// SPDX-License-Identifier: Apache-2.0
// Usage: build/tests/list_archive FILE [NAME]: lists an initramfs as the finalizer reads it, one
// entry in a line (part, mode, size, name), then what the file is made of. With NAME, the last
// content of that name alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/archive/archive.h"

struct wanted {
    const char *name; // NULL: list
    struct bf_text content;
};

static bool visit(void *arg, const struct bf_archive_entry *entry)
{
    struct wanted *w = arg;
    if (!w->name) {
        printf("%zu %06o %llu %s\n", entry->part, entry->mode, (unsigned long long)entry->size,
               entry->name);
    } else if (strcmp(entry->name, w->name) == 0 && entry->data) {
        w->content.len = 0;
        bf_text_add(&w->content, entry->data, (size_t)entry->size);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct bf_fin_root root;
    struct bf_edits edits;
    struct bf_fault fault = {0};
    struct bf_archive_info info;
    struct wanted w = {.name = argc > 2 ? argv[2] : NULL};
    char *at = argc > 1 ? realpath(argv[1], NULL) : NULL;
    if (!at || bf_fin_root_attach(&root, "/", &fault))
        return 2;
    bf_edits_init(&edits, &root);
    enum bf_err err = bf_archive_read(&edits, at, visit, &w, &info, &fault);
    if (w.name)
        fwrite(w.content.data ? w.content.data : "", 1, w.content.len, stdout);
    else
        printf("parts=%zu format=%s early=%d own=%llu unpacked=%llu trouble=%s\n", info.parts,
               info.format, info.early, (unsigned long long)info.own,
               (unsigned long long)info.unpacked, info.trouble);
    if (err)
        fprintf(stderr, "error %d: %s\n", (int)err, fault.what);
    bf_text_free(&w.content);
    bf_edits_free(&edits);
    bf_fin_root_close(&root);
    free(at);
    return err ? 1 : 0;
}
