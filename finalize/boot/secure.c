// SPDX-License-Identifier: Apache-2.0
// Secure Boot before anything is touched: from the fallback path on, as a machine goes that has no
// boot entry yet, each program has to be accepted by the one before it. The files are read, and
// nothing of the target's own keys or revocations is known; the report says what it must trust.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/shim.h"
#include "finalize/boot/signed.h"
#include "finalize/boot/steps.h"

#define PROGRAMS_MAX 64

struct programs {
    struct bf_signed *item;
    size_t count;
    bool digest;
};

// The way from the firmware on: what failed, or what the firmware has to trust.
struct way {
    const char *efi;       // folder EFI of the partition that starts
    struct bf_signed *bad; // what does not go on; NULL: nothing was found
    const struct bf_signed *first;
    char own[BF_SIGNER_NAME]; // who signed the first program, where no authority did; "" else
};

static void add(struct bf_fin *f, struct programs *p, const char *path, bool kernel)
{
    if (p->count == PROGRAMS_MAX)
        return;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->item[i].path, path) == 0)
            return;
    if (bf_signed_read(f, path, kernel, p->digest, &p->item[p->count]))
        p->count++;
    else
        bf_signed_free(&p->item[p->count]);
}

static bool is_program(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcasecmp(name + len - 4, ".efi") == 0;
}

static enum bf_err add_folder(struct bf_fin *f, const char *dir, void *programs)
{
    struct bf_names names;
    if (bf_edits_list(&f->edits, dir, "", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count; i++) {
        char path[800];
        snprintf(path, sizeof path, "%.500s/%.250s", dir, names.name[i]);
        if (is_program(names.name[i]) && strlen(path) < sizeof((struct bf_signed *)0)->path)
            add(f, programs, path, false);
    }
    bf_names_free(&names);
    return BF_OK;
}

static void collect(struct bf_fin *f, char (*esp)[BF_ESP_MOUNT], size_t esps, struct programs *p)
{
    char dir[BF_ESP_MOUNT + 8];
    for (size_t i = 0; i < esps; i++) {
        snprintf(dir, sizeof dir, "%s/EFI", esp[i]);
        struct bf_names vendors;
        if (bf_edits_list(&f->edits, dir, "", &vendors))
            continue;
        for (size_t n = 0; n < vendors.count; n++) {
            char path[400];
            snprintf(path, sizeof path, "%s/%.250s", dir, vendors.name[n]);
            add_folder(f, path, p);
        }
        bf_names_free(&vendors);
        // A fallback path that is going to be made has no folder yet.
        snprintf(dir, sizeof dir, "%s/EFI/BOOT", esp[i]);
        add_folder(f, dir, p);
    }
    for (size_t i = 0; i < f->system.kernels; i++)
        if (f->system.kernel[i].image[0])
            add(f, p, f->system.kernel[i].image, true);
}

// A program by its name, whatever its case, in the folder that the first `dir` bytes of `path` are.
static struct bf_signed *beside(struct programs *p, const char *path, size_t dir, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        struct bf_signed *s = &p->item[i];
        if (s->dir == dir && strncasecmp(s->path, path, dir) == 0 &&
            strcasecmp(s->path + dir + 1, name) == 0)
            return s;
    }
    return NULL;
}

static bool is(const struct bf_signed *s, const char *kind)
{
    return strcmp(s->kind, kind) == 0;
}

static bool accepts(struct way *w, struct bf_signed *s, const struct bf_signed *shim)
{
    bool ok = bf_signed_accept(s, shim, w->own[0] ? w->own : NULL);
    if (!ok && !w->bad)
        w->bad = s;
    return ok;
}

// Of kernels and unified images one is enough to start; each that is not accepted is in the report.
static void judge_kernels(struct programs *p, struct way *w, const struct bf_signed *shim)
{
    struct bf_signed *bad = NULL;
    size_t good = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct bf_signed *s = &p->item[i];
        if (!is(s, "kernel") && !is(s, "unified-kernel-image"))
            continue;
        bool ok = bf_signed_accept(s, shim, w->own[0] ? w->own : NULL);
        good += ok || s == w->first;
        bad = ok || bad ? bad : s;
    }
    if (!good && !w->bad)
        w->bad = bad;
}

