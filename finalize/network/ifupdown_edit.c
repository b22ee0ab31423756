// SPDX-License-Identifier: Apache-2.0
// Rewrites an interface's stanzas in interfaces(5): they are replaced where the first of them
// stood, in whichever file; everything else keeps its bytes. Options that have nothing to do with
// addresses (bridge ports, MTU, Wi-Fi, scripts) move into the new stanza, also those that were
// inherited. Aliases ("eth0:1") are old addresses of the interface and go with them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/network/ifupdown.h"
#include "finalize/network/ifupdown_write.h"
#include "finalize/network/network.h"

#define INHERIT_MAX 8
#define PLACE(c, l) (c)->file[(c)->line[l].file].path, (c)->line[l].number

static int shown(struct bf_slice s)
{
    return (int)(s.len < 160 ? s.len : 160);
}

// ---- What is the interface's --------------------------------------------------------------------

static bool is_carrier(const struct bf_ifup_rewrite *rw, struct bf_slice physical)
{
    if (bf_ifup_is_pattern(physical))
        return bf_word_is(physical.at, physical.len < 4 ? 0 : 4, "mac/") &&
               (bf_ifup_matches(physical, "", rw->link->old_mac) ||
                bf_ifup_matches(physical, "", bf_nic_mac(rw->link->nic)));
    return bf_slice_is(bf_ifup_device(physical), rw->link->carrier);
}

static bool is_label(struct bf_slice physical)
{
    return bf_ifup_device(physical).len < physical.len;
}

static bool is_mine(const struct bf_ifup_rewrite *rw, const struct bf_ifup_stanza *s, bool *label)
{
    size_t at = 0;
    struct bf_slice physical;
    while (bf_ifup_physical(rw->c, s, &at, &physical))
        if (is_carrier(rw, physical)) {
            *label = is_label(physical);
            return true;
        }
    return false;
}

static enum bf_err take_logical(struct bf_ifup_rewrite *rw, const struct bf_ifup_up *up)
{
    const struct bf_ifup *c = rw->c;
    rw->automatic = true;
    if (rw->logical.len && !bf_slice_same(rw->logical, up->logical))
        return bf_refuse(rw->f->report,
                         "ifupdown: %s, line %u: %s is brought up as %.*s and as %.*s; leave one",
                         PLACE(c, up->line), rw->link->carrier, shown(rw->logical), rw->logical.at,
                         shown(up->logical), up->logical.at);
    rw->logical = up->logical;
    for (size_t i = 0; i < c->ups; i++)
        if (bf_slice_same(c->up[i].logical, up->logical) &&
            !is_carrier(rw, bf_ifup_renamed(c, c->up[i].physical)))
            return bf_refuse(rw->f->report,
                             "ifupdown: %s, line %u: %.*s gets the stanza %.*s, too, which would "
                             "be rewritten for %s; give each a stanza of its own",
                             PLACE(c, c->up[i].line), shown(c->up[i].physical),
                             c->up[i].physical.at, shown(up->logical), up->logical.at,
                             rw->link->carrier);
    return BF_OK;
}

// A pattern that means the interface among others: its own stanza goes before it.
static enum bf_err take_pattern(struct bf_ifup_rewrite *rw, const struct bf_ifup_up *up)
{
    const struct bf_ifup *c = rw->c;
    if (memchr(up->physical.at, '[', up->physical.len))
        return bf_refuse(rw->f->report,
                         "ifupdown: %s, line %u: the range %.*s may mean %s; give it a stanza of "
                         "its own",
                         PLACE(c, up->line), shown(up->physical), up->physical.at,
                         rw->link->carrier);
    if (bf_slice_same(up->physical, up->logical)) {
        rw->automatic = true;
        return BF_OK;
    }
    rw->before = up->line + 1;
    rw->pattern = up->logical;
    return BF_OK;
}

