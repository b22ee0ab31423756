// SPDX-License-Identifier: Apache-2.0
// Where a machine's disks go for good: volumes of a storage pool, which the libvirt daemon makes,
// so that whoever runs QEMU there reaches them, or files in a folder of this host. Pools of files
// get qcow2, those of block devices raw; their kind is the pool's type.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"
#include "replica/targets/qemu_images.h"

// ---- Pools -------------------------------------------------------------------------------------

static const struct {
    const char *type;
    bool block;
} kinds[] = {{"dir", false}, {"fs", false}, {"netfs", false}, {"logical", true}};

static enum bf_err pool_kind(const struct bf_lv *lv, virStoragePoolPtr pool, bool *block,
                             struct bf_fault *fault)
{
    char *xml = virStoragePoolGetXMLDesc(pool, 0);
    struct _xmlNode *root = xml ? bf_lv_tree_read(xml, strlen(xml)) : NULL;
    char type[32] = "";
    enum bf_err err = BF_ERR_UNSUPPORTED;

    bf_lv_get(root, "type", type, sizeof type);
    bf_lv_tree_free(root);
    free(xml);
    for (size_t i = 0; i < BF_COUNT(kinds); i++)
        if (strcmp(type, kinds[i].type) == 0) {
            *block = kinds[i].block;
            err = BF_OK;
        }
    if (err)
        bf_fault_set(fault, err, BF_SIDE_CONFIG,
                     "name a pool of the type dir, fs, netfs or logical, or a folder",
                     "the pool %.64s of %s has the type \"%s\", into which disks are not copied",
                     virStoragePoolGetName(pool), lv->uri.connect, type);
    return err;
}

enum bf_err bf_lv_pool_find(const struct bf_lv *lv, const char *name, virStoragePoolPtr *out,
                            bool *block, struct bf_fault *fault)
{
    enum bf_err err;

    *out = virStoragePoolLookupByName(lv->conn, name);
    if (!*out || virStoragePoolIsActive(*out) != 1) {
        if (*out)
            virStoragePoolFree(*out);
        *out = NULL;
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                            "see virsh pool-list --all; start it, or name another pool or a folder "
                            "(--to)",
                            "the libvirt host %s has no active storage pool \"%.64s\"",
                            lv->uri.connect, name);
    }
    err = pool_kind(lv, *out, block, fault);
    if (err) {
        virStoragePoolFree(*out);
        *out = NULL;
    }
    return err;
}

// ---- Volumes -----------------------------------------------------------------------------------

static char *volume_xml(const char *name, uint64_t bytes, bool block)
{
    struct _xmlNode *root = bf_lv_tree("volume"), *target;
    char number[24];

    bf_snprintf(number, sizeof number, "%llu", (unsigned long long)bytes);
    bf_lv_add_text(root, "name", name);
    bf_lv_set(bf_lv_add_text(root, "capacity", number), "unit", "bytes");
    if (!block) {
        target = bf_lv_add(root, "target");
        bf_lv_set(bf_lv_add(target, "format"), "type", "qcow2");
        bf_lv_add_text(target, "compat", "1.1");
        bf_lv_add_text(root, "allocation", "0");
    }
    return bf_lv_tree_text(root);
}

static enum bf_err volume_place(const struct bf_lv *lv, virStorageVolPtr vol, bool block,
                                struct bf_lv_volume *v, struct bf_fault *fault)
{
    char *path = virStorageVolGetPath(vol);
    enum bf_err err = BF_OK;

    v->block = block;
    if (!path || strlen(path) >= sizeof v->path)
        err = bf_lv_fault(lv, fault, "the path of a volume cannot be had");
    else
        bf_snprintf(v->path, sizeof v->path, "%s", path);
    free(path);
    return err;
}

static enum bf_err volume_find(const struct bf_lv *lv, struct bf_lv_copy *copy,
                               struct bf_fault *fault)
{
    virStoragePoolPtr pool;
    virStorageVolPtr vol;
    bool block;
    enum bf_err err = bf_lv_pool_find(lv, copy->pool, &pool, &block, fault);

    if (err)
        return err;
    vol = virStorageVolLookupByName(pool, copy->name);
    if (vol)
        err = volume_place(lv, vol, block, &copy->volume, fault);
    else if (virGetLastErrorCode() != VIR_ERR_NO_STORAGE_VOL)
        err = bf_lv_fault(lv, fault, "the pool %s cannot be looked into", copy->pool);
    if (vol)
        virStorageVolFree(vol);
    virStoragePoolFree(pool);
    return err;
}

static enum bf_err volume_make(const struct bf_lv *lv, struct bf_lv_copy *copy, uint64_t bytes,
                               struct bf_fault *fault)
{
    virStoragePoolPtr pool;
    virStorageVolPtr vol = NULL;
    char *xml;
    bool block;
    enum bf_err err = bf_lv_pool_find(lv, copy->pool, &pool, &block, fault);

