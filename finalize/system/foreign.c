// SPDX-License-Identifier: Apache-2.0
// See foreign.h.
#include "finalize/system/foreign.h"

#include <string.h>

#include "base/bytes.h"

#define OSTREE "/ostree/deploy"

bool bf_foreign_is_ostree(const struct bf_fin_root *root)
{
    return bf_fin_root_is_dir(root, OSTREE);
}

const char *bf_foreign_name(const struct bf_fin_root *root)
{
    static const char *const mark[][2] = {
        {"/Windows/System32", "a Windows system"},
        {"/WINDOWS/system32", "a Windows system"},
        {"/bootmgr", "the system partition of Windows"},
        {"/Recovery/WindowsRE", "the recovery partition of Windows"},
        {"/bin/freebsd-version", "a FreeBSD system"},
        {"/bsd", "an OpenBSD system"},
        {"/netbsd", "a NetBSD system"},
        {"/System/Library/CoreServices", "a macOS system"},
        {"/kernel/unix", "a Solaris or illumos system"},
        {"/vmlinuz", "a boot partition of Linux, whose root is elsewhere"},
        {"/grub/grub.cfg", "a boot partition of Linux, whose root is elsewhere"},
        {"/grub2/grub.cfg", "a boot partition of Linux, whose root is elsewhere"},
        {"/loader/entries", "a boot partition of Linux, whose root is elsewhere"},
        {"/EFI/BOOT", "an EFI system partition"},
        {"/lost+found", "a file system of Linux with data"},
    };
    for (size_t i = 0; i < BF_COUNT(mark); i++)
        if (bf_fin_root_exists(root, mark[i][0]))
            return mark[i][1];
    return NULL;
}

// By a file that only such a system has, or by its ID.
static const struct {
    const char *mark, *id, *reason;
} rows[] = {
    {"/etc/NIXOS", "nixos",
     "makes /etc from its configuration at every start, so an edit would be lost; change "
     "configuration.nix on the source, or give the new home the old addresses"},
    {"/run/current-system/profile", "guix",
     "makes /etc from its system declaration, so an edit would be lost; change the declaration on "
     "the source"},
    {NULL, "guixsd", "makes /etc from its system declaration, so an edit would be lost"},
    {NULL, "flatcar",
     "is configured by Ignition and has a read-only /usr; give its new home an Ignition "
     "configuration instead"},
    {NULL, "coreos",
     "is configured by Ignition and has a read-only /usr; install it anew from its "
     "Ignition configuration"},
    {NULL, "talos",
     "has no files to adapt: it is configured by its API; apply a machine "
     "configuration with the new addresses"},
    {NULL, "bottlerocket", "has no files to adapt: it is configured by its API and by user data"},
    {NULL, "cos",
     "has a read-only root that is verified at every start; give its new home an instance of its "
     "own image"},
    {NULL, "openwrt",
     "has its configuration in an overlay of its own; change it with uci on the source"},
    {NULL, "vyos",
     "has its configuration in one file of its own (config.boot); change it with its own commands "
     "on the source"},
    {OSTREE, NULL,
     "is made of ostree deployments (Silverblue, CoreOS, bootc, Endless): each has an /etc of its "
     "own, which is not adapted yet; set the new address with rpm-ostree's or NetworkManager's "
     "tools on the source, or keep the old one"},
};

const char *bf_foreign_reason(const struct bf_fin_root *root, const char *id)
{
    for (size_t i = 0; i < BF_COUNT(rows); i++)
        if ((rows[i].id && strcmp(rows[i].id, id) == 0) ||
            (rows[i].mark && bf_fin_root_exists(root, rows[i].mark)))
            return rows[i].reason;
    return NULL;
}
