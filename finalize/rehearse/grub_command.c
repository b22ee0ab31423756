// SPDX-License-Identifier: Apache-2.0
// The commands of GRUB, and the small ones among them. One without a function changes nothing that
// a start depends on.
#include "finalize/rehearse/grub.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// ---- Variables ----------------------------------------------------------------------------------

static int set(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count < 2)
        return BF_GR_OK; // lists all
    const char *eq = strchr(args->word[1], '=');
    if (!eq)
        return BF_GR_FAIL;
    bf_gr_set(g, bf_gr_dup(g, args->word[1], (size_t)(eq - args->word[1])), eq + 1);
    return BF_GR_OK;
}

static int unset(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count < 2)
        return BF_GR_FAIL;
    bf_gr_unset(g, args->word[1]);
    return BF_GR_OK;
}

static int export(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    for (size_t i = 1; i < args->count; i++)
        bf_gr_export(g, args->word[i]);
    return args->count < 2 ? BF_GR_FAIL : BF_GR_OK;
}

// increment and decrement, of Red Hat's GRUB.
static int step(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char text[24];
    const char *value = args->count == 2 ? bf_gr_get(g, args->word[1]) : NULL;
    (void)block;
    if (!value)
        return BF_GR_FAIL;
    long n = strtol(value, NULL, 10);
    bool up = args->word[0][0] == 'i';
    if (n > 1000000000 || n < -1000000000)
        return BF_GR_FAIL;
    snprintf(text, sizeof text, "%ld", up ? n + 1 : n - 1);
    bf_gr_set(g, args->word[1], text);
    return BF_GR_OK;
}

// ---- Flow ---------------------------------------------------------------------------------------

static int no(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)g;
    (void)args;
    (void)block;
    return BF_GR_FALSE;
}

static bool read_count(const struct bf_gr_words *args, unsigned long *out)
{
    char *end = NULL;
    *out = 1;
    if (args->count > 1)
        *out = strtoul(args->word[1], &end, 10);
    return args->count <= 2 && (!end || (end > args->word[1] && !*end));
}

static int stop_loop(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    (void)block;
    if (!read_count(args, &n) || n == 0)
        return BF_GR_FAIL;
    g->again = args->word[0][0] == 'c';
    g->breaks = n < g->loops ? (unsigned)n : g->loops;
    return BF_GR_OK;
}

static int return_from(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    const char *status = bf_gr_get(g, "?");
    (void)block;
    if (!g->scope || !read_count(args, &n))
        return BF_GR_FAIL;
    g->returned = true;
    if (args->count == 1)
        return status ? (int)strtoul(status, NULL, 10) : BF_GR_OK;
    return n > 255 ? 255 : (int)n;
}

static int shift(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    (void)block;
    if (!g->scope)
        return BF_GR_OK;
    if (!read_count(args, &n) || n > g->scope->count - g->shifted)
        return BF_GR_FAIL;
    g->shifted += n;
    return BF_GR_OK;
}

static int setparams(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_gr_words *scope = bf_gr_alloc(g, sizeof *scope);
    (void)block;
    if (!g->scope || !scope)
        return BF_GR_FAIL;
    *scope = (struct bf_gr_words){args->word + 1, args->count - 1, args->cap};
    g->scope = scope;
    g->shifted = 0;
    return BF_GR_OK;
}

static int eval(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_text t = {0};
    unsigned before = g->only_line;
    (void)block;
    for (size_t i = 1; i < args->count && t.len < BF_GR_WORD; i++)
        bf_textf(&t, "%s%s", i > 1 ? " " : "", args->word[i]);
    g->only_line = g->line;
    int status = bf_gr_run_text(g, g->file, bf_text_get(&t), t.len);
    g->only_line = before;
    bf_text_free(&t);
    return status;
}

// ---- Things of the machine ----------------------------------------------------------------------

// Modules that a start may depend on; others draw, play and ask.
static bool matters(const char *module)
{
    static const char *const names[] = {
        "part_gpt", "part_msdos", "ext2",     "xfs",       "btrfs",     "fat",  "f2fs",
        "lvm",      "diskfilter", "mdraid1x", "mdraid09",  "raid5rec",  "luks", "luks2",
        "linux",    "linux16",    "linuxefi", "multiboot", "multiboot2"};
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (strcmp(module, names[i]) == 0)
            return true;
    return false;
}

