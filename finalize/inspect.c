// SPDX-License-Identifier: Apache-2.0
// Finds out what a root directory holds: system, architecture, init, kernels with their initramfs,
// firmware and boot loaders, network stack, mounts. Reads only; what it finds is the report's
// "system" object, and the adapters decide by it.
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/fin.h"
#include "finalize/initramfs.h"
#include "finalize/network.h"

#define KERNELS_MAX 64

static void set(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

static json_t *printable(const char *s, size_t len)
{
    json_t *j = json_stringn(s, len);
    return j ? j : json_string("?");
}

// The value of KEY=value or KEY="value" in an os-release file.
static json_t *release_field(const char *text, size_t len, const char *key)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(key);
    while (bf_line_next(text, len, &pos, &line)) {
        if (line.len <= n || strncmp(line.at, key, n) != 0 || line.at[n] != '=')
            continue;
        const char *v = line.at + n + 1;
        size_t m = line.len - n - 1;
        if (m >= 2 && (v[0] == '"' || v[0] == '\'') && v[m - 1] == v[0])
            return printable(v + 1, m - 2);
        return printable(v, m);
    }
    return json_string("");
}

static bool has_word(const char *list, const char *word)
{
    const char *at = list, *end = list + strlen(list), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        if (bf_word_is(w, len, word))
            return true;
    return false;
}

static const char *family_of(const char *id, const char *like)
{
    if (strcmp(id, "debian") == 0 || strcmp(id, "ubuntu") == 0 || has_word(like, "debian"))
        return "debian";
    if (strcmp(id, "fedora") == 0 || has_word(like, "fedora") || has_word(like, "rhel"))
        return "redhat";
    return strstr(id, "suse") || has_word(like, "suse") ? "suse" : "other";
}

static void inspect_os(struct bf_fin *f)
{
    size_t len;
    char *text = bf_fin_root_read(f->root, "/etc/os-release", BF_ROOT_TEXT_MAX, &len);
    if (!text)
        text = bf_fin_root_read(f->root, "/usr/lib/os-release", BF_ROOT_TEXT_MAX, &len);
    json_t *os = json_pack("{s:s}", "type",
                           text || bf_fin_root_exists(f->root, "/etc/fstab") ? "linux" : "unknown");
    if (text) {
        set(os, "id", release_field(text, len, "ID"));
        set(os, "version", release_field(text, len, "VERSION_ID"));
        set(os, "codename", release_field(text, len, "VERSION_CODENAME"));
        set(os, "name", release_field(text, len, "PRETTY_NAME"));
        json_t *like = release_field(text, len, "ID_LIKE");
        set(os, "family",
            json_string(
                family_of(json_string_value(json_object_get(os, "id")), json_string_value(like))));
        json_decref(like);
    }
    free(text);
    set(f->system, "os", os);
}

// The machine an ELF file was made for.
static const char *elf_machine(const unsigned char *h)
{
    if (memcmp(h, ELFMAG, SELFMAG) != 0 || h[EI_DATA] != ELFDATA2LSB)
        return NULL;
    switch (h[18] | h[19] << 8) {
    case EM_X86_64:
        return "x86_64";
    case EM_386:
        return "i386";
    case EM_AARCH64:
        return "aarch64";
    case EM_ARM:
        return "arm";
    case EM_RISCV:
        return "riscv64";
    default:
        return "other";
    }
}

static void inspect_architecture(struct bf_fin *f)
{
    static const char *const binary[] = {"/usr/bin/dash", "/bin/bash",
                                         "/bin/sh",       "/usr/lib/systemd/systemd",
                                         "/sbin/init",    "/bin/ls"};
    unsigned char h[20];
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        if (bf_fin_root_pread(f->root, binary[i], h, sizeof h, 0) != sizeof h || !elf_machine(h))
            continue;
        set(f->system, "architecture", json_string(elf_machine(h)));
        return;
    }
    set(f->system, "architecture", json_string("unknown"));
}

static void inspect_init(struct bf_fin *f)
{
    static const struct {
        const char *path, *name;
    } init[] = {{"/usr/lib/systemd/systemd", "systemd"},
                {"/lib/systemd/systemd", "systemd"},
                {"/sbin/openrc-init", "openrc"},
                {"/etc/inittab", "sysvinit"}};
    const char *name = "unknown";
    char *link = bf_fin_root_readlink(f->root, "/sbin/init");
    if (link && strstr(link, "systemd"))
        name = "systemd";
    for (size_t i = 0; i < sizeof init / sizeof *init && strcmp(name, "unknown") == 0; i++)
        if (bf_fin_root_exists(f->root, init[i].path))
            name = init[i].name;
    free(link);
    set(f->system, "init", json_string(name));
}

// An image of a kernel in /boot by any of the distributions' names.
static bool find_image(struct bf_fin *f, const char *version, const char *const *pattern, char *out,
                       size_t size)
{
    for (; *pattern; pattern++) {
        snprintf(out, size, "/boot/%s%s%s", *pattern, version,
                 strcmp(*pattern, "initramfs-") == 0 ? ".img" : "");
        if (bf_fin_root_exists(f->root, out))
            return true;
    }
    return false;
}

static void inspect_kernel(struct bf_fin *f, json_t *list, const char *version)
{
    static const char *const image[] = {"vmlinuz-", "vmlinux-", "kernel-", NULL};
    static const char *const initrd[] = {"initrd.img-", "initramfs-", "initrd-", NULL};
    char path[512];
    json_t *k = json_pack("{s:s}", "version", version);
    if (find_image(f, version, image, path, sizeof path))
        set(k, "image", json_string(path));
    if (find_image(f, version, initrd, path, sizeof path)) {
        struct bf_initramfs info;
        set(k, "initramfs", json_string(path));
        if (bf_initramfs_read(f->root, path, &info) == 0) {
            set(k, "initramfs_format", json_string(info.format));
            set(k, "early_cpio", json_boolean(info.early));
        }
    }
    json_array_append_new(list, k);
}

