// SPDX-License-Identifier: Apache-2.0
// Unified kernel images (the UAPI Group's "Unified Kernel Image"; systemd-stub(7)): a program with
// the kernel, its initramfs and its command line as sections .linux, .initrd and .cmdline. One that
// is not signed is put together anew under its name, boot counting included; what it was is in the
// undo journal. A signed one that would have to change is refused with what to do.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "finalize/boot/authenticode.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/pe_build.h"
#include "finalize/archive/version.h"

#define WHY         "command line and drivers of the unified kernel image"
#define CMDLINE_MAX ((size_t)64 << 10)

struct uki {
    const char *path;
    struct bf_blob blob;
    struct bf_pe pe;
    char version[128]; // of the kernel; "": not said
};

// The section .uname says it; images that were put together by objcopy may have none.
static void read_version(struct bf_fin *f, struct uki *u)
{
    size_t len;
    const struct bf_pe_section *uname = bf_pe_find(&u->pe, ".uname");
    char *version = uname ? bf_pe_content(&u->blob, uname, sizeof u->version - 1, &len) : NULL;
    if (version)
        snprintf(u->version, sizeof u->version, "%.*s", (int)strcspn(version, " \t\r\n"), version);
    else if (!uname)
        bf_version_header(&f->edits, u->path, bf_pe_find(&u->pe, ".linux")->at, u->version,
                          sizeof u->version);
    free(version);
}

static bool open_uki(struct bf_fin *f, const char *path, struct uki *u)
{
    *u = (struct uki){.path = path};
    u->blob.fd = bf_fin_root_open_file(f->root, path, &u->blob.size, NULL);
    if (u->blob.fd < 0)
        return false;
    if (bf_pe_read(&u->blob, &u->pe) || !bf_pe_find(&u->pe, ".linux")) {
        close(u->blob.fd);
        return false;
    }
    read_version(f, u);
    return true;
}

// Visits each unified image in the folders of EFI on a partition.
static enum bf_err each(struct bf_fin *f, const char *esp,
                        enum bf_err (*visit)(struct bf_fin *f, struct uki *u))
{
    char efi[300];
    struct bf_names dirs, files;
    enum bf_err err = BF_OK;
    snprintf(efi, sizeof efi, "%s/EFI", esp);
    if (bf_fin_root_list(f->root, efi, "", &dirs))
        return BF_OK;
    for (size_t i = 0; i < dirs.count && !err; i++) {
        char dir[600], path[900];
        struct uki u;
        snprintf(dir, sizeof dir, "%s/%.255s", efi, dirs.name[i]);
        if (bf_fin_root_list(f->root, dir, "", &files))
            continue;
        for (size_t n = 0; n < files.count && !err; n++) {
            size_t len = strlen(files.name[n]);
            snprintf(path, sizeof path, "%s/%.255s", dir, files.name[n]);
            if (len <= 4 || strcasecmp(files.name[n] + len - 4, ".efi") != 0 ||
                !open_uki(f, path, &u))
                continue;
            err = visit(f, &u);
            close(u.blob.fd);
        }
        bf_names_free(&files);
    }
    bf_names_free(&dirs);
    return err;
}

// ---- What is there -----------------------------------------------------------------------------

// The row of a kernel that has modules gets the image, where it has no other.
static enum bf_err add_kernel(struct bf_fin *f, struct uki *u)
{
    struct bf_system *s = &f->system;
    for (size_t i = 0; i < s->kernels && u->version[0]; i++) {
        struct bf_kernel *k = &s->kernel[i];
        if (strcmp(k->version, u->version) != 0 || k->image[0] ||
            strlen(u->path) >= sizeof k->image)
            continue;
        snprintf(k->image, sizeof k->image, "%s", u->path);
        k->unified = true;
    }
    return BF_OK;
}

static void found(struct bf_fin *f, const char *esp)
{
    char path[300];
    snprintf(path, sizeof path, "%s/EFI/Linux", esp ? esp : "");
    if (!esp)
        return;
    each(f, esp, add_kernel);
    if (bf_fin_root_is_dir(f->root, path))
        bf_system_add_loader(&f->system, bf_unified_kernel.name, path);
}

// ---- What becomes of it ------------------------------------------------------------------------

// The command line that it shall have; empty where it has none, or keeps its own.
static enum bf_err new_cmdline(struct bf_fin *f, const struct uki *u, struct bf_text *out)
{
    const struct bf_pe_section *s = bf_pe_find(&u->pe, ".cmdline");
    size_t len;
    if (!s)
        return BF_OK;
    char *old = bf_pe_content(&u->blob, s, CMDLINE_MAX, &len);
    if (!old)
        return bf_refuse(f->report, "%s: its command line cannot be read", u->path);
    size_t text = strlen(old), trimmed = text;
    while (trimmed && strchr(" \t\r\n", old[trimmed - 1]))
        trimmed--;
    struct bf_cmdline at = {
        .path = u->path, .console = true, .starts = true, .bare = !bf_pe_find(&u->pe, ".initrd")};
    enum bf_err err = bf_cmdline_edit(f, &at, old, trimmed, out);
    bool same = out->len == trimmed && memcmp(bf_text_get(out), old, trimmed) == 0;
    if (!err && !same)
        bf_text_add(out, old + trimmed, text - trimmed);
    else
        bf_text_free(out);
    free(old);
    return err;
}

// What becomes of the initramfs: `own` bytes of it stay, then comes the tail.
struct initrd {
    bool change;
    uint64_t own;
    struct bf_text tail;
};

