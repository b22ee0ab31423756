// SPDX-License-Identifier: Apache-2.0
// udev rules that name interfaces: NAME= by the MAC address (udev(7)), in one line or several. A
// udev that knows no .link files gets rules as its own write_net_rules writes them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/network/naming.h"

#define OWN "/etc/udev/rules.d/70-persistent-net.rules"

struct token {
    char key[32]; // with its attribute: ATTR{address}
    char op[3];
    const char *value; // not terminated
    size_t len;
};

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && strchr(" \t\r\n,\\", **at))
        ++*at;
}

// The next KEY{attribute}OP"value" of [*at, end); false at the end or where udev would give up.
static bool next_token(const char **at, const char *end, struct token *t)
{
    skip_blanks(at, end);
    const char *key = *at;
    while (*at < end && !strchr("=!+-:\" \t", **at))
        ++*at;
    snprintf(t->key, sizeof t->key, "%.*s", (int)(*at - key), key);
    skip_blanks(at, end);
    size_t n = 0;
    while (*at < end && strchr("=!+-:", **at)) {
        if (n < 2)
            t->op[n++] = **at;
        ++*at;
    }
    t->op[n] = 0;
    skip_blanks(at, end);
    if (*at < end && (**at == 'i' || **at == 'e'))
        ++*at;
    if (*at >= end || **at != '"' || !n || key == *at)
        return false;
    t->value = ++*at;
    while (*at < end && **at != '"')
        *at += **at == '\\' && *at + 1 < end ? 2 : 1;
    t->len = (size_t)(*at - t->value);
    return (*at)++ < end;
}

// What one rule is made of.
struct rule {
    struct bf_named named;
    char mac[BF_MACS_OF_RULE][BF_MAC_TEXT];
    size_t macs;
    bool other; // it is about something else than a network interface that appears
};

// "52:54:00:00:00:01|52:54:00:00:00:02"
static void take_macs(struct rule *r, const char *at, size_t len)
{
    const char *end = at + len;
    while (at < end && r->macs < BF_MACS_OF_RULE) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        size_t n = (size_t)((bar ? bar : end) - at);
        if (bf_naming_mac(at, n, r->mac[r->macs]))
            r->macs++;
        at += n + 1;
    }
}

static bool is_one_of(const char *key, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(key, *list) == 0)
            return true;
    return false;
}

static void take_token(struct rule *r, const struct token *t)
{
    static const char *const address[] = {"ATTR{address}", "ATTRS{address}", "SYSFS{address}",
                                          NULL};
    // They hold for any network card of the new home.
    static const char *const loose[] = {"SUBSYSTEM", "ACTION", "ATTR{type}", "ATTR{dev_id}",
                                        "NAME",      "LABEL",  "OPTIONS",    NULL};
    bool equals = strcmp(t->op, "==") == 0;
    if (is_one_of(t->key, address) && equals)
        take_macs(r, t->value, t->len);
    else if (strcmp(t->key, "SUBSYSTEM") == 0 && equals)
        r->other = r->other || !bf_word_is(t->value, t->len, "net");
    else if (strcmp(t->key, "ACTION") == 0 && equals)
        r->other = r->other || bf_word_is(t->value, t->len, "remove");
    else if (strcmp(t->key, "NAME") == 0 && (strcmp(t->op, "=") == 0 || strcmp(t->op, ":=") == 0)) {
        bf_net_copy(r->named.name, sizeof r->named.name, t->value, t->len);
        r->named.final = t->op[0] == ':';
    } else if (strcmp(t->key, "KERNEL") == 0 && equals && t->len && t->value[t->len - 1] == '*') {
        return; // any that the kernel calls eth...
    } else if ((equals || strcmp(t->op, "!=") == 0) && !is_one_of(t->key, loose) &&
               !bf_word_is(t->value, t->len, "?*"))
        r->named.tied = true;
}

static void take_rule(struct bf_naming *naming, const char *path, unsigned line, const char *at,
                      const char *end)
{
    struct rule r = {.named = {.rule = true, .line = line}};
    struct token t;
    while (next_token(&at, end, &t))
        take_token(&r, &t);
    if (r.other || !bf_naming_is_plain(r.named.name))
        return;
    snprintf(r.named.file, sizeof r.named.file, "%.255s", path);
    if (!r.macs && r.named.tied)
        bf_naming_add(naming, &r.named);
    for (size_t i = 0; i < r.macs; i++) {
        memcpy(r.named.mac, r.mac[i], sizeof r.named.mac);
        bf_naming_add(naming, &r.named);
    }
}

