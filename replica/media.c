// SPDX-License-Identifier: Apache-2.0
// Making a medium, see media.h. The boot image is filled in memory, written into a private folder,
// signed there if asked, wrapped, and copied to a temporary file beside its target, which is then
// renamed. What carries a key never has a name or a mode under which others could read it.
#include "replica/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "replica/file.h"
#include "replica/media_image.h"
#include "replica/media_refusals.h"
#include "replica/pe.h"

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
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bf_snprintf(out, size, "%s%s", program, places[i]);
        if (access(out, R_OK) == 0)
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER, "name it with --image FILE",
                        "the boot image %s is neither beside this program nor installed",
                        IMAGE_NAME);
}

static enum bf_err write_secret(const char *folder, const char *name, const void *bytes, size_t len,
                                char path[PATH_SIZE], struct bf_fault *fault)
{
    bf_snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return bf_file_replace(path, bytes, len, 0600, fault);
}

// Puts the filled and, if asked, signed image into the private folder.
static enum bf_err fill_image(const struct bf_medium *m, const char *folder, char path[PATH_SIZE],
                              struct bf_fault *fault)
{
    char *text = NULL, filled[PATH_SIZE];
    uint8_t *image = NULL;
    size_t text_len = 0, len = 0;
    enum bf_err err = bf_medium_config(m, &text, &text_len, fault);
    if (err)
        return err;
    err = bf_file_read(m->image, IMAGE_MAX, &image, &len, fault);
    if (!err)
        err = bf_pe_set_config(image, len, text, text_len, fault);
    if (!err)
        err = write_secret(folder, "filled.efi", image, len, filled, fault);
    bf_wipe(text, text_len);
    free(text);
    if (image)
        bf_wipe(image, len);
    free(image);
    if (err)
        return err;
    bf_snprintf(path, PATH_SIZE, "%s", filled);
    if (!m->sign_key)
        return BF_OK;
    bf_snprintf(path, PATH_SIZE, "%s/signed.efi", folder);
    return bf_media_sign(filled, path, m->sign_key, m->sign_cert, fault);
}

// ---- Files beside it ---------------------------------------------------------------------------

static void print_keys(FILE *out)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (!table[i].trust)
            fprintf(out, "\n# %s%s\n#%s=%s\n", table[i].help,
                    table[i].repeat ? " May be given several times." : "", table[i].name,
                    table[i].form);
}

// bootferry.conf for an editor: every key that may be set here, as a comment.
static enum bf_err write_conf(const struct bf_medium *m, const char *folder, char path[PATH_SIZE],
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
            "# Take away the '#' before a key to set it.\n",
            m->name);
    for (uint32_t i = 0; i < m->settings; i++)
        fprintf(out, "%s# made with: %s\n", i ? "" : "\n", m->set[i]);
    print_keys(out);
    fclose(out);
    enum bf_err err = write_secret(folder, "bootferry.conf", text, len, path, fault);
    free(text);
    return err;
}

static enum bf_err write_readme(const struct bf_medium *m, const char *folder,
                                struct bf_fault *fault)
{
    char text[512], path[PATH_SIZE];
    int len =
        bf_snprintf(text, sizeof text,
                    "Bootferry, medium of %s.\n\n"
                    "Boot the machine from it, by UEFI. It carries the machine's private key: "
                    "whoever has it can\nsend recovery points in the machine's name. "
                    "`bootferry machine revoke %s` makes it useless.\n",
                    m->name, m->name);
    return write_secret(folder, "README.TXT", text, (size_t)len, path, fault);
}

// ---- The shapes --------------------------------------------------------------------------------

// Copies a finished file out of the private folder to its target.
static enum bf_err deliver(const char *from, const char *target, mode_t mode,
                           struct bf_fault *fault)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum bf_err err = bf_file_read(from, MEDIUM_MAX, &bytes, &len, fault);
    if (!err)
        err = bf_file_replace(target, bytes, len, mode, fault);
    if (bytes)
        bf_wipe(bytes, len);
    free(bytes);
    return err;
}