// The tail that is there already may be the one that is wanted.
static bool has_tail(const struct uki *u, uint64_t at, uint64_t len, const struct initrd *x)
{
    if (len - x->own != x->tail.len)
        return false;
    char *now = malloc(x->tail.len + 1);
    bool same = now && bf_blob_read(&u->blob, at + x->own, now, x->tail.len) &&
                memcmp(now, bf_text_get(&x->tail), x->tail.len) == 0;
    free(now);
    return same;
}

static enum bf_err new_initrd(struct bf_fin *f, const struct uki *u, struct initrd *x)
{
    const struct bf_pe_section *s = bf_pe_find(&u->pe, ".initrd");
    bool modules = false;
    enum bf_err err = BF_OK;
    if (!s || !s->size)
        return BF_OK;
    uint32_t len = s->memory && s->memory < s->size ? s->memory : s->size;
    if (u->version[0])
        err = f->extend_initramfs(f, u->path, u->version, s->at, len, &x->own, &x->tail, &modules);
    x->change = !err && modules && (x->tail.len || x->own < len) && !has_tail(u, s->at, len, x);
    if (!err && !modules)
        bf_note(f->report, "warning", u->path,
                "has the kernel %s, whose modules are not in this system: it starts on a %s "
                "machine only if it has the drivers already",
                u->version[0] ? u->version : "of an unknown version (no section .uname)",
                f->plan->target);
    return err;
}

static enum bf_err refuse_signed(struct bf_fin *f, const struct uki *u, bool cmdline, bool initrd)
{
    struct bf_signatures s;
    bf_signatures_read(&u->blob, &u->pe, &s);
    char signer[BF_SIGNER_NAME];
    snprintf(signer, sizeof signer, "%s", s.count ? s.item[0].signer : "somebody");
    bf_signatures_free(&s);
    return bf_refuse(
        f->report,
        "%s is signed by \"%s\", and needs %s%s%s, which only a new image with a new signature can "
        "have. On the source, put what is needed into /etc/kernel/cmdline and the configuration of "
        "the initramfs, then build and sign it anew (ukify, kernel-install, dracut --uefi or "
        "mkinitcpio). Where the target does not check signatures, target.secure_boot: false has "
        "it put together here without one",
        u->path, signer, cmdline ? "another command line" : "", cmdline && initrd ? " and " : "",
        initrd ? "more drivers" : "");
}

static enum bf_err check_change(struct bf_fin *f, const struct uki *u, bool cmdline, bool initrd)
{
    if (bf_pe_find(&u->pe, ".profile") || bf_pe_count(&u->pe, ".cmdline") > 1 ||
        bf_pe_count(&u->pe, ".initrd") > 1)
        return bf_refuse(f->report,
                         "%s has several profiles (section .profile), each with a command line of "
                         "its own, which cannot be changed here; build it anew on the source",
                         u->path);
    if (u->pe.certificates_size && f->plan->secure_boot != BF_OFF)
        return refuse_signed(f, u, cmdline, initrd);
    if (u->pe.certificates_size)
        bf_note(f->report, "warning", u->path,
                "was signed and is put together anew without a signature, as the target does not "
                "check it");
    if (bf_pe_find(&u->pe, ".pcrsig"))
        bf_note(f->report, "warning", u->path,
                "has signatures of TPM measurements (section .pcrsig), which do not fit its new "
                "content: what was locked by them, such as a LUKS key, does not open by itself");
    return BF_OK;
}

static enum bf_err assemble(struct bf_fin *f, const struct uki *u, const struct bf_text *cmdline,
                            const struct initrd *x)
{
    struct bf_pe_change change[2];
    struct bf_pe_layout layout;
    struct bf_fault fault;
    size_t changes = 0;
    if (cmdline->len)
        change[changes++] = (struct bf_pe_change){bf_pe_find(&u->pe, ".cmdline"), 0, cmdline->data,
                                                  (uint32_t)cmdline->len};
    if (x->change)
        change[changes++] = (struct bf_pe_change){bf_pe_find(&u->pe, ".initrd"), (uint32_t)x->own,
                                                  x->tail.data, (uint32_t)x->tail.len};
    enum bf_err err = bf_pe_build(&u->blob, &u->pe, change, changes, &layout);
    if (err)
        err = bf_refuse(f->report,
                        "%s is laid out in a way in which it cannot be changed; build it anew on "
                        "the source",
                        u->path);
    else if (bf_edits_parts(&f->edits, u->path, layout.part, layout.parts, WHY, &fault))
        err = bf_fail(f->report, "%s: %s", u->path, fault.what);
    bf_pe_layout_free(&layout);
    return err;
}

static enum bf_err adapt_image(struct bf_fin *f, struct uki *u)
{
    struct bf_text cmdline = {0};
    struct initrd x = {.change = false};
    enum bf_err err = new_cmdline(f, u, &cmdline);
    if (!err)
        err = new_initrd(f, u, &x);
    bool change = cmdline.len || x.change;
    if (!err && change)
        err = check_change(f, u, cmdline.len > 0, x.change);
    if (!err && change)
        err = assemble(f, u, &cmdline, &x);
    bf_text_free(&cmdline);
    bf_text_free(&x.tail);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    char esp[BF_ESPS_MAX][BF_ESP_MOUNT];
    size_t esps = bf_esp_all(f, esp, BF_ESPS_MAX);
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < esps && !err; i++)
        err = each(f, esp[i], adapt_image);
    return err;
}

const struct bf_loader_ops bf_unified_kernel = {
    .name = "unified-kernel-image",
    .title = "a unified kernel image",
    .found = found,
    .rewrite = rewrite,
};