// Finds the logical interface that the carrier is brought up as; without any, it is its own name.
static enum bf_err find_logical(struct bf_ifup_rewrite *rw)
{
    const struct bf_ifup *c = rw->c;
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < c->ups && !err; i++) {
        struct bf_slice physical = bf_ifup_renamed(c, c->up[i].physical);
        bool mine = is_carrier(rw, physical);
        if (mine && !is_label(physical))
            err = take_logical(rw, &c->up[i]);
        else if (!mine && !rw->automatic && !rw->before && bf_ifup_is_pattern(physical) &&
                 bf_ifup_matches(physical, rw->link->carrier, rw->link->old_mac))
            err = take_pattern(rw, &c->up[i]);
        rw->alias[c->up[i].line] |= mine && is_label(physical);
    }
    if (rw->automatic)
        rw->before = rw->pattern.len = 0;
    if (!rw->logical.len)
        rw->logical = (struct bf_slice){rw->link->carrier, strlen(rw->link->carrier)};
    if (!err && !rw->logical.len)
        err = bf_refuse(rw->f->report,
                        "ifupdown: no stanza is known for the interface with the "
                        "MAC address %s; add match.name to the plan",
                        rw->link->old_mac);
    return err;
}

// ---- What goes ----------------------------------------------------------------------------------

static enum bf_err check_method(struct bf_ifup_rewrite *rw, const struct bf_ifup_stanza *s)
{
    static const char *const known[] = {"static", "manual", "dhcp", "auto", "bootp",
                                        "none",   "ipv4ll", "",     NULL};
    char method[16] = "?";
    if (s->method.len < sizeof method)
        snprintf(method, sizeof method, "%.*s", (int)s->method.len, s->method.at);
    if (rw->c->variant == BF_IFUP_NG || bf_ifup_in(method, known))
        return BF_OK;
    return bf_refuse(
        rw->f->report,
        "ifupdown: %s, line %u: the method %.*s of %s is not rewritten; leave \"nics\" "
        "out of the plan to finalize the rest",
        PLACE(rw->c, s->head), shown(s->method), s->method.at, rw->link->carrier);
}

// Whether a stanza stays: of another family, or IPv6 that is automatic and that DHCP keeps.
static bool stays(const struct bf_ifup_rewrite *rw, const struct bf_ifup_stanza *s)
{
    if (rw->c->variant == BF_IFUP_NG)
        return s->is_bare && s->end == s->head + 1;
    if (s->family.len && !bf_slice_is(s->family, "inet") && !bf_slice_is(s->family, "inet6"))
        return true;
    return rw->link->nic->dhcp && bf_slice_is(s->family, "inet6") &&
           !bf_slice_is(s->method, "static");
}

// The options of a stanza that goes, and of those that it inherits from.
static enum bf_err gather(struct bf_ifup_rewrite *rw, const struct bf_ifup_stanza *s)
{
    bool inet6 = bf_slice_is(s->family, "inet6");
    const struct bf_ifup *c = rw->c;
    enum bf_err err = BF_OK;
    const struct bf_ifup_stanza *at = s;
    for (int depth = 0; at && depth < INHERIT_MAX; depth++) {
        for (size_t i = at->head + 1; i < at->end && !err; i++)
            if (bf_ifup_is_of(c, i, at))
                err = bf_ifup_keep(rw, i, inet6);
        at = at->inherits ? &c->stanza[at->inherits - 1] : NULL;
    }
    return err;
}

// The new stanzas come where one of the interface's own stood, in the main file rather than in one
// that it includes.
static void choose_first(struct bf_ifup_rewrite *rw, size_t stanza, bool label)
{
    const struct bf_ifup *c = rw->c;
    size_t file = c->line[c->stanza[stanza].head].file;
    bool better =
        !rw->first || (rw->first_is_label && !label) ||
        (rw->first_is_label == label && file < c->line[c->stanza[rw->first - 1].head].file);
    if (!better)
        return;
    rw->first = stanza + 1;
    rw->first_is_label = label;
}

