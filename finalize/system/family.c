// SPDX-License-Identifier: Apache-2.0
// The families that are known.
#include "finalize/system/family.h"

#include <string.h>

#include "finalize/core/text.h"

static bool has_word(const char *list, const char *const *words)
{
    const char *at = list, *end = list + strlen(list), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        for (const char *const *word = words; *word; word++)
            if (bf_word_is(w, len, *word))
                return true;
    return false;
}

static bool is_one_of(const char *id, const char *like, const char *const *words)
{
    return has_word(id, words) || has_word(like, words);
}

static bool is_debian(const char *id, const char *like)
{
    static const char *const words[] = {"debian",   "ubuntu", "linuxmint", "kali",
                                        "raspbian", "devuan", "pop",       NULL};
    return is_one_of(id, like, words);
}

static bool is_redhat(const char *id, const char *like)
{
    static const char *const words[] = {
        "rhel",       "fedora",     "centos",  "rocky",      "almalinux", "ol", "amzn",
        "scientific", "cloudlinux", "mariner", "azurelinux", "photon",    NULL};
    return is_one_of(id, like, words);
}

static bool is_suse(const char *id, const char *like)
{
    static const char *const words[] = {"suse", "sles", "sled", "opensuse", "sle_hpc", NULL};
    return strstr(id, "suse") || is_one_of(id, like, words);
}

static bool is_arch(const char *id, const char *like)
{
    static const char *const words[] = {"arch", "manjaro", "artix", "archarm", NULL};
    return is_one_of(id, like, words);
}

static bool is_alpine(const char *id, const char *like)
{
    static const char *const words[] = {"alpine", "postmarketos", NULL};
    return is_one_of(id, like, words);
}

static bool is_gentoo(const char *id, const char *like)
{
    static const char *const words[] = {"gentoo", NULL};
    return is_one_of(id, like, words);
}

static bool is_void(const char *id, const char *like)
{
    static const char *const words[] = {"void", NULL};
    return is_one_of(id, like, words);
}

static bool is_slackware(const char *id, const char *like)
{
    static const char *const words[] = {"slackware", NULL};
    return is_one_of(id, like, words);
}

// ---- By their parts -----------------------------------------------------------------------------

static bool has_rpm(const struct bf_fin_root *root)
{
    static const char *const database[] = {"/var/lib/rpm", "/usr/lib/sysimage/rpm",
                                           "/usr/share/rpm", NULL};
    return bf_fin_root_any(root, database);
}

static bool has_zypper(const struct bf_fin_root *root)
{
    static const char *const parts[] = {"/usr/bin/zypper", "/etc/sysconfig/network/config",
                                        "/etc/SuSE-release", NULL};
    return bf_fin_root_any(root, parts);
}

static bool made_of_dpkg(const struct bf_fin_root *root)
{
    return bf_fin_root_exists(root, "/var/lib/dpkg/status");
}

static bool made_of_rpm(const struct bf_fin_root *root)
{
    return has_rpm(root) && !has_zypper(root);
}

static bool made_of_zypper(const struct bf_fin_root *root)
{
    return has_rpm(root) && has_zypper(root);
}

static bool made_of_pacman(const struct bf_fin_root *root)
{
    return bf_fin_root_is_dir(root, "/var/lib/pacman/local");
}

static bool made_of_apk(const struct bf_fin_root *root)
{
    static const char *const database[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed",
                                           NULL};
    return bf_fin_root_any(root, database);
}

static bool made_of_portage(const struct bf_fin_root *root)
{
    return bf_fin_root_is_dir(root, "/var/db/pkg") && bf_fin_root_exists(root, "/etc/portage");
}

static bool made_of_xbps(const struct bf_fin_root *root)
{
    return bf_fin_root_is_dir(root, "/var/db/xbps");
}

static bool made_of_pkgtools(const struct bf_fin_root *root)
{
    static const char *const database[] = {"/var/lib/pkgtools/packages", "/var/log/packages", NULL};
    return bf_fin_root_any(root, database) && bf_fin_root_exists(root, "/etc/rc.d/rc.M");
}

// ---- The rows -----------------------------------------------------------------------------------

static const struct bf_release debian_oldest[] = {{"debian", 11}, {"ubuntu", 20}, {NULL, 0}};

const struct bf_family bf_debian = {
    .name = "debian",
    .title = "Debian",
    .tried = true,
    .oldest = debian_oldest,
    .holds = is_debian,
    .has_parts = made_of_dpkg,
};
const struct bf_family bf_redhat = {
    .name = "redhat", .title = "Red Hat", .holds = is_redhat, .has_parts = made_of_rpm};
const struct bf_family bf_suse = {
    .name = "suse", .title = "SUSE", .holds = is_suse, .has_parts = made_of_zypper};
const struct bf_family bf_arch = {
    .name = "arch", .title = "Arch", .holds = is_arch, .has_parts = made_of_pacman};
const struct bf_family bf_alpine = {
    .name = "alpine", .title = "Alpine", .holds = is_alpine, .has_parts = made_of_apk};
const struct bf_family bf_gentoo = {
    .name = "gentoo", .title = "Gentoo", .holds = is_gentoo, .has_parts = made_of_portage};
const struct bf_family bf_void = {
    .name = "void", .title = "Void", .holds = is_void, .has_parts = made_of_xbps};
const struct bf_family bf_slackware = {.name = "slackware",
                                       .title = "Slackware",
                                       .holds = is_slackware,
                                       .has_parts = made_of_pkgtools};

const struct bf_family *bf_family_of(const struct bf_family *const *table,
                                     const struct bf_fin_root *root, const char *id,
                                     const char *like)
{
    for (const struct bf_family *const *f = table; *f; f++)
        if ((*f)->holds(id, like))
            return *f;
    for (const struct bf_family *const *f = table; *f; f++)
        if ((*f)->has_parts && (*f)->has_parts(root))
            return *f;
    return NULL;
}