static void inspect_kernels(struct bf_fin *f)
{
    struct bf_names names;
    json_t *list = json_array();
    if (bf_fin_root_list(f->root, "/usr/lib/modules", "", &names) == 0 && names.count == 0) {
        bf_names_free(&names);
        if (bf_fin_root_list(f->root, "/lib/modules", "", &names) < 0)
            names = (struct bf_names){0};
    }
    for (size_t i = 0; i < names.count && i < KERNELS_MAX; i++)
        if (strlen(names.name[i]) < 128)
            inspect_kernel(f, list, names.name[i]);
    bf_names_free(&names);
    set(f->system, "kernels", list);
}

static void add_loader(json_t *list, const char *name, const char *where)
{
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", name, "where", where));
}

static bool any_shim(struct bf_fin *f, const char *efi)
{
    struct bf_names names;
    char path[1024];
    bool found = false;
    if (bf_fin_root_list(f->root, efi, "", &names) < 0)
        return false;
    for (size_t i = 0; i < names.count && !found; i++) {
        snprintf(path, sizeof path, "%s/%s/shimx64.efi", efi, names.name[i]);
        found = bf_fin_root_exists(f->root, path);
    }
    bf_names_free(&names);
    return found;
}

static void inspect_boot(struct bf_fin *f)
{
    json_t *list = json_array();
    static const char *const esps[] = {"/boot/efi", "/efi", "/boot"};
    char path[256];
    bool uefi = false, bios = bf_fin_root_is_dir(f->root, "/boot/grub/i386-pc");
    for (size_t i = 0; i < sizeof esps / sizeof *esps; i++) {
        snprintf(path, sizeof path, "%s/EFI", esps[i]);
        if (!bf_fin_root_is_dir(f->root, path))
            continue;
        uefi = true;
        if (any_shim(f, path))
            add_loader(list, "shim", path);
        snprintf(path, sizeof path, "%s/loader/loader.conf", esps[i]);
        if (bf_fin_root_exists(f->root, path))
            add_loader(list, "systemd-boot", path);
        snprintf(path, sizeof path, "%s/EFI/Linux", esps[i]);
        if (bf_fin_root_is_dir(f->root, path))
            add_loader(list, "unified-kernel-image", path);
    }
    if (bf_fin_root_is_dir(f->root, "/boot/grub/x86_64-efi")) {
        uefi = true;
        add_loader(list, "grub2-efi", "/boot/grub");
    }
    if (bios)
        add_loader(list, "grub2-pc", "/boot/grub");
    if (!uefi && !bios && bf_fin_root_exists(f->root, "/boot/grub/grub.cfg"))
        add_loader(list, "grub2", "/boot/grub");
    if (bf_fin_root_exists(f->root, "/boot/grub2/grub.cfg"))
        add_loader(list, "grub2", "/boot/grub2");
    if (bf_fin_root_exists(f->root, "/boot/extlinux/extlinux.conf"))
        add_loader(list, "extlinux", "/boot/extlinux");
    set(f->system, "boot_loaders", list);
    set(f->system, "firmware",
        json_string(uefi && bios ? "uefi and bios"
                    : uefi       ? "uefi"
                    : bios       ? "bios"
                                 : "unknown"));
}

static void inspect_mounts(struct bf_fin *f)
{
    size_t len = 0, pos = 0;
    struct bf_line line;
    json_t *list = json_array();
    char *text = bf_fin_root_read(f->root, "/etc/fstab", BF_ROOT_TEXT_MAX, &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w[4] = {0};
        size_t n[4] = {0}, i = 0;
        while (i < 4 && bf_word_next(&at, end, &w[i], &n[i]))
            i++;
        if (i < 3 || w[0][0] == '#')
            continue;
        json_array_append_new(list,
                              json_pack("{s:o,s:o,s:o}", "device", printable(w[0], n[0]), "mount",
                                        printable(w[1], n[1]), "type", printable(w[2], n[2])));
    }
    free(text);
    set(f->system, "file_systems", list);
    if (f->devices && f->devices->count)
        set(f->system, "devices", bf_devices_json(f->devices));
}

static void inspect_hibernation(struct bf_fin *f)
{
    for (size_t i = 0; f->devices && i < f->devices->count; i++)
        if (strcmp(f->devices->item[i].type, "swsuspend") == 0) {
            set(f->system, "hibernated", json_true());
            return;
        }
    set(f->system, "hibernated", json_false());
}

int bf_inspect(struct bf_fin *f)
{
    inspect_os(f);
    inspect_architecture(f);
    inspect_init(f);
    inspect_kernels(f);
    inspect_boot(f);
    inspect_mounts(f);
    inspect_hibernation(f);
    set(f->system, "network", bf_network_inspect(f));
    if (!bf_is_debian(f))
        bf_note(f->report, "warning", "system",
                "not of the Debian family: only what all distributions share is adapted");
    return 0;
}

const char *bf_system_text(const struct bf_fin *f, const char *object, const char *key)
{
    const json_t *o = object ? json_object_get(f->system, object) : f->system;
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

bool bf_is_debian(const struct bf_fin *f)
{
    return strcmp(bf_system_text(f, "os", "family"), "debian") == 0;
}

json_t *bf_kernels(const struct bf_fin *f)
{
    return json_object_get(f->system, "kernels");
}