// A module is built into GRUB's image, or a file of the folder of its platform. Where there is no
// such folder, all of them have to be in the image.
static int insmod(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    const char *prefix = bf_gr_get(g, "prefix"), *cpu = bf_gr_get(g, "grub_cpu");
    const char *platform = bf_gr_get(g, "grub_platform"), *module;
    char folder[BF_START_PATH], name[BF_START_PATH], path[BF_START_PATH];
    (void)block;
    if (args->count < 2)
        return BF_GR_FAIL;
    module = args->word[1];
    g->globs = g->globs || strcmp(module, "regexp") == 0;
    if (!matters(module) || !prefix || !cpu || !platform)
        return BF_GR_OK;
    snprintf(folder, sizeof folder, "%.200s/%.20s-%.20s", prefix, cpu, platform);
    snprintf(name, sizeof name, "%.260s/normal.mod", folder);
    if (bf_gr_place(g, name, path) != BF_GR_THERE)
        return BF_GR_OK;
    snprintf(name, sizeof name, "%.250s/%.40s.mod", folder, module);
    if (bf_gr_place(g, name, path) == BF_GR_MISSING) {
        bf_gr_look(g, "GRUB's module %.40s is not in %.120s", module, folder);
        return BF_GR_FAIL;
    }
    return BF_GR_OK;
}

// A font or a picture: whether it is there decides how the menu looks.
static int drawing(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char name[BF_START_PATH], path[BF_START_PATH];
    const char *prefix = bf_gr_get(g, "prefix");
    (void)block;
    if (args->count < 2)
        return BF_GR_OK;
    const char *file = args->word[args->count - 1];
    bool is_path = file[0] == '(' || file[0] == '/';
    snprintf(name, sizeof name, is_path ? "%s%.0s%.250s" : "%.100s/fonts/%.200s%.0s.pf2",
             is_path  ? ""
             : prefix ? prefix
                      : "",
             is_path ? "" : file, file);
    return bf_gr_place(g, name, path) == BF_GR_THERE ? BF_GR_OK : BF_GR_FAIL;
}

static int ask(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count > 1)
        bf_gr_set(g, args->word[args->count - 1], "");
    bf_gr_look(g, "GRUB waits here for something that is typed");
    return BF_GR_OK;
}

// What it finds on this machine is not known: the variable that it sets, too.
static int unseen(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    bf_gr_unknown(g, "what %.40s finds is not known here", args->word[0]);
    return BF_GR_FALSE;
}

static int yes(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)g;
    (void)args;
    (void)block;
    return BF_GR_OK;
}

// ---- regexp -------------------------------------------------------------------------------------

// Repetition with counts and references to groups can take a matcher for ever.
static bool is_tame(const char *pattern, const char *word)
{
    return strlen(pattern) <= 128 && strlen(word) <= 1024 && !strpbrk(pattern, "{\\");
}

// [GROUP:]VARIABLE
static void set_group(struct bf_gr *g, const char *what, const char *word, const regmatch_t *m)
{
    unsigned long n = 1;
    const char *colon = strchr(what, ':');
    if (colon) {
        n = strtoul(what, NULL, 10);
        what = colon + 1;
    }
    if (n < 10 && m[n].rm_so >= 0)
        bf_gr_set(g, what, bf_gr_dup(g, word + m[n].rm_so, (size_t)(m[n].rm_eo - m[n].rm_so)));
    else
        bf_gr_unset(g, what);
}

static int match(struct bf_gr *g, const char *pattern, const char *word, char **what, size_t count)
{
    regex_t re;
    regmatch_t m[10];
    if (!is_tame(pattern, word)) {
        bf_gr_unknown(g, "the pattern of regexp is not followed");
        return BF_GR_FALSE;
    }
    if (regcomp(&re, pattern, REG_EXTENDED) != 0)
        return BF_GR_FAIL;
    bool found = regexec(&re, word, BF_COUNT(m), m, 0) == 0;
    for (size_t i = 0; found && i < count; i++)
        set_group(g, what[i], word, m);
    regfree(&re);
    return found ? BF_GR_OK : BF_GR_FALSE;
}

// regexp [--set [N:]VARIABLE]... PATTERN STRING
static int regexp(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_gr_words what = {0}, rest = {0};
    (void)block;
    g->globs = true;
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        bool apart = (strcmp(w, "--set") == 0 || strcmp(w, "-s") == 0) && i + 1 < args->count;
        const char *var = apart ? args->word[++i] : strncmp(w, "--set=", 6) == 0 ? w + 6 : NULL;
        bf_gr_word(g, var ? &what : &rest, var ? var : w, strlen(var ? var : w));
    }
    if (bf_budget_take(g->w->f->root->budget, g->file, BF_BUDGET_LOOKUP) || rest.count != 2)
        return BF_GR_FAIL;
    return match(g, rest.word[0], rest.word[1], what.word, what.count);
}