// The program for 32-bit UEFI, signed like the other one.
static enum bf_err fill_ia32(const struct bf_medium *m, const char *folder, char path[PATH_SIZE],
                             struct bf_fault *fault)
{
    char plain[PATH_SIZE];
    size_t len = (size_t)(bf_ia32_image_end - bf_ia32_image);
    enum bf_err err = write_secret(folder, "ia32.efi", bf_ia32_image, len, plain, fault);
    bf_snprintf(path, PATH_SIZE, "%s", plain);
    if (err || !m->sign_key)
        return err;
    bf_snprintf(path, PATH_SIZE, "%s/ia32-signed.efi", folder);
    return bf_media_sign(plain, path, m->sign_key, m->sign_cert, fault);
}

static enum bf_err make_fat(const struct bf_medium *m, const char *folder, const char *efi,
                            char path[PATH_SIZE], struct bf_fault *fault)
{
    char conf[PATH_SIZE], ia32[PATH_SIZE];
    struct bf_media_files files = {.efi = efi, .ia32 = ia32, .conf = conf};
    enum bf_err err = write_conf(m, folder, conf, fault);
    if (!err)
        err = fill_ia32(m, folder, ia32, fault);
    if (err)
        return err;
    bf_snprintf(path, PATH_SIZE, "%s/efi.img", folder);
    return bf_media_fat(path, &files, fault);
}

static enum bf_err make_iso(const struct bf_medium *m, const char *folder, const char *efi,
                            char path[PATH_SIZE], struct bf_fault *fault)
{
    char fat[PATH_SIZE], root[PATH_SIZE], sector[PATH_SIZE];
    enum bf_err err = make_fat(m, folder, efi, fat, fault);
    if (err)
        return err;
    bf_snprintf(root, sizeof root, "%s/iso", folder);
    if (mkdir(root, 0700) < 0)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the space in TMPDIR",
                            "cannot create %s: %s", root, strerror(errno));
    if ((err = write_readme(m, root, fault)) ||
        (err = write_secret(root, BF_MEDIA_BIOS, bf_bios_sector, BF_BIOS_SECTOR, sector, fault)))
        return err;
    bf_snprintf(path, PATH_SIZE, "%s/medium.iso", folder);
    return bf_media_iso(path, fat, root, fault);
}

// A boot server's programs run as other users: what they hand out can be read by everybody.
static enum bf_err make_pxe(const struct bf_medium *m, const char *efi, struct bf_fault *fault)
{
    static const char script[] = "#!ipxe\nchain " IMAGE_NAME "\n";
    char path[PATH_SIZE];
    if (mkdir(m->target, 0755) < 0 && errno != EEXIST)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the path and the rights",
                            "cannot create %s: %s", m->target, strerror(errno));
    bf_snprintf(path, sizeof path, "%s/" IMAGE_NAME, m->target);
    enum bf_err err = deliver(efi, path, 0644, fault);
    if (err)
        return err;
    bf_snprintf(path, sizeof path, "%s/bootferry.ipxe", m->target);
    return bf_file_replace(path, script, sizeof script - 1, 0644, fault);
}

static enum bf_err make_in(const struct bf_medium *m, const char *folder, struct bf_fault *fault)
{
    char efi[PATH_SIZE], path[PATH_SIZE];
    enum bf_err err = fill_image(m, folder, efi, fault);
    if (err)
        return err;
    switch (m->kind) {
    case BF_MEDIUM_EFI:
        return deliver(efi, m->target, 0600, fault);
    case BF_MEDIUM_PXE:
        return make_pxe(m, efi, fault);
    case BF_MEDIUM_FAT:
        err = make_fat(m, folder, efi, path, fault);
        break;
    default:
        err = make_iso(m, folder, efi, path, fault);
        break;
    }
    return err ? err : deliver(path, m->target, 0600, fault);
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
    char folder[PATH_SIZE];
    if (medium->kind == BF_MEDIUM_CONF)
        return make_conf(medium, fault);
    // The folder holds a private key: signals are the caller's to catch (cli_interrupt.h), and what
    // is waited for here is cancelled by them, so that it is removed.
    enum bf_err err = bf_tempdir_make(folder, sizeof folder, fault);
    if (!err) {
        err = make_in(medium, folder, fault);
        bf_tempdir_remove(folder);
    }
    return err;
}
