// SPDX-License-Identifier: Apache-2.0
// Runs a rehearsal and makes its verdict; see rehearse.h and walk.h.
#include "finalize/rehearse/rehearse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/judges.h"
#include "finalize/rehearse/loaders.h"

static json_t *troubles_json(const struct bf_walk *w, enum bf_trouble_kind kind)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->troubles; i++)
        if (w->trouble[i].kind == kind)
            json_array_append_new(list, json_string(w->trouble[i].text));
    return list;
}

static json_t *start_json(const struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    json_t *o = json_pack("{s:s,s:s,s:s,s:i,s:b,s:s}", "title", s->title, "loader", s->loader,
                          "file", s->file, "line", (int)s->line, "chosen", s->chosen, "verdict",
                          j->why_not                  ? "does not start"
                          : j->doubt                  ? "not known"
                          : s->kind == BF_START_LINUX ? "starts"
                                                      : "not followed");
    json_t *images = json_array();
    for (size_t i = 0; i < s->initrds; i++)
        json_array_append_new(images, json_string(s->initrd[i]));
    if (s->kernel[0])
        json_object_set_new(o, "kernel", json_string(s->kernel));
    if (j->version[0])
        json_object_set_new(o, "version", json_string(j->version));
    if (s->initrds)
        json_object_set(o, "initramfs", images);
    json_decref(images);
    if (s->cmdline)
        json_object_set_new(o, "cmdline", json_string(s->cmdline));
    if (j->root[0])
        json_object_set_new(o, "root", json_string(j->root));
    if (j->why_not)
        json_object_set_new(o, "reason", json_string(j->why_not));
    return o;
}

// One way through the loader, from the firmware on, and what is judged of it.
struct attempt {
    struct bf_walk walk;
    json_t *entries;
    const struct bf_start *chosen; // the entry that starts by itself; NULL: none
    bool resets; // which panics, after which the machine starts anew by itself (panic=)
};

// A kernel without an initramfs that finds no root panics, and resets the machine where panic= says
// so. An initramfs does what it wants.
static bool resets(const struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    char seconds[16];
    return s->chosen && s->kind == BF_START_LINUX && (j->why_not || j->doubt) && !s->blocked[0] &&
           !s->initrds && !s->unified &&
           bf_cmdline_value(s->cmdline, "panic", seconds, sizeof seconds) &&
           strtol(seconds, NULL, 10) != 0;
}

// Judges every start, and lists them.
static json_t *judge_all(struct attempt *a)
{
    struct bf_walk *w = &a->walk;
    json_t *list = json_array();
    for (size_t i = 0; i < w->starts; i++) {
        struct bf_judged j = {.start = &w->start[i]};
        a->chosen = w->start[i].chosen ? &w->start[i] : a->chosen;
        bf_judge_start(w, &j);
        a->resets = a->resets || resets(&j);
        json_array_append_new(list, start_json(&j));
        free(j.why_not);
    }
    return list;
}

static const char *first(const struct bf_walk *w, enum bf_trouble_kind kind)
{
    for (size_t i = 0; i < w->troubles; i++)
        if (w->trouble[i].kind == kind)
            return w->trouble[i].text;
    return NULL;
}

static void note_all(const struct bf_walk *w, enum bf_trouble_kind kind)
{
    for (size_t i = 0; i < w->troubles; i++)
        if (w->trouble[i].kind == kind)
            bf_note(w->f->report, "warning", "start", "%s", w->trouble[i].text);
}

static enum bf_err conclude(struct bf_walk *w, json_t *start)
{
    const char *stops = first(w, BF_TROUBLE_STOPS), *doubt = first(w, BF_TROUBLE_DOUBT);
    json_object_set_new(start, "verdict",
                        json_string(stops   ? "does not start"
                                    : doubt ? "not known"
                                            : "starts"));
    json_object_set_new(start, "stops", troubles_json(w, BF_TROUBLE_STOPS));
    json_object_set_new(start, "not_followed", troubles_json(w, BF_TROUBLE_DOUBT));
    json_object_set_new(start, "look_at", troubles_json(w, BF_TROUBLE_LOOK));
    json_object_set_new(w->f->report->json, "start", start);
    note_all(w, BF_TROUBLE_STOPS);
    note_all(w, BF_TROUBLE_LOOK);
    if (w->unsaid)
        bf_note(w->f->report, "warning", "start", "%zu more like these are not listed", w->unsaid);
    if (!stops || w->f->plan->try_anyway)
        return BF_OK;
    return bf_refuse(w->f->report,
                     "it would not start: %s; to have it made all the same, set \"rehearsal\": "
                     "\"report\"",
                     stops);
}