static enum bf_err gather_all(struct bf_ifup_rewrite *rw)
{
    const struct bf_ifup *c = rw->c;
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < c->stanzas && !err; i++) {
        const struct bf_ifup_stanza *s = &c->stanza[i];
        bool label = false;
        if (rw->pattern.len && rw->before && bf_slice_same(s->name, rw->pattern)) {
            err = gather(rw, s); // it stays for the others
            continue;
        }
        if (!is_mine(rw, s, &label) || stays(rw, s)) {
            rw->before =
                rw->before || !is_mine(rw, s, &label) || s->is_bare ? rw->before : s->head + 1;
            continue;
        }
        err = check_method(rw, s);
        rw->going[i] = true;
        choose_first(rw, i, label);
        if (label)
            bf_note(rw->f->report, "info", c->file[c->line[s->head].file].path,
                    "line %u: %.*s is an old address of %s and goes", c->line[s->head].number,
                    shown(s->name), s->name.at, rw->link->carrier);
        if (!err)
            err = gather(rw, s);
    }
    return err;
}

// ---- The files, written again -------------------------------------------------------------------

static void place_new(struct bf_ifup_rewrite *rw, struct bf_text *out)
{
    if (rw->placed)
        return;
    if (!rw->automatic)
        bf_textf(out, "auto %s\n", rw->link->carrier);
    rw->automatic = true;
    bf_ifup_write(rw, out);
    rw->placed = true;
}

// An "auto" line without the interface's aliases; nothing when no name is left.
static void write_auto(struct bf_ifup_rewrite *rw, struct bf_text *out, size_t line)
{
    const struct bf_ifup *c = rw->c;
    const struct bf_ifup_line *l = &c->line[line];
    const char *text = c->file[l->file].text, *flat = c->file[l->file].flat;
    size_t start = out->len, left = 0, pos = l->start;
    for (size_t i = 0; i < c->ups; i++) {
        const struct bf_ifup_up *up = &c->up[i];
        struct bf_slice physical = bf_ifup_renamed(c, up->physical);
        if (up->line != line)
            continue;
        if (!is_carrier(rw, physical) || !is_label(physical)) {
            left++;
            continue;
        }
        size_t at = (size_t)(up->word.at - flat), end = at + up->word.len;
        while (at > pos && (flat[at - 1] == ' ' || flat[at - 1] == '\t'))
            at--;
        bf_text_add(out, text + pos, at - pos);
        pos = end;
    }
    bf_text_add(out, text + pos, l->start + l->full - pos);
    if (!left && !out->failed)
        out->len = start;
}

// Old name servers under the loopback, where cloud-init puts those of the whole system.
static bool is_old_dns(const struct bf_ifup_rewrite *rw, const struct bf_ifup_line *line)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    char option[32];
    if (!line->stanza || !bf_slice_is(rw->c->stanza[line->stanza - 1].name, "lo"))
        return false;
    bf_ifup_option(line, option, sizeof option);
    bool servers = strcmp(option, "dns-nameservers") == 0 || strcmp(option, "dns-nameserver") == 0;
    return (servers && nic->dns_count) || (strcmp(option, "dns-search") == 0 && nic->search_count);
}

static void write_line(struct bf_ifup_rewrite *rw, struct bf_text *out, size_t line)
{
    const struct bf_ifup *c = rw->c;
    const struct bf_ifup_line *l = &c->line[line];
    const char *text = c->file[l->file].text;
    size_t stanza = l->stanza;
    bool head = stanza && c->stanza[stanza - 1].head == line;
    bool going = stanza && rw->going[stanza - 1];
    bool stays_put = !going || (head && c->stanza[stanza - 1].is_bare);
    if (rw->before == line + 1 && !rw->first)
        place_new(rw, out);
    if (rw->alias[line])
        write_auto(rw, out, line);
    else if (stays_put && !is_old_dns(rw, l))
        bf_text_add(out, text + l->start, l->full);
    if (going && head && rw->first == stanza) {
        if (out->len && out->data[out->len - 1] != '\n')
            bf_text_str(out, "\n");
        place_new(rw, out);
    }
}

