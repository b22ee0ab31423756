// SPDX-License-Identifier: Apache-2.0
// Symbolic links in a set of edits: what enables a service is one. An entry holds the text of the
// link, as that of a file holds its content.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/edit_set.h"
#include "finalize/core/fault.h"

// The path of what stands in a folder, whatever that is, once the folder's own links are resolved.
static char *link_path(struct bf_edits *e, const char *path, struct bf_fault *fault)
{
    char dir[PATH_MAX], *all = NULL;
    const char *slash = strrchr(path, '/');
    BF_ASSERT(slash && slash[1] && strlen(path) < sizeof dir);
    snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    char *real = bf_fin_root_real(e->root, dir, fault);
    if (real && asprintf(&all, "%s%s", real[1] ? real : "", slash) < 0) {
        all = NULL;
        bf_edits_no_memory(e, fault);
    }
    free(real);
    return all;
}

static bool is_there(const struct bf_edits *e, const char *real)
{
    int fd = bf_fin_root_open(e->root, real, O_PATH | O_NOFOLLOW, NULL);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// Reads what is there into a new entry, which takes the path over.
static struct bf_edit *add(struct bf_edits *e, char *real, struct bf_fault *fault)
{
    char *target = bf_fin_root_readlink(e->root, real);
    struct bf_edit *edit = NULL;
    if (!target && is_there(e, real))
        bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_SOURCE, "", "it is no symbolic link");
    else if (!bf_edits_make_room(e, real, fault) && !(edit = calloc(1, sizeof *edit)))
        bf_edits_no_memory(e, fault);
    if (!edit) {
        free(target);
        free(real);
        return NULL;
    }
    *edit = (struct bf_edit){.path = real, .old = target, .existed = target, .link = true};
    edit->old_size = edit->old_len = edit->len = target ? strlen(target) : 0;
    edit->data = target ? strdup(target) : NULL;
    if (target && !edit->data)
        bf_edits_no_memory(e, fault);
    BF_ASSERT(!bf_edits_find(e, real)); // one entry for each path
    return e->item[e->count++] = edit;
}

// The entry of a link, which need not exist.
static struct bf_edit *entry(struct bf_edits *e, const char *path, struct bf_fault *fault)
{
    char *real = link_path(e, path, fault);
    struct bf_edit *edit = real ? bf_edits_find(e, real) : NULL;
    if (!real || !edit)
        return real ? add(e, real, fault) : NULL;
    free(real);
    if (!edit->existed && !edit->data)
        edit->link = true; // it was looked for as a file, and is not there
    if (edit->link)
        return edit;
    bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_SOURCE, "", "it is no symbolic link");
    return NULL;
}

enum bf_err bf_edits_link(struct bf_edits *e, const char *path, const char *target, const char *why,
                          struct bf_fault *fault)
{
    struct bf_edit *edit = entry(e, path, fault);
    if (!edit)
        return fault->code;
    BF_ASSERT(edit->link && !edit->tail && (!target || target[0]));
    if (target ? edit->data && strcmp(edit->data, target) == 0 : !edit->data)
        return BF_OK;
    if (bf_edits_may_change(e, edit, fault))
        return fault->code;
    char *copy = target ? strdup(target) : NULL;
    if (target && !copy)
        return bf_edits_no_memory(e, fault);
    free(edit->data);
    edit->data = copy;
    edit->len = target ? strlen(target) : 0;
    BF_ASSERT(edit->len || !target);
    return bf_edits_reason(e, edit, why, fault);
}

const char *bf_edits_link_target(struct bf_edits *e, const char *path)
{
    struct bf_fault fault;
    const struct bf_edit *edit = entry(e, path, &fault);
    return edit ? edit->data : NULL;
}
