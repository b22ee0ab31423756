// SPDX-License-Identifier: Apache-2.0
// See unified.h, and systemd-stub(7) of systemd 252. Options that are passed replace the command
// line inside: so does the stub without Secure Boot, which is how a new machine is started.
#include "finalize/rehearse/unified.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

#define CMDLINE_MAX ((size_t)64 << 10)

bool bf_unified_is(const struct bf_sections *pe)
{
    return bf_sections_find(pe, ".linux") != NULL;
}

static void add_title(struct bf_walk *w, struct bf_start *s, const struct bf_sections *pe)
{
    static const char key[] = "PRETTY_NAME=";
    const struct bf_section *osrel = bf_sections_find(pe, ".osrel");
    size_t len = 0, pos = 0;
    struct bf_line line;
    char *text =
        osrel ? bf_sections_bytes(w, s->kernel, osrel->at, osrel->len, CMDLINE_MAX, &len) : NULL;
    while (text && bf_line_next(text, len, &pos, &line)) {
        if (line.len < sizeof key || strncmp(line.at, key, sizeof key - 1) != 0)
            continue;
        const char *at = line.at + sizeof key - 1, *end = line.at + line.len;
        at += *at == '"' || *at == '\'';
        end -= end > at && (end[-1] == '"' || end[-1] == '\'');
        bf_offer_word(s->title, sizeof s->title, at, (size_t)(end - at));
    }
    free(text);
}

// The stub turns every control character into a blank and takes them off the ends.
static void add_cmdline(struct bf_walk *w, struct bf_start *s, const struct bf_section *cmdline)
{
    struct bf_text t = {0};
    size_t len;
    char *text = bf_sections_bytes(w, s->kernel, cmdline->at, cmdline->len, CMDLINE_MAX, &len);
    len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    while (len && text[len - 1] == ' ')
        len--;
    if (text)
        bf_text_add(&t, text, len);
    bf_offer_cmdline(w, s, &t);
    free(text);
}

// Since systemd 254, files beside the image add to what is in it.
static void look_for_addons(struct bf_walk *w, struct bf_start *s)
{
    char dir[BF_START_PATH + 16];
    struct bf_names names;
    snprintf(dir, sizeof dir, "%s.extra.d", s->kernel);
    if (!bf_fin_root_is_dir(w->f->root, dir) || bf_edits_list(&w->f->edits, dir, ".efi", &names))
        return;
    if (names.count)
        bf_offer_doubt(s, "%.150s adds to its command line", dir);
    bf_names_free(&names);
}

void bf_unified_fill(struct bf_walk *w, struct bf_start *s, const struct bf_sections *pe)
{
    const struct bf_section *initrd = bf_sections_find(pe, ".initrd");
    const struct bf_section *cmdline = bf_sections_find(pe, ".cmdline");
    s->unified = true;
    s->initrd_at = initrd ? initrd->at : 0;
    s->initrd_len = initrd ? initrd->len : 0;
    if (!s->title[0])
        add_title(w, s, pe);
    if (cmdline && !s->cmdline)
        add_cmdline(w, s, cmdline);
    look_for_addons(w, s);
}

struct bf_start *bf_unified_add(struct bf_walk *w, const char *loader, const char *from,
                                const char *file)
{
    struct bf_sections pe;
    bool image = bf_sections_read(w, file, &pe) && bf_unified_is(&pe);
    struct bf_start *s = image ? bf_walk_add(w, loader, from, 0) : NULL;
    if (s) {
        bf_offer_kernel(w, s, file);
        bf_unified_fill(w, s, &pe);
    }
    return s;
}

void bf_walk_unified(struct bf_walk *w, const char *file, bool chosen)
{
    struct bf_start *s = bf_unified_add(w, "unified kernel image", file, file);
    if (s)
        s->chosen = chosen;
}