static void append_new(struct bf_ifup_rewrite *rw, struct bf_text *out)
{
    if (out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
    bf_text_str(out, "\n");
    place_new(rw, out);
}

static enum bf_err write_file(struct bf_ifup_rewrite *rw, size_t file)
{
    const struct bf_ifup *c = rw->c;
    const struct bf_ifup_file *at = &c->file[file];
    struct bf_text out = {0};
    size_t pos = 0;
    for (size_t i = 0; i < c->lines; i++) {
        if (c->line[i].file != file)
            continue;
        bf_text_add(&out, at->text + pos, c->line[i].start - pos);
        write_line(rw, &out, i);
        pos = c->line[i].start + c->line[i].full;
    }
    bf_text_add(&out, at->text + pos, at->len - pos);
    if (file == 0 && !rw->first && !rw->before)
        append_new(rw, &out);
    enum bf_err err = bf_fin_set(rw->f, at->path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err rewrite(struct bf_ifup_rewrite *rw)
{
    enum bf_err err = find_logical(rw);
    if (!err)
        err = gather_all(rw);
    bool automatic = rw->automatic || (!rw->first && !rw->before) || rw->pattern.len;
    if (rw->first)
        rw->automatic = true; // what is not brought up at boot stays so, and is said
    for (size_t i = 0; i < rw->c->files && !err; i++)
        err = write_file(rw, i);
    if (!err && !automatic)
        bf_note(rw->f->report, "warning", BF_IFUP_MAIN,
                "%s is not brought up at boot (no auto or allow-hotplug)", rw->link->carrier);
    return err;
}

enum bf_err bf_ifup_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct bf_ifup c;
    struct bf_ifup_rewrite rw = {.f = f, .c = &c, .link = link, .old = old};
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    bf_ifup_read(f, &c);
    rw.going = calloc(c.stanzas + 1, sizeof *rw.going);
    rw.alias = calloc(c.lines + 1, sizeof *rw.alias);
    enum bf_err err;
    if (c.trouble[0])
        err = bf_refuse(f->report, "%s", c.trouble);
    else if (!rw.going || !rw.alias)
        err = bf_fail(f->report, "out of memory");
    else
        err = rewrite(&rw);
    free(rw.going);
    free(rw.alias);
    bf_ifup_free(&c);
    return err;
}

// ---- MAC addresses ------------------------------------------------------------------------------

static enum bf_err follow_file(struct bf_fin *f, const struct bf_ifup *c, size_t file,
                               const struct bf_link *link, size_t links)
{
    const struct bf_ifup_file *at = &c->file[file];
    struct bf_text out = {0};
    size_t pos = 0;
    for (size_t i = 0; i < c->lines; i++) {
        const struct bf_ifup_line *l = &c->line[i];
        if (l->file != file)
            continue;
        bf_text_add(&out, at->text + pos, l->start - pos);
        bf_naming_swap_macs(&out, at->text + l->start, l->full, link, links);
        pos = l->start + l->full;
    }
    bf_text_add(&out, at->text + pos, at->len - pos);
    enum bf_err err = bf_fin_set(f, at->path, &out, "the interface's new MAC address");
    bf_text_free(&out);
    return err;
}

// In every line that is no comment: "hwaddress", "bridge_hw", "rename mac/...", "auto mac/...=lan".
enum bf_err bf_ifup_follow(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_ifup c;
    enum bf_err err = BF_OK;
    bf_ifup_read(f, &c);
    for (size_t i = 0; i < c.files && !err; i++)
        err = follow_file(f, &c, i, link, links);
    bf_ifup_free(&c);
    return err;
}
