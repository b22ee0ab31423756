// SPDX-License-Identifier: Apache-2.0
// What a walk holds, and how it reads the tree; see walk.h.
#include "finalize/rehearse/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/diff.h"
#include "finalize/core/places.h"

struct bf_start *bf_walk_add(struct bf_walk *w, const char *loader, const char *file, unsigned line)
{
    w->loader = true;
    if (w->starts == BF_STARTS_MAX) {
        bf_walk_say(w, BF_TROUBLE_DOUBT, file, line, "has more entries than %d", BF_STARTS_MAX);
        return NULL;
    }
    struct bf_start *s = &w->start[w->starts++];
    *s = (struct bf_start){.line = line};
    snprintf(s->loader, sizeof s->loader, "%s", loader);
    snprintf(s->file, sizeof s->file, "%s", file);
    return s;
}

static bool is_said(const struct bf_walk *w, enum bf_trouble_kind kind, const char *text)
{
    for (size_t i = 0; i < w->troubles; i++)
        if (w->trouble[i].kind == kind && strcmp(w->trouble[i].text, text) == 0)
            return true;
    return false;
}

// What stops a start is never lost: it takes the place of what matters least.
static struct bf_trouble *place_for(struct bf_walk *w, enum bf_trouble_kind kind)
{
    if (w->troubles < BF_TROUBLES_MAX)
        return &w->trouble[w->troubles++];
    w->unsaid++;
    struct bf_trouble *least = NULL;
    for (size_t i = 0; i < w->troubles; i++)
        if (w->trouble[i].kind > (least ? least->kind : kind))
            least = &w->trouble[i];
    if (least)
        free(least->text);
    return least;
}

void bf_walk_say(struct bf_walk *w, enum bf_trouble_kind kind, const char *file, unsigned line,
                 const char *fmt, ...)
{
    struct bf_text t = {0}, clean = {0};
    va_list ap;
    bf_text_str(&t, file);
    if (line)
        bf_textf(&t, ", line %u", line);
    bf_text_str(&t, file[0] ? ": " : "");
    va_start(ap, fmt);
    bf_text_vf(&t, fmt, ap);
    va_end(ap);
    bf_printable(&clean, bf_text_get(&t), t.len);
    bool said = is_said(w, kind, bf_text_get(&clean));
    char *text = said ? NULL : strdup(bf_text_get(&clean));
    struct bf_trouble *at = text ? place_for(w, kind) : NULL;
    if (at)
        *at = (struct bf_trouble){kind, text};
    else
        free(text);
    if (!said && !text)
        w->f->edits.failed = true;
    bf_text_free(&t);
    bf_text_free(&clean);
}

void bf_walk_save(struct bf_walk *w, const char *file, const char *name, const char *value)
{
    if (!w->saved)
        w->saved = json_object();
    json_t *own = json_object_get(w->saved, file);
    if (!own && json_object_set_new(w->saved, file, json_object()) == 0)
        own = json_object_get(w->saved, file);
    if (!own || json_object_set_new(own, name, value ? json_string(value) : json_null()))
        bf_walk_say(w, BF_TROUBLE_DOUBT, file, 0, "what is written into it cannot be followed");
}

bool bf_walk_sees_all(const struct bf_walk *w)
{
    return w->f->devices->places > 0;
}

enum bf_trouble_kind bf_walk_missing(const struct bf_walk *w)
{
    return bf_walk_sees_all(w) ? BF_TROUBLE_STOPS : BF_TROUBLE_DOUBT;
}

const char *bf_walk_text(struct bf_walk *w, const char *path, size_t *len)
{
    return bf_edits_get(&w->f->edits, path, len, NULL);
}

bool bf_walk_exists(struct bf_walk *w, const char *path)
{
    uint64_t size;
    return bf_edits_size(&w->f->edits, path, &size, NULL) == BF_OK;
}

static bool is_there(struct bf_walk *w, const char *folder, const char *path, char *out,
                     size_t size)
{
    const char *head = strcmp(folder, "/") == 0 ? "" : folder;
    int n = snprintf(out, size, "%s%s", head, path);
    return n >= 0 && (size_t)n < size && bf_walk_exists(w, out);
}

bool bf_walk_path(struct bf_walk *w, const struct bf_device *dev, const char *path, char *out,
                  size_t size)
{
    static const char *const usual[] = {"", "/boot", "/boot/efi", "/efi"};
    const struct bf_devices *d = w->f->devices;
    if (dev)
        return bf_place_path(d, dev, path, out, size);
    for (size_t i = 0; i < d->places; i++)
        if (is_there(w, d->place[i].at, path, out, size))
            return true;
    for (size_t i = 0; d->places == 0 && i < BF_COUNT(usual); i++)
        if (is_there(w, usual[i], path, out, size))
            return true;
    return false;
}
