// SPDX-License-Identifier: Apache-2.0
// Finds what loaders name. One reader goes over all their files, since their words agree: "linux",
// "kernel", "image" and "loader" name a kernel, "initrd" an initramfs, "module" what a hypervisor
// starts, and initrd= on a command line an initramfs, too. A command ends at a line's end, and in
// GRUB's language also at ";", "{" and "}". (GRUB's manual, "Commands"; the Boot Loader
// Specification; syslinux's and rEFInd's documentation; lilo.conf(5); the Raspberry Pi's
// config.txt.)
#include "finalize/initramfs/named.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define WORD     256
#define VARS_MAX 32

struct reader {
    struct bf_fin *f;
    struct bf_named_list *out;
    const char *config;
    bool grub; // it is GRUB's language
    struct {
        char name[32], value[WORD];
    } var[VARS_MAX];
    size_t vars;
    struct bf_named_kernel now; // the entry at work
    bool open;                  // it has something
    bool hypervisor;            // what was named first is none of ours, modules follow
    size_t begun;               // entries of the list before this file
};

static void finish(struct reader *r)
{
    struct bf_named_list *l = r->out;
    if (r->open && r->now.kernel[0] && l->count < BF_NAMED_MAX) {
        r->now.first = l->count == r->begun;
        l->item[l->count++] = r->now;
    }
    r->now = (struct bf_named_kernel){.count = 0};
    r->open = r->hypervisor = false;
}

static void name_kernel(struct reader *r, const char *word)
{
    if (r->open && r->now.kernel[0])
        finish(r);
    r->open = true;
    bf_named_find(r->f, r->config, word, r->now.kernel, sizeof r->now.kernel);
}

static void name_initramfs(struct reader *r, const char *word)
{
    struct bf_named_kernel *n = &r->now;
    r->open = true;
    if (n->count < BF_NAMED_INITRDS &&
        bf_named_find(r->f, r->config, word, n->initramfs[n->count], sizeof n->initramfs[0]))
        n->count++;
    else
        n->hidden = true;
}

// A list with commas, as syslinux and lilo have it.
static void name_list(struct reader *r, const char *list)
{
    char word[WORD];
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        if (word[0])
            name_initramfs(r, word);
        at += n + (at[n] == ',');
    }
}

static void name_module(struct reader *r, const char *word)
{
    if (!r->hypervisor)
        r->now.kernel[0] = 0; // what "kernel" named before was the hypervisor
    bool kernel = !r->hypervisor;
    r->hypervisor = true;
    if (kernel)
        name_kernel(r, word);
    else
        name_initramfs(r, word);
}

static bool is_any(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(word, *list) == 0)
            return true;
    return false;
}

// Names of modules that the command line keeps from being loaded.
static void block(struct reader *r, const char *word, size_t len)
{
    static const char *const key[] = {
        "modprobe.blacklist=", "module_blacklist=", "rd.driver.blacklist=", "driver_blacklist="};
    for (size_t i = 0; i < BF_COUNT(key); i++) {
        size_t n = strlen(key[i]), have = strlen(r->now.blocked);
        if (len > n && memcmp(word, key[i], n) == 0)
            snprintf(r->now.blocked + have, sizeof r->now.blocked - have, "%s%.*s", have ? "," : "",
                     (int)(len - n), word + n);
    }
}

// A word of a command line, or a quoted one that is all of it.
static void options(struct reader *r, const char *text)
{
    const char *at = text, *end = text + strlen(text), *word;
    char list[WORD];
    size_t len;
    while (bf_word_next(&at, end, &word, &len)) {
        block(r, word, len);
        if (len > 7 && memcmp(word, "initrd=", 7) == 0) {
            snprintf(list, sizeof list, "%.*s", (int)len - 7, word + 7);
            name_list(r, list);
        }
    }
}

// One further word of a command whose first is `key`; `n` counts from 1.
static void argument(struct reader *r, const char *key, size_t n, const char *word)
{
    static const char *const kernel[] = {"linux", "linux16", "linuxefi", "kernel",
                                         "image", "loader",  NULL};
    static const char *const initrd[] = {"initrd",  "initrd16",  "initrdefi",
                                         "ramdisk", "initramfs", NULL};
    static const char *const module[] = {"module", "module2", NULL};
    bool option = word[0] == '-';
    if (is_any(key, kernel) && n == 1 && !option)
        name_kernel(r, word);
    else if (is_any(key, initrd) && !option && strcasecmp(word, "followkernel") != 0)
        name_list(r, word);
    else if (is_any(key, module) && n == 1 && !option)
        name_module(r, word);
    else if (r->open)
        options(r, word);
}

