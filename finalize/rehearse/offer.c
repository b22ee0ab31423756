// SPDX-License-Identifier: Apache-2.0
// See offer.h.
#include "finalize/rehearse/offer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "finalize/core/places.h"

static void say_once(char *out, size_t size, const char *fmt, va_list ap)
{
    if (!out[0])
        vsnprintf(out, size, fmt, ap);
}

void bf_offer_block(struct bf_start *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_once(s->blocked, sizeof s->blocked, fmt, ap);
    va_end(ap);
}

void bf_offer_doubt(struct bf_start *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_once(s->unknown, sizeof s->unknown, fmt, ap);
    va_end(ap);
}

static void take(struct bf_walk *w, struct bf_start *s, char *slot, const char *path)
{
    bf_offer_word(slot, BF_START_PATH, path, strlen(path));
    if (!bf_walk_exists(w, path))
        bf_offer_block(s, "%.200s is not there", path);
}

void bf_offer_kernel(struct bf_walk *w, struct bf_start *s, const char *path)
{
    take(w, s, s->kernel, path);
}

void bf_offer_initrd(struct bf_walk *w, struct bf_start *s, const char *path)
{
    if (s->initrds == BF_INITRDS_MAX)
        bf_offer_doubt(s, "more than %d initramfs files", BF_INITRDS_MAX);
    else
        take(w, s, s->initrd[s->initrds++], path);
}

void bf_offer_cmdline(struct bf_walk *w, struct bf_start *s, struct bf_text *t)
{
    if (!bf_text_ok(t))
        w->f->edits.failed = true;
    if (bf_text_ok(t) && t->len && !s->cmdline) {
        s->cmdline = t->data;
        *t = (struct bf_text){0};
    }
    bf_text_free(t);
}

void bf_offer_word(char *out, size_t size, const char *at, size_t len)
{
    size_t n = len < size - 1 ? len : size - 1;
    memcpy(out, at, n);
    out[n] = 0;
}

bool bf_offer_path(char *out, size_t size, const char *at, size_t len)
{
    bf_offer_word(out, size, at, len);
    return len && len < size && !memchr(at, 0, len);
}

void bf_offer_folder(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash && slash > path ? (size_t)(slash - path) : 1;
    bf_offer_word(out, size, slash ? path : "/", n);
}

const struct bf_device *bf_offer_device(struct bf_walk *w, const char *file)
{
    return bf_place_device(w->f->devices, file, NULL, 0);
}

// Whether a path lies in a folder.
static bool is_in(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

static void longer(const char *file, const char *at, const char **best)
{
    if (at[0] == '/' && is_in(file, at) && strlen(at) > strlen(*best))
        *best = at;
}

void bf_offer_mount(struct bf_walk *w, const char *file, char *out, size_t size)
{
    const struct bf_devices *d = w->f->devices;
    const struct bf_system *s = &w->f->system;
    const char *best = "/";
    for (size_t i = 0; i < d->places; i++)
        longer(file, d->place[i].at, &best);
    for (size_t i = 0; d->places == 0 && i < s->mounts; i++)
        longer(file, s->mount[i].mount, &best);
    bf_offer_word(out, size, best, strlen(best));
}

// Adds the entry of the folder `out` that is called `name`, first by its bytes, then in any case.
static bool descend(struct bf_walk *w, char *out, size_t size, const char *name)
{
    struct bf_names names;
    const char *found = name;
    size_t len = strlen(out);
    bool same = false;
    if (bf_edits_list(&w->f->edits, len ? out : "/", "", &names))
        names = (struct bf_names){0};
    for (size_t i = 0; i < names.count && !same; i++) {
        same = strcmp(names.name[i], name) == 0;
        if (same || (found == name && strcasecmp(names.name[i], name) == 0))
            found = names.name[i];
    }
    int n = snprintf(out + len, size - len, "/%s", found);
    bf_names_free(&names);
    return n >= 0 && (size_t)n < size - len;
}

// Adds each name of a path to `out`, as it is given, or as it is there in any case.
static bool add_names(struct bf_walk *w, const char *path, bool any_case, char *out, size_t size)
{
    enum { DEPTH_MAX = 16 };
    char name[256];
    size_t depth = 0;
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/\\"), len = strlen(out);
        bool plain = n == 0 || (n == 1 && at[0] == '.');
        if (!plain && (n >= sizeof name || n + 2 > size - len || ++depth > DEPTH_MAX))
            return false;
        bf_offer_word(name, sizeof name, at, n);
        if (!plain && !any_case)
            snprintf(out + len, size - len, "/%s", name);
        else if (!plain && !descend(w, out, size, name))
            return false;
        at += at[n] ? n + 1 : n;
    }
    return depth != 0;
}

bool bf_offer_fat(struct bf_walk *w, const char *base, const char *path, char *out, size_t size)
{
    size_t n = strcmp(base, "/") == 0 ? 0 : strlen(base);
    bf_offer_word(out, size, base, n);
    if (add_names(w, path, false, out, size) && bf_walk_exists(w, out))
        return true;
    bf_offer_word(out, size, base, n);
    return add_names(w, path, true, out, size) && bf_walk_exists(w, out);
}

// A file system that knows no case is mounted so, but for a tree without devices that was copied
// from one.
static bool any_case(struct bf_walk *w, const char *file, char *out, size_t size)
{
    char mount[128], exact[BF_START_PATH];
    bf_offer_mount(w, file, mount, sizeof mount);
    bf_offer_word(exact, sizeof exact, out, strlen(out));
    if (bf_walk_exists(w, exact) || strcmp(mount, "/") == 0 || !is_in(exact, mount))
        return true;
    if (!bf_offer_fat(w, mount, exact + strlen(mount), out, size))
        bf_offer_word(out, size, exact, strlen(exact));
    return true;
}

bool bf_offer_on(struct bf_walk *w, const struct bf_device *dev, const char *path, char *out,
                 size_t size)
{
    return bf_walk_path(w, w->f->devices->places ? dev : NULL, path, out, size);
}

bool bf_offer_beside(struct bf_walk *w, const struct bf_device *dev, const char *file,
                     const char *path, char *out, size_t size)
{
    char folder[BF_START_PATH];
    int n = 0;
    if (path[0] != '/') {
        bf_offer_folder(file, folder, sizeof folder);
        n = snprintf(out, size, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
    } else if (dev && w->f->devices->places) {
        return bf_walk_path(w, dev, path, out, size);
    } else {
        bf_offer_mount(w, file, folder, sizeof folder);
        n = snprintf(out, size, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, path);
        char other[BF_START_PATH];
        if (n >= 0 && (size_t)n < size && any_case(w, file, out, size) && !bf_walk_exists(w, out) &&
            bf_walk_path(w, NULL, path, other, sizeof other))
            n = snprintf(out, size, "%s", other);
        return n >= 0 && (size_t)n < size;
    }
    return n >= 0 && (size_t)n < size && any_case(w, file, out, size);
}