// ---- The table ----------------------------------------------------------------------------------

static const struct bf_gr_command commands[] = {
    {".", bf_gr_source_file},
    {"[", bf_gr_test},
    {"acpi", NULL},
    {"all_functional_test", NULL},
    {"appleloader", bf_gr_foreign},
    {"authenticate", NULL},
    {"background_color", NULL},
    {"background_image", drawing},
    {"badram", NULL},
    {"blocklist", NULL},
    {"bls_import", bf_gr_blscfg},
    {"blscfg", bf_gr_blscfg},
    {"boot", bf_gr_boot},
    {"break", stop_loop},
    {"btrfs-get-default-subvol", unseen},
    {"btrfs-list-subvols", NULL},
    {"btrfs-mount-subvol", NULL},
    {"cat", NULL},
    {"chainloader", bf_gr_chainloader},
    {"clear", NULL},
    {"cmosclean", NULL},
    {"cmosdump", NULL},
    {"cmosset", NULL},
    {"cmostest", unseen},
    {"cmp", unseen},
    {"configfile", bf_gr_configfile},
    {"continue", stop_loop},
    {"cpuid", yes},
    {"crc", NULL},
    {"cryptomount", NULL},
    {"cutmem", NULL},
    {"date", NULL},
    {"decrement", step},
    {"devicetree", bf_gr_devicetree},
    {"distrust", NULL},
    {"drivemap", NULL},
    {"echo", NULL},
    {"efiemu_loadcore", NULL},
    {"efitextmode", NULL},
    {"eval", eval},
    {"exit", bf_gr_leave},
    {"export", export},
    {"extract_entries_configfile", bf_gr_source_file},
    {"extract_entries_source", bf_gr_source_file},
    {"fakebios", NULL},
    {"false", no},
    {"fdtdump", NULL},
    {"file", unseen},
    {"fix_video", NULL},
    {"freedos", bf_gr_foreign},
    {"fwconfig", unseen},
    {"fwsetup", bf_gr_leave},
    {"gdbstub", NULL},
    {"getenv", unseen},
    {"getkey", ask},
    {"gettext", NULL},
    {"gptsync", NULL},
    {"halt", bf_gr_leave},
    {"hashsum", unseen},
    {"hdparm", NULL},
    {"hello", NULL},
    {"help", NULL},
    {"hexdump", NULL},
    {"hwmatch", unseen},
    {"inb", NULL},
    {"increment", step},
    {"initrd", bf_gr_initrd},
    {"initrd16", bf_gr_initrd},
    {"initrdefi", bf_gr_initrd},
    {"inl", NULL},
    {"insmod", insmod},
    {"inw", NULL},
    {"keymap", NULL},
    {"keystatus", no},
    {"kfreebsd", bf_gr_foreign},
    {"kfreebsd_loadenv", NULL},
    {"kfreebsd_module", NULL},
    {"kfreebsd_module_elf", NULL},
    {"knetbsd", bf_gr_foreign},
    {"knetbsd_module", NULL},
    {"knetbsd_module_elf", NULL},
    {"kopenbsd", bf_gr_foreign},
    {"kopenbsd_ramdisk", NULL},
    {"legacy_check_password", NULL},
    {"legacy_configfile", unseen},
    {"legacy_initrd", unseen},
    {"legacy_kernel", unseen},
    {"legacy_source", unseen},
    {"linux", bf_gr_linux},
    {"linux16", bf_gr_linux},
    {"linuxefi", bf_gr_linux},
    {"list_env", NULL},
    {"list_trusted", NULL},
    {"load_env", bf_gr_load_env},
    {"loadbios", NULL},
    {"loadfont", drawing},
    {"loadkeys", NULL},
    {"loopback", NULL},
    {"ls", NULL},
    {"lsacpi", NULL},
    {"lsapm", NULL},
    {"lscoreboot", NULL},
    {"lsefi", NULL},
    {"lsefimmap", NULL},
    {"lsefisystab", NULL},
    {"lsfonts", NULL},
    {"lsmmap", NULL},
    {"lsmod", NULL},
    {"lspci", NULL},
    {"lssal", NULL},
    {"macppcbless", NULL},
    {"mactelbless", NULL},
    {"md5sum", unseen},
    {"menuentry", bf_gr_menuentry},
    {"mktemp", NULL},
    {"module", bf_gr_module},
    {"module2", bf_gr_module},
    {"multiboot", bf_gr_multiboot},
    {"multiboot2", bf_gr_multiboot},
    {"nativedisk", NULL},
    {"net_add_addr", unseen},
    {"net_add_dns", unseen},
    {"net_add_route", unseen},
    {"net_bootp", unseen},
    {"net_bootp6", unseen},
    {"net_del_addr", NULL},
    {"net_del_dns", NULL},
    {"net_del_route", NULL},
    {"net_dhcp", unseen},
    {"net_get_dhcp_option", unseen},
    {"net_ipv6_autoconf", unseen},
    {"net_ls_addr", NULL},
    {"net_ls_cards", NULL},
    {"net_ls_dns", NULL},
    {"net_ls_routes", NULL},
    {"net_nslookup", unseen},
    {"net_set_vlan", unseen},
    {"normal", bf_gr_normal},
    {"normal_exit", bf_gr_leave},
    {"ntldr", bf_gr_foreign},
    {"outb", NULL},
    {"outl", NULL},
    {"outw", NULL},
    {"parttool", NULL},
    {"password", NULL},
    {"password_pbkdf2", NULL},
    {"pause", NULL},
    {"pcidump", NULL},
    {"plan9", bf_gr_foreign},
    {"play", NULL},
    {"pop_env", NULL},
    {"poweroff", bf_gr_leave},
    {"probe", bf_gr_probe},
    {"pxechainloader", bf_gr_foreign},
    {"random", unseen},
    {"rdmsr", unseen},
    {"read", ask},
    {"read_byte", unseen},
    {"read_dword", unseen},
    {"read_word", unseen},
    {"reboot", bf_gr_leave},
    {"regexp", regexp},
    {"return", return_from},
    {"rmmod", NULL},
    {"save_env", NULL},
    {"search", bf_gr_search},
    {"search.file", bf_gr_search},
    {"search.fs_label", bf_gr_search},
    {"search.fs_uuid", bf_gr_search},
    {"sendkey", NULL},
    {"serial", NULL},
    {"set", set},
    {"setparams", setparams},
    {"setpci", NULL},
    {"sha1sum", unseen},
    {"sha256sum", unseen},
    {"sha512sum", unseen},
    {"shift", shift},
    {"sleep", NULL},
    {"smbios", unseen},
    {"source", bf_gr_source_file},
    {"spkmodem", NULL},
    {"stat", NULL},
    {"submenu", bf_gr_submenu},
    {"suspend", NULL},
    {"syslinux_configfile", unseen},
    {"syslinux_source", unseen},
    {"terminal_input", NULL},
    {"terminal_output", NULL},
    {"terminfo", NULL},
    {"test", bf_gr_test},
    {"test_blockarg", NULL},
    {"testload", NULL},
    {"testspeed", NULL},
    {"time", NULL},
    {"tr", unseen},
    {"true", yes},
    {"truecrypt", bf_gr_foreign},
    {"trust", NULL},
    {"unset", unset},
    {"usb", NULL},
    {"vbeinfo", NULL},
    {"vbetest", NULL},
    {"verify_detached", unseen},
    {"version", NULL},
    {"videoinfo", NULL},
    {"videotest", NULL},
    {"write_byte", NULL},
    {"write_dword", NULL},
    {"write_word", NULL},
    {"wrmsr", NULL},
    {"xen_hypervisor", bf_gr_multiboot},
    {"xen_initrd", bf_gr_module},
    {"xen_linux", bf_gr_module},
    {"xen_module", bf_gr_module},
    {"xen_xsm", NULL},
    {"xnu_kernel", bf_gr_foreign},
    {"xnu_kernel64", bf_gr_foreign},
    {"xnu_resume", bf_gr_foreign},
    {"zfs-bootfs", unseen},
    {"zfsinfo", NULL},
    {"zfskey", NULL},
};

static int by_name(const void *key, const void *row)
{
    return strcmp(key, ((const struct bf_gr_command *)row)->name);
}

const struct bf_gr_command *bf_gr_command(const char *name)
{
    return bsearch(name, commands, BF_COUNT(commands), sizeof commands[0], by_name);
}