// A value with the variables that the file has set; what is not known stays as it is written.
static void expand(const struct reader *r, const char *in, char *out, size_t size)
{
    size_t n = 0;
    while (*in && n + 1 < size) {
        size_t brace = in[0] == '$' && in[1] == '{', len = 0, i;
        const char *name = in + 1 + brace;
        while (in[0] == '$' && (isalnum((unsigned char)name[len]) || name[len] == '_'))
            len++;
        for (i = 0; len && i < r->vars; i++)
            if (bf_word_is(name, len, r->var[i].name))
                break;
        if (len == 0 || i == r->vars) {
            out[n++] = *in++;
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "%s", r->var[i].value);
        n = n < size ? n : size - 1;
        in = name + len + (brace && name[len] == '}');
    }
    out[n] = 0;
}

static void assign(struct reader *r, const char *name, size_t len, const char *value)
{
    size_t i = 0;
    while (i < r->vars && !bf_word_is(name, len, r->var[i].name))
        i++;
    if (i == VARS_MAX || len >= sizeof r->var[0].name)
        return;
    r->vars += i == r->vars;
    snprintf(r->var[i].name, sizeof r->var[i].name, "%.*s", (int)len, name);
    snprintf(r->var[i].value, sizeof r->var[i].value, "%.255s", value);
}

static bool ends_command(const struct reader *r, char c)
{
    return c == '\n' || (r->grub && (c == ';' || c == '{' || c == '}'));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// Cuts the next word, with its quotes taken off; false at the end of the command.
static bool next_word(const struct reader *r, const char **at, const char *end, char *out)
{
    size_t n = 0;
    char quote = 0;
    while (*at < end && is_blank(**at))
        ++*at;
    if (*at == end || ends_command(r, **at))
        return false;
    bool brace = false;
    for (; *at < end && (quote || brace || !(is_blank(**at) || ends_command(r, **at))); ++*at) {
        char c = **at;
        if (c == '\n')
            break;
        brace = brace ? c != '}' : c == '$' && *at + 1 < end && (*at)[1] == '{';
        if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (quote && c == quote)
            quote = 0;
        else if (n + 1 < WORD && c)
            out[n++] = c;
    }
    out[n] = 0;
    return true;
}

// key=value is two words outside GRUB's language, and an assignment in it.
static void command(struct reader *r, const char **at, const char *end)
{
    static const char *const keyword[] = {"if",    "then", "else", "elif", "while",
                                          "until", "do",   "!",    NULL};
    char word[WORD], key[WORD] = "", value[WORD];
    for (size_t n = 0; next_word(r, at, end, word); n++) {
        expand(r, word, value, sizeof value);
        char *equals = n == 0 || (n == 1 && strcmp(key, "set") == 0) ? strchr(value, '=') : NULL;
        if (n == 0 && value[0] == '#') {
            while (*at < end && **at != '\n')
                ++*at;
            return;
        }
        if (equals && r->grub) {
            assign(r, value, (size_t)(equals - value), equals + 1);
        } else if (equals) {
            snprintf(key, sizeof key, "%.*s", (int)(equals - value), value);
            if (equals[1])
                argument(r, key, 1, equals + 1);
        } else if (n == 0) {
            snprintf(key, sizeof key, "%s", value);
            if (r->grub && is_any(key, keyword))
                n = (size_t)-1; // a command follows
            if (strncasecmp(key, "multiboot", 9) == 0)
                finish(r);
        } else if (strcmp(value, "=") == 0) {
            n--;
        } else {
            argument(r, key, n, value);
        }
    }
}

// What "load_env" would read: the environment block beside the file, and Photon's.
static void load_variables(struct reader *r)
{
    char path[512];
    const char *slash = strrchr(r->config, '/');
    snprintf(path, sizeof path, "%.*s/grubenv", (int)(slash - r->config), r->config);
    const char *const file[] = {path, "/boot/photon.cfg"};
    for (size_t i = 0; i < BF_COUNT(file); i++) {
        struct bf_line line;
        char value[WORD];
        size_t len, pos = 0;
        const char *text = bf_edits_get(&r->f->edits, file[i], &len, NULL);
        while (text && bf_line_next(text, len, &pos, &line)) {
            const char *equals = memchr(line.at, '=', line.len);
            size_t n = equals ? line.len - (size_t)(equals + 1 - line.at) : 0;
            snprintf(value, sizeof value, "%.*s", n < WORD ? (int)n : 0, equals ? equals + 1 : "");
            if (equals && line.at[0] != '#')
                assign(r, line.at, (size_t)(equals - line.at), value);
        }
    }
}

static void read_config(struct bf_fin *f, const char *config, bool grub, struct bf_named_list *out)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, config, &len, NULL);
    struct reader *r = text ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return;
    *r = (struct reader){.f = f, .out = out, .config = config, .grub = grub, .begun = out->count};
    if (grub)
        load_variables(r);
    text = bf_edits_get(&f->edits, config, &len, NULL); // where it is now
    for (const char *at = text, *end = text + len; text && at < end; at++)
        command(r, &at, end);
    finish(r);
    free(r);
}