// What a shim starts from its own folder. False: nothing is there.
static bool judge_loader(struct bf_fin *f, struct programs *p, struct way *w,
                         const struct bf_signed *shim)
{
    char name[32];
    bf_esp_name(f, "grub", name, sizeof name);
    struct bf_signed *grub = beside(p, shim->path, shim->dir, name);
    if (grub)
        accepts(w, grub, shim);
    return grub != NULL;
}

// With the fallback loader beside it, the shims in the vendors' folders are what starts.
static void judge_shim(struct bf_fin *f, struct programs *p, struct way *w, struct bf_signed *shim)
{
    char name[32];
    bf_esp_name(f, "fb", name, sizeof name);
    struct bf_signed *loader = beside(p, shim->path, shim->dir, name);
    if (!loader) {
        judge_loader(f, p, w, shim);
        return;
    }
    accepts(w, loader, shim);
    for (size_t i = 0; i < p->count; i++) {
        struct bf_signed *s = &p->item[i];
        bool here = strncmp(s->path, w->efi, strlen(w->efi)) == 0;
        if (is(s, "shim") && s != shim && here && s->machine == shim->machine &&
            accepts(w, s, NULL))
            judge_loader(f, p, w, s);
    }
}

static void judge(struct bf_fin *f, struct programs *p, struct way *w, struct bf_signed *first)
{
    w->first = first;
    const struct bf_signatures *s = &first->signatures;
    bool known = false;
    for (size_t i = 0; i < s->count; i++)
        known = known || s->item[i].authority;
    if (!known && s->count && s->item[0].genuine)
        snprintf(w->own, sizeof w->own, "%s", s->item[0].issuer);
    accepts(w, first, NULL);
    if (is(first, "shim"))
        judge_shim(f, p, w, first);
    judge_kernels(p, w, is(first, "shim") ? first : NULL);
}

static void say_trust(const struct way *w, json_t *authorities, struct bf_text *out)
{
    const char *name[BF_SIGNATURES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < w->first->signatures.count; i++) {
        const struct bf_authenticode *sig = &w->first->signatures.item[i];
        if (sig->authority || w->own[0])
            name[count++] = sig->authority ? sig->authority : w->own;
    }
    for (size_t i = 0; i < count; i++)
        json_array_append_new(authorities, json_string(name[i]));
    bf_text_str(out, "starts with Secure Boot where the firmware trusts ");
    bf_text_list(out, name, count, " or ");
    if (w->own[0])
        bf_text_str(out, ", a key of its own that has to be enrolled on the new machine");
}

static json_t *result(const struct programs *p, const struct way *w)
{
    struct bf_text text = {0};
    json_t *authorities = json_array(), *files = json_array();
    const char *starts = w->bad ? "no" : w->own[0] ? "with its own key" : "yes";
    if (w->bad)
        bf_textf(&text, "does not start with Secure Boot: %s %s", w->bad->path, w->bad->why);
    else
        say_trust(w, authorities, &text);
    for (size_t i = 0; i < p->count; i++)
        json_array_append_new(files, bf_signed_json(&p->item[i]));
    const char *said = bf_text_get(&text);
    json_t *o = json_pack("{s:s,s:s,s:o,s:o}", "starts", starts, "text",
                          bf_is_utf8(said, strlen(said)) ? said : "?", "authorities", authorities,
                          "files", files);
    bf_text_free(&text);
    return o;
}

