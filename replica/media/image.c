// SPDX-License-Identifier: Apache-2.0
// FAT and ISO images, see media_image.h. UEFI 2.10, 3.5.1 (removable media) and 13.3 (file system
// format): FAT12 or FAT16 on removable media, the fallback path EFI/BOOT/BOOT<arch>.EFI. For a
// BIOS: code behind the FAT's parameter block, in the ISO's system area, and as a second El Torito
// entry.
#include "replica/media/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/media/child.h"
#include "replica/media/key.h"
#include "replica/media/refusals.h"

// Room beside the program: for logs of the operator, and so that mformat has a regular FAT16.
enum { FAT_SECTOR = 512, FAT_BYTES_MIN = 16 << 20, FAT_ROOM = 4 << 20 };
// Of FAT12 and FAT16 (Microsoft's specification 1.03, 3.1 and 3.2): a jump, then parameters.
enum { FAT_JUMP = 0xeb, FAT_CODE = 62, FAT_JUMP_TO = FAT_CODE - 2 };

static const char doing_fat[] = "make the FAT image";

static enum bf_err run_mtools(const char *const argv[], const struct bf_memory_file *fat,
                              const struct bf_memory_file *file, struct bf_fault *fault)
{
    const int keep[] = {fat->fd, file ? file->fd : -1, -1};
    return bf_child_run(argv, keep, "mtools", doing_fat, fault);
}

// Takes the place of the code that mformat puts there; its jump leads there already.
static enum bf_err put_bios_code(int fd, struct bf_fault *fault)
{
    uint8_t jump[2];
    int good = pread(fd, jump, sizeof jump, 0) == sizeof jump && jump[0] == FAT_JUMP &&
               jump[1] == FAT_JUMP_TO &&
               pwrite(fd, bf_bios_sector, BF_BIOS_CODE_BYTES, FAT_CODE) == BF_BIOS_CODE_BYTES;
    if (good)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the space in TMPDIR",
                        "the FAT image has no boot sector to fill");
}

static enum bf_err format_fat(const struct bf_memory_file *fat, uint64_t bytes,
                              struct bf_fault *fault)
{
    char sectors[24];
    bf_snprintf(sectors, sizeof sectors, "%llu", (unsigned long long)(bytes / FAT_SECTOR));
    const char *path = fat->path;
    const char *format[] = {"mformat", "-i", path, "-C", "-v", "BOOTFERRY", "-T",
                            sectors,   "-h", "64", "-s", "32", "::",        NULL};
    const char *folders[] = {"mmd", "-i", path, "::/EFI", "::/EFI/BOOT", NULL};
    enum bf_err err = run_mtools(format, fat, NULL, fault);
    return err ? err : run_mtools(folders, fat, NULL, fault);
}

static enum bf_err copy_in(const struct bf_memory_file *fat, const struct bf_memory_file *from,
                           const char *to, struct bf_fault *fault)
{
    const char *copy[] = {"mcopy", "-i", fat->path, from->path, to, NULL};
    return run_mtools(copy, fat, from, fault);
}

enum bf_err bf_media_fat(const struct bf_memory_file *fat, const struct bf_media_files *files,
                         struct bf_fault *fault)
{
    struct stat st;
    enum bf_err err;
    uint64_t bytes = fstat(files->efi->fd, &st) == 0 ? (uint64_t)st.st_size + FAT_ROOM : 0;
    if ((err = format_fat(fat, bytes < FAT_BYTES_MIN ? FAT_BYTES_MIN : bytes, fault)) ||
        (err = copy_in(fat, files->efi, "::/EFI/BOOT/BOOTX64.EFI", fault)) ||
        (err = copy_in(fat, files->ia32, "::/EFI/BOOT/BOOTIA32.EFI", fault)) ||
        (err = copy_in(fat, files->conf, "::/bootferry.conf", fault)))
        return err;
    return put_bios_code(fat->fd, fault);
}

// xorriso does not write to a link, as the names of descriptors are, but to a descriptor that is
// named as a drive (xorriso(1), "stdio:/dev/fd/").
enum bf_err bf_media_iso(const struct bf_memory_file *iso, const struct bf_memory_file *fat,
                         const char *folder, struct bf_fault *fault)
{
    char sector[4096], out[40];
    const int keep[] = {iso->fd, fat->fd, -1};
    bf_snprintf(out, sizeof out, "stdio:/dev/fd/%d", iso->fd);
    bf_snprintf(sector, sizeof sector, "%s/" BF_MEDIA_BIOS, folder);
    const char *argv[] = {
        "xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "BOOTFERRY", "-o", out,
        // What a BIOS starts: the boot record of a disk, and the first entry of a CD.
        "-G", sector, "-b", BF_MEDIA_BIOS, "-no-emul-boot", "-boot-load-size", "1",
        "-eltorito-alt-boot",
        // The FAT image becomes a partition behind the ISO's own files, and El Torito's boot entry
        // points at that partition.
        "-append_partition", "2", "0xef", fat->path, "-appended_part_as_gpt", "-partition_offset",
        "16", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot", folder, NULL};
    return bf_child_run(argv, keep, "xorriso", "make the ISO image", fault);
}

enum bf_err bf_media_sign(const struct bf_memory_file *from, const struct bf_memory_file *to,
                          const char *key, const char *cert, struct bf_fault *fault)
{
    const int keep[] = {from->fd, to->fd, -1};
    const char *argv[] = {"sbsign",   "--key",  key,        "--cert", cert,
                          "--output", to->path, from->path, NULL};
    enum bf_err err = bf_media_key_check(key, cert, fault);
    return err ? err : bf_child_run(argv, keep, "sbsigntool", "sign the boot image", fault);
}