static void read_folder(struct bf_fin *f, const char *dir, struct bf_named_list *out)
{
    struct bf_names names;
    char path[512];
    size_t begun = out->count;
    if (bf_edits_list(&f->edits, dir, ".conf", &names))
        return;
    // The newest entry comes first in the menu, and is what is started.
    for (size_t i = names.count; i-- > 0;) {
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        size_t before = out->count;
        read_config(f, path, false, out);
        for (size_t k = before; k < out->count; k++)
            out->item[k].first = k == begun;
    }
    bf_names_free(&names);
}

// The folders of vendors on an EFI system partition.
static void read_vendors(struct bf_fin *f, const char *efi, struct bf_named_list *out)
{
    static const struct {
        const char *name;
        bool grub;
    } files[] = {
        {"grub.cfg", true}, {"refind.conf", false}, {"elilo.conf", false}, {"syslinux.cfg", false}};
    struct bf_names names;
    char path[512];
    if (bf_edits_list(&f->edits, efi, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        for (size_t k = 0; k < BF_COUNT(files); k++) {
            snprintf(path, sizeof path, "%s/%.250s/%s", efi, names.name[i], files[k].name);
            read_config(f, path, files[k].grub, out);
        }
    bf_names_free(&names);
}

void bf_named_load(struct bf_fin *f, struct bf_named_list *out)
{
    static const char *const grub[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
                                       "/boot/grub/custom.cfg", "/boot/grub2/custom.cfg"};
    static const char *const folder[] = {"/boot/loader/entries", "/boot/efi/loader/entries",
                                         "/efi/loader/entries"};
    static const char *const efi[] = {"/boot/efi/EFI", "/efi/EFI", "/boot/EFI"};
    static const char *const plain[] = {"/boot/extlinux/extlinux.conf",
                                        "/boot/extlinux.conf",
                                        "/extlinux.conf",
                                        "/boot/syslinux/syslinux.cfg",
                                        "/boot/syslinux.cfg",
                                        "/boot/efi/syslinux.cfg",
                                        "/boot/grub/menu.lst",
                                        "/boot/grub/grub.conf",
                                        "/etc/lilo.conf",
                                        "/etc/zipl.conf",
                                        "/boot/firmware/config.txt",
                                        "/boot/config.txt"};
    out->count = 0;
    out->item = calloc(BF_NAMED_MAX, sizeof *out->item);
    if (!out->item)
        return;
    for (size_t i = 0; i < BF_COUNT(grub); i++)
        read_config(f, grub[i], true, out);
    for (size_t i = 0; i < BF_COUNT(folder); i++)
        read_folder(f, folder[i], out);
    for (size_t i = 0; i < BF_COUNT(efi); i++)
        read_vendors(f, efi[i], out);
    for (size_t i = 0; i < BF_COUNT(plain); i++)
        read_config(f, plain[i], false, out);
}

void bf_named_free(struct bf_named_list *list)
{
    free(list->item);
    *list = (struct bf_named_list){0};
}
