// SPDX-License-Identifier: Apache-2.0
// /etc/default/grub and grub.d: shell files of which update-grub makes the kernels' command lines.
// Statements are found by the shell's rules, whatever stands before or in them, and only words of a
// value change: old options never go.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/grub.h"
#include "finalize/boot/lines.h"
#include "finalize/core/shvar.h"
#include "finalize/system/stable.h"

#define ALL "GRUB_CMDLINE_LINUX" // goes to every entry

static bool is_cmdline(const char *key)
{
    static const char *const keys[] = {ALL, ALL "_DEFAULT", ALL "_RECOVERY", ALL "_XEN_REPLACE",
                                       ALL "_XEN_REPLACE_DEFAULT"};
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

// A statement that gives a command line a value, or adds to it.
struct setting {
    char key[BF_SHVAR_KEY];
    const char *value; // without its quotes
    size_t len;
    char quote; // 0: it has none
    bool adds;  // NAME+=, or the value names the variable itself
};

// NAME+=value, which is code for the reader of assignments.
static bool read_addition(const struct bf_shvar *sv, struct setting *s)
{
    const char *at = sv->line.at, *end = at + sv->line.len, *word;
    size_t len;
    if (!bf_word_next(&at, end, &word, &len))
        return false;
    if (bf_word_is(word, len, "export") && !bf_word_next(&at, end, &word, &len))
        return false;
    const char *plus = memmem(word, (size_t)(end - word), "+=", 2);
    if (!plus || (size_t)(plus - word) >= sizeof s->key)
        return false;
    snprintf(s->key, sizeof s->key, "%.*s", (int)(plus - word), word);
    s->value = plus + 2;
    s->len = (size_t)(end - s->value);
    while (s->len && strchr(" \t\r", s->value[s->len - 1]))
        s->len--;
    s->adds = true;
    return is_cmdline(s->key);
}

// Takes the quotes off. False for a value of several parts.
static bool unquote(struct setting *s)
{
    char q = s->len ? s->value[0] : 0;
    s->quote = q == '"' || q == '\'' ? q : 0;
    if (!s->quote)
        return !memchr(s->value, '"', s->len) && !memchr(s->value, '\'', s->len) &&
               !memchr(s->value, ' ', s->len);
    for (size_t i = 1; i < s->len; i++) {
        if (s->value[i] == '\\' && q == '"')
            i++;
        else if (s->value[i] == q && i + 1 != s->len)
            return false;
    }
    if (s->len < 2 || s->value[s->len - 1] != q)
        return false;
    s->value++;
    s->len -= 2;
    return true;
}

static bool read_setting(const struct bf_shvar *sv, struct setting *s)
{
    *s = (struct setting){.len = 0};
    if (sv->kind == BF_SHVAR_CODE)
        return read_addition(sv, s);
    if (sv->kind != BF_SHVAR_SET || !is_cmdline(sv->key))
        return false;
    snprintf(s->key, sizeof s->key, "%s", sv->key);
    s->value = sv->value;
    s->len = sv->value_len;
    return true;
}

static bool names_itself(const struct setting *s)
{
    return memmem(s->value, s->len, "$" ALL, strlen("$" ALL)) ||
           memmem(s->value, s->len, "${" ALL, strlen("${" ALL));
}

static void rewrite_setting(struct bf_fin *f, const struct bf_shvar *sv, struct setting *s,
                            const char *path, struct bf_text *out)
{
    struct bf_text value = {0};
    s->adds = s->adds || names_itself(s);
    bool console = strcmp(s->key, ALL) == 0 && !s->adds;
    bf_cmdline_rewrite(f, s->value, s->len, path, console, &value);
    const char *end = sv->line.at + sv->line.full, *rest = s->value + s->len;
    if (bf_lines_same(&value, s->value, s->len)) {
        bf_text_add(out, sv->line.at, sv->line.full);
    } else {
        bf_text_add(out, sv->line.at, (size_t)(s->value - sv->line.at));
        bf_text_str(out, s->quote ? "" : "\"");
        bf_text_add(out, bf_text_get(&value), value.len);
        bf_text_str(out, s->quote ? "" : "\"");
        bf_text_add(out, rest, (size_t)(end - rest));
    }
    bf_text_free(&value);
}

// What is known of the variable once the file was gone over.
struct seen {
    bool mentioned; // some statement speaks of it
    bool console;   // a value has the serial console, or got it
};

// Whether the text speaks of the variable itself, and not of one whose name goes on.
static bool speaks_of_all(const char *text, size_t len)
{
    const char *end = text + len;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), ALL, strlen(ALL)));) {
        at += strlen(ALL);
        if (at == end || *at != '_')
            return true;
    }
    return false;
}