static bool is_comment(const struct bf_line *line)
{
    size_t i = 0;
    while (i < line->len && strchr(" \t", line->at[i]))
        i++;
    return i < line->len && line->at[i] == '#';
}

static bool goes_on(const struct bf_line *line)
{
    size_t len = line->len;
    if (len && line->at[len - 1] == '\r')
        len--;
    return len && line->at[len - 1] == '\\';
}

// Of a rule over several lines the backslashes and line ends stand between tokens, as blanks.
static enum bf_err scan_file(struct bf_fin *f, const char *path, const char *text, size_t len,
                             void *arg)
{
    struct bf_line line;
    size_t pos = 0;
    unsigned number = 0;
    (void)f;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *start = line.at, *end = line.at + line.len;
        unsigned first = ++number;
        if (is_comment(&line))
            continue;
        while (goes_on(&line) && bf_line_next(text, len, &pos, &line)) {
            end = line.at + line.len;
            number++;
        }
        take_rule(arg, path, first, start, end);
    }
    return BF_OK;
}

void bf_rules_scan(struct bf_fin *f, struct bf_naming *naming)
{
    bf_naming_each(f, bf_rule_folders, ".rules", scan_file, naming);
}

// ---- Rules for a udev without .link files -------------------------------------------------------

static bool is_named(const struct bf_naming *naming, const struct bf_link *link)
{
    const struct bf_named *n = bf_naming_of(naming, bf_naming_new_mac(link));
    return n && n->rule && !n->tied && strcmp(n->name, link->name) == 0;
}

// eudev that was built without its rule generator gives up where the name is taken, as systemd's
// udev does; the others take a name in between (rename_netif of udev 147 to 196).
static void warn_of_swap(struct bf_fin *f, const struct bf_link *link)
{
    static const char *const swaps[] = {"/lib/udev/write_net_rules",
                                        "/usr/lib/udev/write_net_rules", "/lib/udev/rename_device",
                                        NULL};
    if (bf_naming_is_kernels(link->name) && !bf_fin_root_any(f->root, swaps))
        bf_note(f->report, "warning", link->name,
                "udev here may not exchange names of the kernel's kind: give the network cards of "
                "the new machine the order that they had");
}

static void add_rule(struct bf_text *out, const struct bf_link *link, bool first)
{
    if (first)
        bf_text_str(out, "# Written by bootferry-finalize\n");
    bf_textf(out,
             "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"%s\", "
             "ATTR{type}==\"1\", NAME=\"%s\"\n",
             bf_naming_new_mac(link), link->name);
}

// Red Hat's scripts name a card by HWADDR in its ifcfg file, which follows the plan. The udev of
// RHEL 5 would not know the keys of a rule of ours; that of RHEL 6 writes such rules itself.
static bool names_by_hwaddr(struct bf_fin *f)
{
    static const char *const scripts[] = {"/lib/udev/rename_device", "/usr/lib/udev/rename_device",
                                          "/etc/udev/rules.d/60-net.rules", NULL};
    static const char *const generator[] = {
        OWN, "/lib/udev/rules.d/75-persistent-net-generator.rules",
        "/usr/lib/udev/rules.d/75-persistent-net-generator.rules",
        "/etc/udev/rules.d/75-persistent-net-generator.rules", NULL};
    return bf_fin_root_any(f->root, scripts) && !bf_fin_root_any(f->root, generator);
}

enum bf_err bf_rules_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_text out = {0};
    if (names_by_hwaddr(f))
        return BF_OK;
    struct bf_naming *naming = calloc(1, sizeof *naming);
    size_t len, cards = bf_naming_cards(f, link, links);
    if (!naming)
        return bf_fail(f->report, "out of memory");
    bf_rules_scan(f, naming);
    const char *text = bf_edits_get(&f->edits, OWN, &len, NULL);
    bf_text_add(&out, text ? text : "", len);
    if (len && text[len - 1] != '\n')
        bf_text_str(&out, "\n");
    size_t before = out.len;
    for (size_t i = 0; i < links; i++) {
        if (!bf_naming_keeps(f, &link[i]) || !bf_naming_new_mac(&link[i])[0])
            continue;
        if (cards > 1)
            warn_of_swap(f, &link[i]);
        if (!is_named(naming, &link[i]))
            add_rule(&out, &link[i], out.len == before);
    }
    enum bf_err err = BF_OK;
    if (out.len != before)
        err = bf_fin_set(f, OWN, &out, "keeps the interface's name");
    bf_text_free(&out);
    free(naming);
    return err;
}
