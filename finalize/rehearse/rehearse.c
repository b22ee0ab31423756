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

// Judges every start, and lists them.
static json_t *judge_all(struct bf_walk *w, bool *any)
{
    json_t *list = json_array();
    *any = false;
    for (size_t i = 0; i < w->starts; i++) {
        struct bf_judged j = {.start = &w->start[i]};
        *any = *any || w->start[i].chosen;
        bf_judge_start(w, &j);
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

enum bf_err bf_rehearse(struct bf_fin *f)
{
    bool chosen;
    struct bf_walk w = {.f = f, .start = calloc(BF_STARTS_MAX, sizeof *w.start)};
    if (!w.start)
        return bf_fail(f->report, "out of memory");
    bf_walk_firmware(&w);
    json_t *start = json_object();
    json_object_set_new(start, "entries", judge_all(&w, &chosen));
    if (!w.loader)
        bf_walk_say(&w, BF_TROUBLE_DOUBT, "", 0, "no boot loader that is known was found");
    else if (!chosen)
        bf_walk_say(&w, BF_TROUBLE_DOUBT, "", 0, "no entry that starts by itself was found");
    bf_judge_mounts(&w);
    json_object_set_new(start, "addresses", bf_judge_addresses(&w));
    enum bf_err err = conclude(&w, start);
    for (size_t i = 0; i < w.starts; i++)
        free(w.start[i].cmdline);
    for (size_t i = 0; i < w.troubles; i++)
        free(w.trouble[i].text);
    bf_judge_free(&w);
    free(w.start);
    return err;
}
