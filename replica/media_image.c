// SPDX-License-Identifier: Apache-2.0
// FAT and ISO images, see media_image.h. UEFI 2.10, 3.5.1 (removable media) and 13.3 (file system
// format): FAT12 or FAT16 on removable media, the fallback path EFI/BOOT/BOOT<arch>.EFI.
#include "replica/media_image.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fmt.h"
#include "replica/child.h"

// Room beside the program: for logs of the operator, and so that mformat has a regular FAT16.
enum { FAT_SECTOR = 512, FAT_BYTES_MIN = 16 << 20, FAT_ROOM = 4 << 20 };

static const char doing_fat[] = "make the FAT image";

static enum bf_err run_mtools(const char *const argv[], struct bf_fault *fault)
{
    return bf_child_run(argv, "mtools", doing_fat, fault);
}

enum bf_err bf_media_fat(const char *path, const char *efi, const char *conf,
                         struct bf_fault *fault)
{
    struct stat st;
    char sectors[24];
    enum bf_err err;
    if (stat(efi, &st) < 0)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the space in TMPDIR",
                            "cannot look at %s: %s", efi, strerror(errno));
    uint64_t bytes = (uint64_t)st.st_size + FAT_ROOM;
    if (bytes < FAT_BYTES_MIN)
        bytes = FAT_BYTES_MIN;
    bf_snprintf(sectors, sizeof sectors, "%llu", (unsigned long long)(bytes / FAT_SECTOR));
    const char *format[] = {"mformat", "-i", path, "-C", "-v", "BOOTFERRY", "-T",
                            sectors,   "-h", "64", "-s", "32", "::",        NULL};
    const char *folders[] = {"mmd", "-i", path, "::/EFI", "::/EFI/BOOT", NULL};
    const char *program[] = {"mcopy", "-i", path, efi, "::/EFI/BOOT/BOOTX64.EFI", NULL};
    const char *settings[] = {"mcopy", "-i", path, conf, "::/bootferry.conf", NULL};
    if ((err = run_mtools(format, fault)) || (err = run_mtools(folders, fault)) ||
        (err = run_mtools(program, fault)))
        return err;
    return run_mtools(settings, fault);
}

enum bf_err bf_media_iso(const char *path, const char *fat, const char *folder,
                         struct bf_fault *fault)
{
    const char *argv[] = {
        "xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "BOOTFERRY", "-o", path,
        // The FAT image becomes a partition behind the ISO's own files, and El Torito's boot entry
        // points at that partition.
        "-append_partition", "2", "0xef", fat, "-appended_part_as_gpt", "-partition_offset", "16",
        "-e", "--interval:appended_partition_2:all::", "-no-emul-boot", folder, NULL};
    return bf_child_run(argv, "xorriso", "make the ISO image", fault);
}

enum bf_err bf_media_sign(const char *from, const char *to, const char *key, const char *cert,
                          struct bf_fault *fault)
{
    const char *argv[] = {"sbsign", "--key", key, "--cert", cert, "--output", to, from, NULL};
    return bf_child_run(argv, "sbsigntool", "sign the boot image", fault);
}
