// SPDX-License-Identifier: Apache-2.0
// The files of a replica's disks. Layers are made by qemu-img with every option spelled out:
// version 1.1, reference counts kept exact (lazy ones would leave a killed layer to be repaired
// before it can be read), clusters at least as large as a chunk so that a chunk never copies a part
// of what is below.
#include "replica/points/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/qemu/process.h"
#include "replica/state/reason.h"

enum { CLUSTER_MIN = 65536, CLUSTER_SMALL_WRITES = 65536 };

void bf_layer_folder(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk)
{
    bf_snprintf(out, BF_LAYER_PATH_MAX, "machines/%s/disk-%u", machine, disk);
}

void bf_layer_file(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk, uint32_t layer)
{
    bf_snprintf(out, BF_LAYER_PATH_MAX, "machines/%s/disk-%u/layer-%06u.qcow2", machine, disk,
                layer);
}

void bf_layer_manifest(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk,
                       uint32_t layer)
{
    bf_snprintf(out, BF_LAYER_PATH_MAX, "machines/%s/disk-%u/layer-%06u.manifest", machine, disk,
                layer);
}

static enum bf_err errno_fault(struct bf_fault *fault, const char *doing, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(
        fault, code, BF_SIDE_SERVER,
        bf_reason_todo(code, "look at the permissions and the disk of the state folder"),
        "the state's %s cannot be %s: %s", path, doing, strerror(number));
}

enum bf_err bf_layer_sync(const struct bf_state *state, const char *path, struct bf_fault *fault)
{
    int fd = openat(bf_state_dir(state), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum bf_err err = BF_OK;

    if (fd < 0 || fsync(fd) != 0)
        err = errno_fault(fault, "synced", path);
    if (fd >= 0)
        close(fd);
    return err;
}

static enum bf_err make_one(const struct bf_state *state, const char *path, const char *parent,
                            struct bf_fault *fault)
{
    if (mkdirat(bf_state_dir(state), path, 0700) == 0)
        return bf_layer_sync(state, parent, fault);
    return errno == EEXIST ? BF_OK : errno_fault(fault, "made", path);
}

enum bf_err bf_layer_make_folder(const struct bf_state *state, const char *machine, uint16_t disk,
                                 struct bf_fault *fault)
{
    char folder[BF_LAYER_PATH_MAX], parent[BF_LAYER_PATH_MAX];
    enum bf_err err;

    BF_ASSERT(bf_machine_name_ok(machine)); // a part of paths from here on
    bf_snprintf(parent, sizeof parent, "machines/%s", machine);
    bf_layer_folder(folder, machine, disk);
    err = make_one(state, parent, "machines", fault);
    return err ? err : make_one(state, folder, parent, fault);
}

static uint32_t cluster_size(uint32_t chunk_size)
{
    if (chunk_size == 0)
        return CLUSTER_SMALL_WRITES;
    return chunk_size < CLUSTER_MIN ? CLUSTER_MIN : chunk_size;
}

// Sub-clusters keep small writes from copying the rest of their cluster from below.
static int wants_subclusters(uint32_t chunk_size)
{
    return chunk_size < CLUSTER_MIN;
}

static enum bf_err sync_with_folder(const struct bf_state *state, const char *path,
                                    struct bf_fault *fault)
{
    char folder[BF_LAYER_PATH_MAX];
    char *slash;
    enum bf_err err = bf_layer_sync(state, path, fault);

    bf_snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    return err ? err : bf_layer_sync(state, slash ? folder : ".", fault);
}

enum bf_err bf_layer_make(const struct bf_state *state, const char *path, uint64_t bytes,
                          uint32_t chunk_size, const char *backing, struct bf_fault *fault)
{
    char options[128], size[24], said[160];
    const char *argv[16] = {"qemu-img", "create", "-q", "-f", "qcow2", "-o", options};
    uint32_t n = 7;
    enum bf_err err;

    bf_snprintf(options, sizeof options,
                "compat=1.1,lazy_refcounts=off,cluster_size=%u,extended_l2=%s",
                cluster_size(chunk_size), wants_subclusters(chunk_size) ? "on" : "off");
    bf_snprintf(size, sizeof size, "%llu", (unsigned long long)bytes);
    if (backing) { // -u: neither opened nor looked at, its format and our size are known
        argv[n++] = "-u";
        argv[n++] = "-b";
        argv[n++] = backing;
        argv[n++] = "-F";
        argv[n++] = "qcow2";
    }
    argv[n++] = path;
    argv[n] = size;
    BF_ASSERT(n < BF_COUNT(argv) - 1); // NULL ends it
    unlinkat(bf_state_dir(state), path, 0);
    err = bf_process_run(argv, bf_state_dir(state), NULL, NULL, said, sizeof said);
    if (err == BF_ERR_NOT_FOUND)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "install the package qemu-utils",
                            "qemu-img is not installed");
    if (err)
        err = bf_reason_text(said, err);
    if (err)
        bf_fault_set(fault, err, BF_SIDE_SERVER,
                     bf_reason_todo(err, "look at the server's disk and its system log"),
                     "%s cannot be made: %s", path, said);
    else
        err = sync_with_folder(state, path, fault);
    if (err) // what is left of it would keep room that is missing
        unlinkat(bf_state_dir(state), path, 0);
    return err;
}

// Adds the layer's file at the end of the chain.
static enum bf_err chain_push(struct bf_image_chain *chain, const char *machine, uint16_t disk,
                              uint32_t layer)
{
    struct bf_image_layer *grown =
        reallocarray(chain->layer, chain->layers + 1, sizeof *chain->layer);

    if (!grown)
        return BF_ERR_NO_MEMORY;
    chain->layer = grown;
    bf_layer_file(grown[chain->layers++].path, machine, disk, layer);
    return BF_OK;
}

// Every sealed layer of the disk with a lower number is below it: a layer is made over the one that
// was sealed just before.
static enum bf_err chain_sealed(struct bf_db *db, const char *machine, uint16_t disk,
                                uint32_t layer, struct bf_image_chain *chain)
{
    uint32_t *sealed;
    size_t count;
    enum bf_err err = bf_db_disk_layers(db, machine, disk, &sealed, &count);

    for (size_t i = count; !err && i-- > 0;)
        if (sealed[i] <= layer)
            err = chain_push(chain, machine, disk, sealed[i]);
    free(sealed);
    return err;
}

enum bf_err bf_layer_chain(struct bf_db *db, const char *machine, uint16_t disk, uint32_t layer,
                           int live, struct bf_image_chain *chain, struct bf_fault *fault)
{
    struct bf_replica_disk row;
    enum bf_err err = bf_db_disk_get(db, machine, disk, &row);

    BF_ASSERT(layer > 0);
    memset(chain, 0, sizeof *chain);
    if (!err && live)
        err = chain_push(chain, machine, disk, layer);
    if (!err)
        err = chain_sealed(db, machine, disk, live ? layer - 1 : layer, chain);
    if (err) {
        *fault = *bf_db_fault(db);
        fault->code = err;
        bf_image_chain_free(chain);
        return err;
    }
    chain->bytes = row.geometry.disk_bytes;
    chain->block_size = row.geometry.block_size;
    return BF_OK;
}

void bf_image_chain_free(struct bf_image_chain *chain)
{
    free(chain->layer);
    memset(chain, 0, sizeof *chain);
}