// The fallback path of the first partition that has one, or would be searched for one.
static struct bf_signed *find_first(struct bf_fin *f, struct programs *p, char (*esp)[BF_ESP_MOUNT],
                                    size_t esps, char *efi, size_t size)
{
    char dir[BF_ESP_MOUNT + 16];
    struct bf_signed *first = NULL;
    for (size_t i = 0; i < esps && !first; i++) {
        int len = snprintf(dir, sizeof dir, "%s/EFI/BOOT", esp[i]);
        first = beside(p, dir, (size_t)len, f->system.architecture->fallback);
        snprintf(efi, size, "%s/EFI/", esp[i]);
    }
    return first;
}

// What the finalizer would put there: a shim, or else GRUB.
static struct bf_signed *find_vendor(struct bf_fin *f, struct programs *p,
                                     char (*esp)[BF_ESP_MOUNT], size_t esps, char *efi, size_t size)
{
    char vendor[256], name[64], dir[600];
    struct bf_signed *first = NULL;
    for (size_t i = 0; i < esps && !first; i++) {
        snprintf(dir, sizeof dir, "%s/EFI", esp[i]);
        if (!bf_shim_vendor(f, dir, vendor, sizeof vendor, name, sizeof name)) {
            bf_esp_name(f, "grub", name, sizeof name);
            if (!bf_esp_vendor(f, dir, name, vendor, sizeof vendor))
                continue;
        }
        int len = snprintf(dir, sizeof dir, "%s/EFI/%s", esp[i], vendor);
        first = beside(p, dir, (size_t)len, name);
        snprintf(efi, size, "%s/EFI/", esp[i]);
    }
    return first;
}

static json_t *read_all(struct bf_fin *f, bool digest)
{
    char esp[BF_ESPS_MAX][BF_ESP_MOUNT], efi[BF_ESP_MOUNT + 8];
    const struct bf_architecture *a = f->system.architecture;
    struct programs p = {.item = calloc(PROGRAMS_MAX, sizeof *p.item), .digest = digest};
    struct way w = {.efi = efi};
    json_t *o = NULL;
    size_t esps = a && a->efi ? bf_esp_all(f, esp, BF_ESPS_MAX) : 0;
    if (p.item && esps)
        collect(f, esp, esps, &p);
    struct bf_signed *first = p.count ? find_first(f, &p, esp, esps, efi, sizeof efi) : NULL;
    if (!first && !f->plan && p.count)
        first = find_vendor(f, &p, esp, esps, efi, sizeof efi);
    if (first) {
        judge(f, &p, &w, first);
        o = result(&p, &w);
    } else if (p.count && esps) {
        o = json_pack("{s:s,s:s,s:[],s:[]}", "starts", "no", "text",
                      "nothing is on the EFI fallback path", "authorities", "files");
    }
    for (size_t i = 0; i < p.count; i++)
        bf_signed_free(&p.item[i]);
    free(p.item);
    return o;
}

void bf_inspect_secure_boot(struct bf_fin *f)
{
    f->system.secure_boot = read_all(f, false);
}

enum bf_err bf_check_secure_boot(struct bf_fin *f)
{
    enum bf_wanted wanted = f->plan->secure_boot;
    json_t *o = read_all(f, wanted == BF_ON);
    if (!o && wanted == BF_ON)
        return bf_refuse(f->report, "target.secure_boot is true, and this system has no loader for "
                                    "EFI on an EFI system partition that was found");
    if (!o)
        return BF_OK;
    json_decref(f->system.secure_boot);
    f->system.secure_boot = o;
    const char *text = json_string_value(json_object_get(o, "text"));
    const char *starts = json_string_value(json_object_get(o, "starts"));
    bool yes = strcmp(starts, "yes") == 0, no = strcmp(starts, "no") == 0;
    if (no && wanted == BF_ON)
        return bf_refuse(f->report,
                         "target.secure_boot is true, and this system %s. Update or sign it on the "
                         "source, or start it without Secure Boot (target.secure_boot: false)",
                         text);
    if (wanted != BF_OFF)
        bf_note(f->report, wanted == BF_ON && !yes ? "warning" : "info", "Secure Boot", "%s", text);
    return BF_OK;
}
