// SPDX-License-Identifier: Apache-2.0
// The file systems that the VM opens; see kinds.h.
#include "finalize/vm/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/core/fault.h"
#include "finalize/vm/disks.h"
#include "finalize/vm/tool.h"

#define SAFE (MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_NOATIME)

// The kernel's name and the options for looking without writing, by libblkid's type.
static const struct bf_kind kinds[] = {
    {"ext4", "ext4", "noload", ""},
    {"ext3", "ext4", "noload", ""},
    {"ext2", "ext4", "noload", ""},
    {"xfs", "xfs", "norecovery,nouuid", "xfs"},
    {"btrfs", "btrfs", "rescue=nologreplay", "btrfs"},
    {"vfat", "vfat", "", "vfat"},
};

const struct bf_kind *bf_vm_kind(const char *type)
{
    for (size_t i = 0; i < BF_COUNT(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

enum bf_err bf_vm_mount_device(const struct bf_device *dev, const char *subvol, const char *at,
                               bool look, struct bf_fault *fault)
{
    char node[80], options[512];
    const struct bf_kind *kind = bf_vm_kind(dev->type);
    if (!kind)
        return bf_fault_errno(fault, ENODEV);
    if (kind->group[0])
        bf_vm_load_modules(kind->group);
    bf_vm_node(dev, node, sizeof node);
    const char *base = look ? kind->look : strcmp(kind->fs, "vfat") == 0 ? "umask=0077" : "";
    snprintf(options, sizeof options, "%s%s%s%s", base, base[0] && subvol[0] ? "," : "",
             subvol[0] && !strchr(subvol, '=') ? "subvol=" : "", subvol);
    if (mount(node, at, kind->fs, SAFE | (look ? MS_RDONLY : 0), options) < 0)
        return bf_fault_errno(fault, errno);
    return BF_OK;
}

void bf_vm_scan_btrfs(const struct bf_devices *devices)
{
    struct btrfs_ioctl_vol_args args;
    int fd = -1;
    for (size_t i = 0; i < devices->count; i++) {
        char node[80];
        if (strcmp(devices->item[i].type, "btrfs") != 0)
            continue;
        if (fd < 0) {
            bf_vm_load_modules("btrfs");
            fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);
        }
        memset(&args, 0, sizeof args);
        bf_vm_node(&devices->item[i], node, sizeof node);
        snprintf(args.name, sizeof args.name, "%s", node);
        if (fd >= 0 && ioctl(fd, BTRFS_IOC_SCAN_DEV, &args) < 0)
            fprintf(stderr, "btrfs %s: %s\n", node, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
}
