// SPDX-License-Identifier: Apache-2.0
// Making a medium, see media.h. The boot image is filled in memory, signed there if asked, wrapped
// into file systems there (memory_file.h), and only the whole medium goes to a disk: into a file
// without a name that then gets its target's (file.h). What carries a key is on no disk before, and
// nothing of it is left when the command is killed.
#include "replica/media/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "replica/state/file.h"
#include "replica/media/image.h"
#include "replica/media/refusals.h"
#include "replica/media/memory_file.h"
#include "replica/media/pe.h"

enum { PATH_SIZE = 4096, IMAGE_MAX = 16 << 20, MEDIUM_MAX = 256 << 20 };

#define IMAGE_NAME "bootferry.efi"

// ---- The boot image ----------------------------------------------------------------------------

enum bf_err bf_medium_find_image(char *out, size_t size, struct bf_fault *fault)
{
    static const char *const places[] = {"/" IMAGE_NAME, "/../share/bootferry/" IMAGE_NAME};
    char program[PATH_SIZE];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = 0;
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < BF_COUNT(places); i++) {
        bf_snprintf(out, size, "%s%s", program, places[i]);
        if (access(out, R_OK) == 0)
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER, "name it with --image FILE",
                        "the boot image %s is neither beside this program nor installed",
                        IMAGE_NAME);
}

// The files in memory of one medium.
struct made {
    struct bf_memory_file filled, is_signed, ia32, ia32_signed, conf, fat, iso;
    const struct bf_memory_file *efi; // filled or is_signed
};

// Puts the filled and, if asked, signed image into made->efi.
static enum bf_err fill_image(const struct bf_medium *m, struct made *made, struct bf_fault *fault)
{
    char *text = NULL;
    uint8_t *image = NULL;
    size_t text_len = 0, len = 0;
    enum bf_err err = bf_medium_config(m, &text, &text_len, fault);
    if (err)
        return err;
    err = bf_file_read(m->image, IMAGE_MAX, &image, &len, fault);
    if (!err)
        err = bf_pe_set_config(image, len, text, text_len, fault);
    if (!err)
        err = bf_memory_file_make(&made->filled, image, len, fault);
    bf_wipe(text, text_len);
    free(text);
    if (image)
        bf_wipe(image, len);
    free(image);
    made->efi = &made->filled;
    if (err || !m->sign_key)
        return err;
    made->efi = &made->is_signed;
    err = bf_memory_file_make(&made->is_signed, "", 0, fault);
    return err ? err
               : bf_media_sign(&made->filled, &made->is_signed, m->sign_key, m->sign_cert, fault);
}

// ---- Files beside it ---------------------------------------------------------------------------

static void print_keys(FILE *out)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (!table[i].trust)
            fprintf(out, "\n# %s%s\n#%s=%s\n", bf_config_help(i),
                    table[i].repeat ? " May be given several times." : "", table[i].name,
                    table[i].form);
}

// bootferry.conf for an editor: every key that may be set here, as a comment.
static enum bf_err write_conf(const struct bf_medium *m, struct bf_memory_file *conf,
                              struct bf_fault *fault)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for bootferry.conf");
    fprintf(out,
            "# Bootferry, medium of %s. What is set here overrides what the medium was made with.\n"
            "# Remove the '#' before a key to set it.\n",
            m->name);
    for (uint32_t i = 0; i < m->settings; i++)
        fprintf(out, "%s# made with: %s\n", i ? "" : "\n", m->set[i]);
    print_keys(out);
    fclose(out);
    enum bf_err err = bf_memory_file_make(conf, text, len, fault);
    free(text);
    return err;
}

// xorriso takes files by name only; this one has no secret.
static enum bf_err write_readme(const struct bf_medium *m, const char *folder,
                                struct bf_fault *fault)
{
    char text[512], path[PATH_SIZE];
    int len =
        bf_snprintf(text, sizeof text,
                    "Bootferry, medium of %s.\n\n"
                    "Boot the machine from it in UEFI mode. It carries the machine's private key: "
                    "whoever has it can\nsend recovery points in the machine's name. "
                    "`bootferry machine revoke %s` makes it useless.\n",
                    m->name, m->name);
    bf_snprintf(path, sizeof path, "%s/README.TXT", folder);
    return bf_file_replace(path, text, (size_t)len, 0600, fault);
}

// ---- The shapes --------------------------------------------------------------------------------

// Writes a finished file to its target.
static enum bf_err deliver(const struct bf_memory_file *from, const char *target, mode_t mode,
                           struct bf_fault *fault)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum bf_err err = bf_memory_file_read(from, MEDIUM_MAX, &bytes, &len, fault);
    if (!err)
        err = bf_file_replace(target, bytes, len, mode, fault);
    if (bytes)
        bf_wipe(bytes, len);
    free(bytes);
    return err;
}