// GRUB_DEVICE=/dev/sda2: what update-grub asks grub-probe about, which knows files of devices only.
static bool rewrite_device(struct bf_fin *f, const struct bf_shvar *sv, const char *path,
                           struct bf_text *out)
{
    char name[256], stable[128];
    bool root = bf_shvar_is(sv, "GRUB_DEVICE");
    if (!(root || bf_shvar_is(sv, "GRUB_DEVICE_BOOT")) || !bf_shvar_value(sv, name, sizeof name) ||
        bf_stable_name(f, name, "", root ? "/" : "", path, stable, sizeof stable) !=
            BF_STABLE_NEW ||
        strncmp(stable, "UUID=", 5) != 0)
        return false;
    const char *rest = sv->value + sv->value_len, *end = sv->line.at + sv->line.full;
    bf_text_add(out, sv->line.at, (size_t)(sv->value - sv->line.at));
    bf_textf(out, "/dev/disk/by-uuid/%s", stable + 5);
    bf_text_add(out, rest, (size_t)(end - rest));
    return true;
}

static void rewrite_statement(struct bf_fin *f, const struct bf_shvar *sv, const char *path,
                              struct seen *seen, struct bf_text *out)
{
    struct setting s;
    char value[16];
    bool code = sv->kind != BF_SHVAR_NONE;
    bool about = code && memmem(sv->line.at, sv->line.len, ALL, strlen(ALL));
    seen->mentioned = seen->mentioned || (code && speaks_of_all(sv->line.at, sv->line.len));
    if (bf_shvar_is(sv, "GRUB_DISABLE_LINUX_UUID") && bf_shvar_value(sv, value, sizeof value) &&
        strcmp(value, "true") == 0) {
        bf_textf(out, "#%.*s", (int)sv->line.full, sv->line.at);
        return;
    }
    if (rewrite_device(f, sv, path, out))
        return;
    bool known = read_setting(sv, &s), whole = known && unquote(&s);
    if (about && !whole)
        bf_note(f->report, "skipped", path, "line %u: a kernel command line is made by a program",
                sv->number);
    if (!whole) {
        bf_text_add(out, sv->line.at, sv->line.full);
        return;
    }
    size_t mark = out->len;
    const char *console = bf_cmdline_console(f);
    rewrite_setting(f, sv, &s, path, out);
    if (strcmp(s.key, ALL) == 0 && bf_text_ok(out) && out->len > mark)
        seen->console = seen->console ||
                        memmem(out->data + mark, out->len - mark, console, strcspn(console, ","));
}

// Whether a shell would read the last line as an assignment: behind a quote that is not closed it
// would not.
static bool is_read(const struct bf_text *out)
{
    struct bf_shvar sv;
    bool last = false;
    bf_shvar_init(&sv, bf_text_get(out), out->len);
    while (bf_shvar_next(&sv))
        last = bf_shvar_is(&sv, ALL);
    return last;
}

// Without the variable, update-grub would drop the console again. What may have a value keeps it.
static void add_console(struct bf_fin *f, const char *path, struct bf_text *out,
                        const struct seen *seen)
{
    size_t mark = out->len;
    if (out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
    bf_textf(out, ALL "=\"%s", seen->mentioned ? "$" ALL " " : "");
    bf_cmdline_add_console(f, "", 0, out);
    bf_text_str(out, "\"\n");
    if (!bf_text_ok(out) || is_read(out))
        return;
    out->data[out->len = mark] = 0;
    bf_note(f->report, "skipped", path, "is a program, in which " ALL " cannot be set");
}

// `main_file` is a bool: a file of grub.d adds nothing.
static enum bf_err rewrite_file(struct bf_fin *f, const char *path, void *main_file)
{
    size_t len;
    struct bf_shvar sv;
    struct seen seen = {false, false};
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    bf_shvar_init(&sv, text, len);
    while (bf_shvar_next(&sv))
        rewrite_statement(f, &sv, path, &seen, &out);
    if (*(bool *)main_file && f->plan->serial_console == BF_ON && !seen.console && bf_text_ok(&out))
        add_console(f, path, &out, &seen);
    err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err ? err : bf_grub_default_terminal(f, path, *(bool *)main_file);
}

enum bf_err bf_grub_defaults(struct bf_fin *f)
{
    bool main_file = true, further = false;
    enum bf_err err = rewrite_file(f, "/etc/default/grub", &main_file);
    return err ? err : bf_fin_each(f, "/etc/default/grub.d", ".cfg", rewrite_file, &further);
}
