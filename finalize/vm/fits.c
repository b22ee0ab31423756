// SPDX-License-Identifier: Apache-2.0
// See fits.h. Kernels are called by the distributions' names; where a version is in the name, it
// says to which system a boot partition belongs.
#include "finalize/vm/fits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define VERSIONS_MAX 64

static bool join(const char *dir, const char *name, const char *more, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s%s", strcmp(dir, "/") == 0 ? "" : dir, name, more);
    return n > 0 && (size_t)n < size;
}

// The version in a kernel's name, "" when there is none; NULL when the name is no kernel's.
static const char *kernel_version(const char *name)
{
    static const char *const heads[] = {"vmlinuz", "vmlinux", "kernel", "bzImage",
                                        "Image",   "linux",   "zImage"};
    for (size_t i = 0; i < BF_COUNT(heads); i++) {
        size_t n = strlen(heads[i]);
        if (strncmp(name, heads[i], n) != 0 || (name[n] && name[n] != '-' && name[n] != '.'))
            continue;
        return name[n] == '-' && isdigit((unsigned char)name[n + 1]) ? name + n + 1 : "";
    }
    return NULL;
}

static bool is_file(const struct bf_fin_root *root, const char *path)
{
    struct stat st;
    return !bf_fin_root_stat(root, path, &st, NULL) && S_ISREG(st.st_mode);
}

static bool is_module_version(const struct bf_fin_root *root, const char *version)
{
    char path[300];
    snprintf(path, sizeof path, "/lib/modules/%.255s", version);
    if (bf_fin_root_is_dir(root, path))
        return true;
    snprintf(path, sizeof path, "/usr/lib/modules/%.255s", version);
    return bf_fin_root_is_dir(root, path);
}

static bool has_modules(const struct bf_fin_root *root)
{
    static const char *const dirs[] = {"/lib/modules", "/usr/lib/modules"};
    bool any = false;
    struct bf_names names;
    for (size_t i = 0; i < BF_COUNT(dirs) && !any; i++) {
        if (bf_fin_root_list(root, dirs[i], "", &names))
            continue;
        any = names.count > 0;
        bf_names_free(&names);
    }
    return any;
}

struct kernels {
    size_t count, versioned, ours;
};

// "/MACHINE-ID/VERSION/linux" of kernel-install, one folder of it.
static void count_layout(const struct bf_fin_root *at, const struct bf_fin_root *root,
                         const char *dir, struct kernels *k)
{
    struct bf_names names;
    char path[700];
    if (bf_fin_root_list(at, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count && i < VERSIONS_MAX; i++) {
        if (!join(dir, names.name[i], "/linux", path, sizeof path) || !is_file(at, path))
            continue;
        k->count++;
        k->versioned++;
        k->ours += root && is_module_version(root, names.name[i]);
    }
    bf_names_free(&names);
}

static bool is_machine_id(const char *name)
{
    return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32;
}

static struct kernels count_kernels(const struct bf_fin_root *at, const struct bf_fin_root *root,
                                    const char *dir)
{
    struct kernels k = {0};
    struct bf_names names;
    char path[700];
    if (join(dir, "EFI/Linux", "", path, sizeof path) &&
        !bf_fin_root_list(at, path, ".efi", &names)) {
        k.count += names.count;
        bf_names_free(&names);
    }
    if (bf_fin_root_list(at, dir, "", &names))
        return k;
    for (size_t i = 0; i < names.count; i++) {
        const char *version = kernel_version(names.name[i]);
        if (!join(dir, names.name[i], "", path, sizeof path))
            continue;
        if (is_machine_id(names.name[i]))
            count_layout(at, root, path, &k);
        if (!version || !is_file(at, path))
            continue;
        k.count++;
        k.versioned += version[0] != 0;
        k.ours += version[0] && root && is_module_version(root, version);
    }
    bf_names_free(&names);
    return k;
}

bool bf_fits_has_kernel(const struct bf_fin_root *root, const char *dir)
{
    return count_kernels(root, NULL, dir).count > 0;
}

static bool fits_boot(const struct bf_fin_root *candidate, const struct bf_fin_root *root)
{
    struct kernels k = count_kernels(candidate, root, "/");
    return k.count && (!k.versioned || k.ours || !has_modules(root));
}

static bool all_dirs(const struct bf_fin_root *at, const char *const *dir)
{
    for (; *dir; dir++)
        if (!bf_fin_root_is_dir(at, *dir))
            return false;
    return true;
}

bool bf_fits(const struct bf_fin_root *candidate, const struct bf_fin_root *root, const char *at)
{
    static const char *const usr[] = {"/bin", "/lib", "/share", NULL},
                             *const var[] = {"/lib", "/log", NULL},
                             *const databases[] = {"/dpkg",    "/rpm",  "/pacman", "/apk",
                                                   "/systemd", "/dbus", NULL};
    if (strcmp(at, "/boot") == 0)
        return fits_boot(candidate, root);
    if (strcmp(at, "/boot/efi") == 0 || strcmp(at, "/efi") == 0)
        return bf_fin_root_is_dir(candidate, "/EFI");
    if (strcmp(at, "/usr") == 0)
        return bf_fin_root_exists(candidate, "/lib/os-release") || all_dirs(candidate, usr);
    if (strcmp(at, "/var") == 0)
        return all_dirs(candidate, var);
    return strcmp(at, "/var/lib") == 0 && bf_fin_root_any(candidate, databases);
}

// The digits at the end behind `mark`; `part` stays without them.
static bool tail(const char *name, const char *mark, unsigned *part)
{
    const char *at = NULL, *next = name;
    while ((next = strstr(next, mark)))
        at = next++;
    char *end;
    unsigned long n =
        at && isdigit((unsigned char)at[strlen(mark)]) ? strtoul(at + strlen(mark), &end, 10) : 0;
    if (n == 0 || n > 65535 || *end)
        return false;
    *part = (unsigned)n;
    return true;
}

bool bf_fits_part(const char *name, unsigned *part)
{
    static const char *const dirs[] = {"/dev/disk/by-path/", "/dev/disk/by-id/"},
                             *const cards[] = {"/dev/cciss/", "/dev/ida/", "/dev/rd/", "/dev/nvme",
                                               "/dev/mmcblk"},
                             *const letters[] = {"/dev/sd", "/dev/vd", "/dev/hd", "/dev/xvd"};
    *part = 0;
    for (size_t i = 0; i < BF_COUNT(dirs); i++)
        if (strncmp(name, dirs[i], strlen(dirs[i])) == 0)
            return strncmp(name + strlen(dirs[i]), "dm-", 3) != 0 &&
                   strncmp(name + strlen(dirs[i]), "md-", 3) != 0 &&
                   (tail(name, "-part", part) || true);
    for (size_t i = 0; i < BF_COUNT(cards); i++)
        if (strncmp(name, cards[i], strlen(cards[i])) == 0)
            return tail(name, "p", part) || true;
    for (size_t i = 0; i < BF_COUNT(letters); i++) {
        size_t n = strlen(letters[i]);
        if (strncmp(name, letters[i], n) != 0)
            continue;
        n += strspn(name + n, "abcdefghijklmnopqrstuvwxyz");
        char *end;
        unsigned long number = strtoul(name + n, &end, 10);
        *part = number > 65535 ? 0 : (unsigned)number;
        return !*end;
    }
    return false;
}
