// SPDX-License-Identifier: Apache-2.0
// What distribution it is: os-release(5), or what distributions had before it: one file each, whose
// words are put into the form of an os-release.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

// A field of os-release, cut out of its text.
struct field {
    const char *key;
    const char **value;
    char *at; // NULL: it is not there
    size_t len;
};

// The value of KEY=value or KEY="value".
static void find_field(struct field *f, char *text, size_t size)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(f->key);
    while (!f->at && bf_line_next(text, size, &pos, &line)) {
        if (line.len <= n || strncmp(line.at, f->key, n) != 0 || line.at[n] != '=')
            continue;
        f->at = text + (line.at - text) + n + 1;
        f->len = line.len - n - 1;
        if (f->len >= 2 && (f->at[0] == '"' || f->at[0] == '\'') && f->at[f->len - 1] == f->at[0]) {
            f->at++;
            f->len -= 2;
        }
    }
}

// All fields are found before the first is cut, since that takes a line's end away.
static void read_release(struct bf_system *s, size_t size)
{
    struct field field[] = {{"ID", &s->id, NULL, 0},
                            {"VERSION_ID", &s->version, NULL, 0},
                            {"VERSION_CODENAME", &s->codename, NULL, 0},
                            {"PRETTY_NAME", &s->name, NULL, 0},
                            {"ID_LIKE", &s->like, NULL, 0}};
    for (size_t i = 0; i < BF_COUNT(field); i++)
        find_field(&field[i], s->release, size);
    for (size_t i = 0; i < BF_COUNT(field); i++) {
        struct field *f = &field[i];
        if (!f->at)
            continue;
        *f->value = bf_is_utf8(f->at, f->len) ? f->at : "?";
        f->at[f->len] = 0;
    }
}

// A file of before os-release, what it says of whom, and whom that is.
static const struct {
    const char *path, *words, *id;
} olds[] = {
    {"/etc/oracle-release", "", "ol"},
    {"/etc/system-release", "Amazon", "amzn"},
    {"/etc/redhat-release", "CentOS", "centos"},
    {"/etc/redhat-release", "Fedora", "fedora"},
    {"/etc/redhat-release", "Scientific", "scientific"},
    {"/etc/redhat-release", "", "rhel"},
    {"/etc/SuSE-release", "openSUSE", "opensuse"},
    {"/etc/SuSE-release", "Desktop", "sled"},
    {"/etc/SuSE-release", "", "sles"},
    {"/etc/lsb-release", "DISTRIB_ID=Ubuntu", "ubuntu"},
    {"/etc/alpine-release", "", "alpine"},
    {"/etc/gentoo-release", "", "gentoo"},
    {"/etc/slackware-version", "", "slackware"},
    {"/etc/arch-release", "", "arch"},
    {"/etc/debian_version", "", "debian"},
};

// The first number of a text with its dots, "" when it has none.
static void first_number(const char *text, char *out, size_t size)
{
    const char *at = text + strcspn(text, "0123456789");
    snprintf(out, size, "%.*s", (int)strspn(at, "0123456789."), at);
}

// The last of "VERSION = 11", "PATCHLEVEL = 4".
static void suse_level(const char *text, char *version, size_t size)
{
    const char *at = strstr(text, "PATCHLEVEL"),
               *digits = at ? at + strcspn(at, "0123456789\n") : "";
    size_t used = strlen(version);
    if (isdigit((unsigned char)*digits) && *digits != '0')
        snprintf(version + used, size - used, ".%.*s", (int)strspn(digits, "0123456789"), digits);
}

// The os-release that an old release file would be; owned by the caller. NULL: there is none.
static char *old_release(const struct bf_fin_root *root, size_t *len)
{
    struct bf_text out = {0};
    for (size_t i = 0; i < BF_COUNT(olds) && !out.len; i++) {
        char version[32];
        size_t size;
        char *text = bf_fin_root_read(root, olds[i].path, 4096, &size, NULL);
        if (text && strstr(text, olds[i].words)) {
            first_number(text, version, sizeof version);
            if (strcmp(olds[i].path, "/etc/SuSE-release") == 0)
                suse_level(text, version, sizeof version);
            bf_textf(&out, "ID=%s\nVERSION_ID=%s\nPRETTY_NAME=\"%.*s\"\n", olds[i].id, version,
                     (int)strcspn(text, "\n\"\\"), text);
        }
        free(text);
    }
    *len = out.len;
    return bf_text_ok(&out) ? out.data : NULL;
}

static const char *packages_of(const struct bf_fin_root *root)
{
    static const char *const database[][2] = {
        {"/var/lib/dpkg/status", "dpkg"},
        {"/usr/lib/sysimage/rpm", "rpm"},
        {"/var/lib/rpm", "rpm"},
        {"/usr/share/rpm", "rpm"},
        {"/var/lib/pacman/local", "pacman"},
        {"/lib/apk/db/installed", "apk"},
        {"/usr/lib/apk/db/installed", "apk"},
        {"/var/db/pkg", "portage"},
        {"/var/db/xbps", "xbps"},
        {"/var/lib/pkgtools/packages", "pkgtools"},
        {"/var/log/packages", "pkgtools"},
    };
    for (size_t i = 0; i < BF_COUNT(database); i++)
        if (bf_fin_root_exists(root, database[i][0]))
            return database[i][1];
    return "";
}

void bf_inspect_release(struct bf_fin *f)
{
    size_t len;
    struct bf_system *s = &f->system;
    s->release = bf_fin_root_read(f->root, "/etc/os-release", BF_ROOT_TEXT_MAX, &len, NULL);
    if (!s->release)
        s->release = bf_fin_root_read(f->root, "/usr/lib/os-release", BF_ROOT_TEXT_MAX, &len, NULL);
    if (!s->release)
        s->release = old_release(f->root, &len);
    s->found = s->release || bf_fin_root_exists(f->root, "/etc/fstab");
    if (s->release)
        read_release(s, len);
    s->packages = packages_of(f->root);
    s->family = s->found ? bf_family_of(bf_families, f->root, s->id, s->like) : NULL;
}