// The program for 32-bit UEFI, signed like the other one.
static enum bf_err fill_ia32(const struct bf_medium *m, struct made *made, struct bf_fault *fault)
{
    size_t len = (size_t)(bf_ia32_image_end - bf_ia32_image);
    enum bf_err err = bf_memory_file_make(&made->ia32, bf_ia32_image, len, fault);
    if (err || !m->sign_key)
        return err;
    err = bf_memory_file_make(&made->ia32_signed, "", 0, fault);
    return err ? err
               : bf_media_sign(&made->ia32, &made->ia32_signed, m->sign_key, m->sign_cert, fault);
}

static enum bf_err make_fat(const struct bf_medium *m, struct made *made, struct bf_fault *fault)
{
    struct bf_media_files files = {made->efi, m->sign_key ? &made->ia32_signed : &made->ia32,
                                   &made->conf};
    enum bf_err err = write_conf(m, &made->conf, fault);
    if (!err)
        err = fill_ia32(m, made, fault);
    if (!err)
        err = bf_memory_file_make(&made->fat, "", 0, fault);
    return err ? err : bf_media_fat(&made->fat, &files, fault);
}

static enum bf_err make_iso(const struct bf_medium *m, struct made *made, struct bf_fault *fault)
{
    struct bf_tempdir folder;
    char sector[PATH_SIZE + 16];
    enum bf_err err = make_fat(m, made, fault);
    if (!err)
        err = bf_memory_file_make(&made->iso, "", 0, fault);
    if (!err)
        err = bf_tempdir_make(&folder, fault);
    if (err)
        return err;
    err = write_readme(m, folder.path, fault);
    bf_snprintf(sector, sizeof sector, "%s/" BF_MEDIA_BIOS, folder.path);
    if (!err)
        err = bf_file_replace(sector, bf_bios_sector, BF_BIOS_SECTOR, 0600, fault);
    if (!err)
        err = bf_media_iso(&made->iso, &made->fat, folder.path, fault);
    bf_tempdir_remove(&folder);
    return err;
}

// A boot server's programs run as other users: what they hand out can be read by everybody.
static enum bf_err make_pxe(const struct bf_medium *m, const struct bf_memory_file *efi,
                            struct bf_fault *fault)
{
    static const char script[] = "#!ipxe\nchain " IMAGE_NAME "\n";
    char path[PATH_SIZE];
    if (mkdir(m->target, 0755) < 0 && errno != EEXIST)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the path and the permissions",
                            "cannot create %s: %s", m->target, strerror(errno));
    bf_snprintf(path, sizeof path, "%s/" IMAGE_NAME, m->target);
    enum bf_err err = deliver(efi, path, 0644, fault);
    if (err)
        return err;
    bf_snprintf(path, sizeof path, "%s/bootferry.ipxe", m->target);
    return bf_file_replace(path, script, sizeof script - 1, 0644, fault);
}

static enum bf_err make_in(const struct bf_medium *m, struct made *made, struct bf_fault *fault)
{
    enum bf_err err = fill_image(m, made, fault);
    if (err)
        return err;
    switch (m->kind) {
    case BF_MEDIUM_EFI:
        return deliver(made->efi, m->target, 0600, fault);
    case BF_MEDIUM_PXE:
        return make_pxe(m, made->efi, fault);
    case BF_MEDIUM_FAT:
        err = make_fat(m, made, fault);
        return err ? err : deliver(&made->fat, m->target, 0600, fault);
    default:
        err = make_iso(m, made, fault);
        return err ? err : deliver(&made->iso, m->target, 0600, fault);
    }
}

static void forget(struct made *made)
{
    bf_memory_file_close(&made->filled);
    bf_memory_file_close(&made->is_signed);
    bf_memory_file_close(&made->ia32);
    bf_memory_file_close(&made->ia32_signed);
    bf_memory_file_close(&made->conf);
    bf_memory_file_close(&made->fat);
    bf_memory_file_close(&made->iso);
}

static enum bf_err make_conf(const struct bf_medium *m, struct bf_fault *fault)
{
    char *text = NULL;
    size_t len = 0;
    enum bf_err err = bf_medium_config(m, &text, &len, fault);
    if (err)
        return err;
    err = bf_file_replace(m->target, text, len, 0600, fault);
    bf_wipe(text, len);
    free(text);
    return err;
}

enum bf_err bf_medium_make(const struct bf_medium *medium, struct bf_fault *fault)
{
    struct made made = {
        BF_MEMORY_FILE_NONE, BF_MEMORY_FILE_NONE, BF_MEMORY_FILE_NONE, BF_MEMORY_FILE_NONE,
        BF_MEMORY_FILE_NONE, BF_MEMORY_FILE_NONE, BF_MEMORY_FILE_NONE, NULL};
    if (medium->kind == BF_MEDIUM_CONF)
        return make_conf(medium, fault);
    // Signals are the caller's to catch (cli_interrupt.h), and what is waited for here is cancelled
    // by them, so that the key is overwritten.
    enum bf_err err = make_in(medium, &made, fault);
    forget(&made);
    return err;
}
