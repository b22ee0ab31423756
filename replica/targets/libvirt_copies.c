// SPDX-License-Identifier: Apache-2.0
// Where commit copies the disks, written down before anything is made there: one line for each
// disk, the name of its pool (or nothing), a tab, and the name of the volume (or the file's path).
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/state/file.h"
#include "replica/targets/libvirt.h"

enum { TEXT_MOST = BF_TGT_DISKS * sizeof(struct bf_lv_copy) };

static void path_of(const struct bf_lv *lv, char out[BF_LV_PATH_MAX + 32])
{
    bf_snprintf(out, BF_LV_PATH_MAX + 32, "%s/copies", lv->folder);
}

enum bf_err bf_lv_copies_write(const struct bf_lv *lv, const struct bf_lv_copy copy[BF_TGT_DISKS],
                               struct bf_fault *fault)
{
    char path[BF_LV_PATH_MAX + 32];
    char text[TEXT_MOST];
    size_t len = 0;

    for (uint32_t i = 0; i < lv->tgt->machine->disks; i++)
        len += (size_t)bf_snprintf(text + len, sizeof text - len, "%s\t%s\n", copy[i].pool,
                                   copy[i].name);
    path_of(lv, path);
    return bf_file_replace(path, text, len, 0600, fault);
}

// The text up to a character, which is taken too.
static bool field(const char **at, const char *end, char stop, char *out, size_t size)
{
    const char *found = memchr(*at, stop, (size_t)(end - *at));
    size_t len = found ? (size_t)(found - *at) : 0;

    if (!found || len >= size || memchr(*at, 0, len))
        return false;
    memcpy(out, *at, len);
    out[len] = 0;
    *at = found + 1;
    return true;
}

bool bf_lv_copies_parse(const char *text, size_t len, struct bf_lv_copy copy[BF_TGT_DISKS],
                        uint32_t disks)
{
    const char *end = text + len;

    for (uint32_t i = 0; i < disks; i++) {
        memset(&copy[i], 0, sizeof copy[i]);
        if (!field(&text, end, '\t', copy[i].pool, sizeof copy[i].pool) ||
            !field(&text, end, '\n', copy[i].name, sizeof copy[i].name) || !copy[i].name[0] ||
            (copy[i].pool[0] ? strchr(copy[i].name, '/') != NULL : copy[i].name[0] != '/'))
            return false;
    }
    return text == end;
}

enum bf_err bf_lv_copies_read(const struct bf_lv *lv, struct bf_lv_copy copy[BF_TGT_DISKS],
                              struct bf_fault *fault)
{
    char path[BF_LV_PATH_MAX + 32];
    uint8_t *text;
    size_t len;
    enum bf_err err;

    path_of(lv, path);
    err = bf_file_read(path, TEXT_MOST, &text, &len, fault);
    if (err)
        return err;
    if (!bf_lv_copies_parse((char *)text, len, copy, lv->tgt->machine->disks))
        err = bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                           "look at that file, and at the server's disk",
                           "%.160s does not say where the copies are", path);
    free(text);
    return err;
}