    if (err)
        return err;
    xml = volume_xml(copy->name, bytes, block);
    if (xml)
        vol = virStorageVolCreateXML(pool, xml, 0);
    err = vol ? volume_place(lv, vol, block, &copy->volume, fault)
              : bf_lv_fault(lv, fault, "the volume %s cannot be made", copy->name);
    free(xml);
    if (vol)
        virStorageVolFree(vol);
    virStoragePoolFree(pool);
    return err;
}

static void volume_remove(const struct bf_lv *lv, const struct bf_lv_copy *copy)
{
    virStoragePoolPtr pool = virStoragePoolLookupByName(lv->conn, copy->pool);
    virStorageVolPtr vol = pool ? virStorageVolLookupByName(pool, copy->name) : NULL;

    if (vol) {
        virStorageVolDelete(vol, 0);
        virStorageVolFree(vol);
    }
    if (pool)
        virStoragePoolFree(pool);
}

// ---- Copies ------------------------------------------------------------------------------------

enum bf_err bf_lv_copy_find(const struct bf_lv *lv, struct bf_lv_copy *copy, struct bf_fault *fault)
{
    struct stat st;

    copy->volume.path[0] = 0;
    if (copy->pool[0])
        return volume_find(lv, copy, fault);
    copy->volume.block = false;
    if (lstat(copy->name, &st) == 0)
        bf_snprintf(copy->volume.path, sizeof copy->volume.path, "%s", copy->name);
    return BF_OK;
}

enum bf_err bf_lv_copy_make(const struct bf_lv *lv, struct bf_lv_copy *copy, uint64_t bytes,
                            struct bf_fault *fault)
{
    enum bf_err err;

    bf_lv_copy_remove(lv, copy);
    if (copy->pool[0])
        return volume_make(lv, copy, bytes, fault);
    err = bf_layer_make(lv->tgt->state, copy->name, bytes, 0, NULL, fault);
    if (!err)
        err = bf_lv_copy_find(lv, copy, fault);
    return err;
}

void bf_lv_copy_remove(const struct bf_lv *lv, const struct bf_lv_copy *copy)
{
    if (copy->pool[0])
        volume_remove(lv, copy);
    else
        unlink(copy->name);
}

static enum bf_err choose_one(const struct bf_lv *lv, const char *to, uint32_t disk,
                              struct bf_lv_copy *copy, struct bf_fault *fault)
{
    bool folder = to[0] == '/';
    enum bf_err err;

    memset(copy, 0, sizeof *copy);
    if (!folder)
        bf_snprintf(copy->pool, sizeof copy->pool, "%s", to);
    bf_snprintf(copy->name, sizeof copy->name, "%s%s%s-disk-%u.qcow2", folder ? to : "",
                folder ? "/" : "", lv->tgt->machine->name, lv->tgt->machine->disk[disk].number);
    err = bf_lv_copy_find(lv, copy, fault);
    if (!err && copy->volume.path[0])
        err = bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                           "remove it, or name another pool or folder (--to)",
                           "%.100s is there already", copy->volume.path);
    return err;
}

// The copies take at most what the disks' files take together.
static enum bf_err check_space(const struct bf_lv *lv, const char *to, struct bf_fault *fault)
{
    uint64_t bytes = bf_tgt_allocated(lv->tgt);
    virStoragePoolPtr pool;
    virStoragePoolInfo info;
    bool block;
    int folder;
    char need[16], have[16];
    enum bf_err err;

    if (to[0] == '/') {
        folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        err = folder < 0
                  ? bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                                 "make it, or name a storage pool", "there is no folder %.128s", to)
                  : bf_tgt_check_room(folder, to, bytes, fault);
        if (folder >= 0)
            close(folder);
        return err;
    }
    err = bf_lv_pool_find(lv, to, &pool, &block, fault);
    if (err)
        return err;
    if (virStoragePoolGetInfo(pool, &info) == 0 && info.available < bytes && !block) {
        bf_human_bytes(need, sizeof need, bytes);
        bf_human_bytes(have, sizeof have, info.available);
        err = bf_fault_set(fault, BF_ERR_NO_SPACE, BF_SIDE_SERVER,
                           "free space there, or name another pool or folder (--to)",
                           "the storage pool %.64s has %s, and the disks may take %s", to, have,
                           need);
    }
    virStoragePoolFree(pool);
    return err;
}

enum bf_err bf_lv_copies_choose(const struct bf_lv *lv, const char *to,
                                struct bf_lv_copy copy[BF_TGT_DISKS], struct bf_fault *fault)
{
    enum bf_err err;

    if (!to || !to[0])
        to = lv->uri.pool[0] ? lv->uri.pool : "default";
    if (strlen(to) >= 128 || !bf_lv_text_ok(to))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name a storage pool or a folder",
                            "\"%.64s\" is no place for disks", to);
    err = check_space(lv, to, fault);
    for (uint32_t i = 0; !err && i < lv->tgt->machine->disks; i++)
        err = choose_one(lv, to, i, &copy[i], fault);
    return err;
}