// Walks once, with what an earlier attempt has left; NULL when out of memory.
static struct attempt *attempt_new(struct bf_fin *f, const json_t *earlier)
{
    struct attempt *a = calloc(1, sizeof *a);
    struct bf_start *start = calloc(BF_STARTS_MAX, sizeof *start);
    if (!a || !start) {
        free(a);
        free(start);
        return NULL;
    }
    a->walk = (struct bf_walk){.f = f, .start = start, .earlier = earlier};
    bf_walk_firmware(&a->walk);
    a->entries = judge_all(a);
    if (!a->walk.loader)
        bf_walk_say(&a->walk, BF_TROUBLE_DOUBT, "", 0, "no boot loader that is known was found");
    else if (!a->chosen)
        bf_walk_say(&a->walk, BF_TROUBLE_DOUBT, "", 0, "no entry that starts by itself was found");
    return a;
}

static void walk_free(struct bf_walk *w)
{
    for (size_t i = 0; i < w->starts; i++)
        free(w->start[i].cmdline);
    for (size_t i = 0; i < w->troubles; i++)
        free(w->trouble[i].text);
    bf_judge_free(w);
    free(w->start);
    json_decref(w->saved);
}

static void attempt_free(struct attempt *a)
{
    walk_free(&a->walk);
    json_decref(a->entries);
    free(a);
}

// An entry that is meant for one start (GRUB's next_entry) hides that the one after it fails, as
// far as the loader can tell.
static void look_at_next(struct attempt *a)
{
    struct bf_walk next = {.f = a->walk.f, .earlier = a->walk.saved};
    if (!a->walk.saved || !a->chosen || first(&a->walk, BF_TROUBLE_STOPS) ||
        !(next.start = calloc(BF_STARTS_MAX, sizeof *next.start)))
        return;
    bf_walk_firmware(&next);
    for (size_t i = 0; i < next.starts; i++) {
        const struct bf_start *s = &next.start[i];
        if (s->chosen && s->blocked[0])
            bf_walk_say(&a->walk, BF_TROUBLE_LOOK, s->file, s->line,
                        "\"%s\" is what the start after this one goes to, and fails: %s", s->title,
                        s->blocked);
    }
    walk_free(&next);
}

static bool is_better(const struct attempt *a, const struct attempt *than)
{
    bool stops = first(&a->walk, BF_TROUBLE_STOPS), doubt = first(&a->walk, BF_TROUBLE_DOUBT);
    return !stops && (!doubt || first(&than->walk, BF_TROUBLE_STOPS));
}

// Where the machine resets after a panic and the loader has noted that it was here (Ubuntu's
// "initrdfail"), what it does next counts, if that is a start.
static struct attempt *try_again(struct attempt *a)
{
    struct attempt *next =
        a->resets && a->walk.saved ? attempt_new(a->walk.f, a->walk.saved) : NULL;
    if (!next || !next->chosen || !is_better(next, a)) {
        if (next)
            attempt_free(next);
        return a;
    }
    bf_walk_say(
        &next->walk, BF_TROUBLE_LOOK, a->chosen->file, a->chosen->line,
        "\"%s\" is tried first without an initramfs; where the kernel then finds no root, the "
        "machine resets, and GRUB, which has noted it, starts with one",
        a->chosen->title);
    next->walk.earlier = NULL;
    attempt_free(a);
    return next;
}

enum bf_err bf_rehearse(struct bf_fin *f)
{
    struct attempt *a = attempt_new(f, NULL);
    if (!a)
        return bf_fail(f->report, "out of memory");
    a = try_again(a);
    look_at_next(a);
    json_t *start = json_object();
    json_object_set(start, "entries", a->entries);
    bf_judge_mounts(&a->walk);
    bf_judge_units(&a->walk);
    json_object_set_new(start, "addresses", bf_judge_addresses(&a->walk));
    enum bf_err err = conclude(&a->walk, start);
    attempt_free(a);
    return err;
}
