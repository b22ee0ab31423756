// SPDX-License-Identifier: Apache-2.0
// Judges what a kernel gets to find its root with: its initramfs, and the drivers in it that the
// new machine needs, with all that they depend on. What the kernel has built in needs none.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/archive.h"
#include "finalize/rehearse/judges.h"
#include "finalize/rehearse/lvm.h"
#include "finalize/rehearse/names.h"
#include "finalize/target/targets.h"

#define VERSIONS_MAX 4

// The copies of crypttab(5): Debian's, dracut's and systemd's, Debian's before version 10.
static const char *const crypttabs[] = {"cryptroot/crypttab", "etc/crypttab",
                                        "conf/conf.d/cryptroot"};
static const char *const lvm_conf[] = {"etc/lvm/lvm.conf", "etc/lvm/lvmlocal.conf"};

// One image, read once however many entries load it.
struct bf_read_image {
    struct bf_read_image *next;
    struct bf_fin *f;
    char path[BF_START_PATH];
    uint64_t at, len; // the part of the file that it is; 0: all of it
    // Of the kernels whose modules it has, the first of them; "" for none.
    char version[VERSIONS_MAX][128];
    struct bf_module_names modules;
    struct bf_archive_info info;
    enum bf_err err;
    struct bf_fault fault;
    bool init;
    bool index;                                   // modules.dep.bin, which modprobe(8) reads
    enum bf_lvm_sees lvm[BF_COUNT(lvm_conf)];     // what the filters of each let LVM see
    struct bf_text crypttab[BF_COUNT(crypttabs)]; // owned
    bool lvm_hardware;                            // its list of devices names hardware
};

// The lists of one kernel, the same.
struct bf_kernel_lists {
    struct bf_kernel_lists *next;
    struct bf_module_lists lists;
};

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

// "usr/lib/modules/6.1.0/kernel/..." has modules of 6.1.0.
static void see_version(struct bf_read_image *image, const char *name)
{
    const char *at = strstr(name, "lib/modules/");
    size_t len = at ? strcspn(at + 12, "/") : 0;
    if (!len || at[12 + len] != '/' || len >= sizeof image->version[0])
        return;
    for (size_t i = 0; i < VERSIONS_MAX; i++)
        if (!image->version[i][0] || bf_word_is(at + 12, len, image->version[i])) {
            snprintf(image->version[i], sizeof image->version[i], "%.*s", (int)len, at + 12);
            return;
        }
}

// Whether its modules can be those of a kernel: a kernel loads none of another one.
static bool is_for(const struct bf_read_image *image, const char *version)
{
    if (!image->version[0][0])
        return true;
    for (size_t i = 0; i < VERSIONS_MAX; i++)
        if (!image->version[i][0] || strcmp(image->version[i], version) == 0)
            return image->version[i][0] != 0;
    return true; // of more kernels than are noted
}

// A later file takes the place of an earlier one, and a link hides it.
static void see_lvm(struct bf_read_image *image, const struct bf_archive_entry *e)
{
    bool file = (e->mode & 0170000) == 0100000;
    for (size_t i = 0; i < BF_COUNT(lvm_conf); i++)
        if (strcmp(e->name, lvm_conf[i]) == 0)
            image->lvm[i] = !file     ? BF_LVM_SEES_ALL
                            : e->data ? bf_lvm_sees(image->f, e->data, (size_t)e->size)
                                      : BF_LVM_SEES_UNKNOWN;
    if (strcmp(e->name, "etc/lvm/devices/system.devices") == 0)
        image->lvm_hardware = file && e->data && bf_lvm_lists_hardware(e->data, (size_t)e->size);
}

static void see_crypttab(struct bf_read_image *image, const struct bf_archive_entry *e)
{
    for (size_t i = 0; e->data && e->size < 65536 && i < BF_COUNT(crypttabs); i++)
        if (strcmp(e->name, crypttabs[i]) == 0) {
            bf_text_free(&image->crypttab[i]);
            if ((e->mode & 0170000) == 0100000)
                bf_text_add(&image->crypttab[i], e->data, (size_t)e->size);
        }
}

static bool see_entry(void *arg, const struct bf_archive_entry *e)
{
    struct bf_read_image *image = arg;
    char name[BF_MODULE_NAME];
    image->init = image->init || strcmp(e->name, "init") == 0;
    image->index = image->index || ends_in(e->name, "/modules.dep.bin");
    see_version(image, e->name);
    if (strncmp(e->name, "etc/lvm/", 8) == 0)
        see_lvm(image, e);
    see_crypttab(image, e);
    // Where a script loads them by a list, they may stand anywhere.
    if (bf_module_name_of(e->name, strlen(e->name), name))
        bf_module_names_add(&image->modules, name, NULL);
    return true;
}

// How many images a start has: the files that are named, or the part of a unified one.
static size_t images_of(const struct bf_start *s)
{
    return s->unified ? s->initrd_len > 0 : s->initrds;
}

// The image `n` of a start.
static const struct bf_read_image *image_of(struct bf_walk *w, const struct bf_start *s, size_t n)
{
    const char *path = s->unified ? s->kernel : s->initrd[n];
    uint64_t at = s->unified ? s->initrd_at : 0, len = s->unified ? s->initrd_len : 0;
    for (const struct bf_read_image *i = w->images; i; i = i->next)
        if (strcmp(i->path, path) == 0 && i->at == at && i->len == len)
            return i;
    struct bf_read_image *image = calloc(1, sizeof *image);
    if (!image) {
        w->f->edits.failed = true;
        return NULL;
    }
    snprintf(image->path, sizeof image->path, "%s", path);
    image->f = w->f;
    image->at = at;
    image->len = len;
    image->err =
        len ? bf_archive_read_part(&w->f->edits, path, at, len, see_entry, image, &image->info,
                                   &image->fault)
            : bf_archive_read(&w->f->edits, path, see_entry, image, &image->info, &image->fault);
    bf_module_names_sort(&image->modules);
    w->f->edits.failed = w->f->edits.failed || image->modules.failed;
    image->next = w->images;
    return w->images = image;
}

static const struct bf_module_lists *lists_of(struct bf_walk *w, const char *version)
{
    for (const struct bf_kernel_lists *k = w->lists; k; k = k->next)
        if (strcmp(k->lists.version, version) == 0)
            return &k->lists;
    struct bf_kernel_lists *k = calloc(1, sizeof *k);
    if (!k) {
        w->f->edits.failed = true;
        return NULL;
    }
    bf_module_lists_open(&k->lists, w->f->root, version);
    k->next = w->lists;
    w->lists = k;
    return &k->lists;
}

void bf_judge_free(struct bf_walk *w)
{
    for (struct bf_read_image *i = w->images, *next; i; i = next) {
        next = i->next;
        bf_module_names_free(&i->modules);
        for (size_t k = 0; k < BF_COUNT(crypttabs); k++)
            bf_text_free(&i->crypttab[k]);
        free(i);
    }
    for (struct bf_kernel_lists *k = w->lists, *next; k; k = next) {
        next = k->next;
        bf_module_lists_free(&k->lists);
        free(k);
    }
}

// ---- One module ---------------------------------------------------------------------------------

enum module_state { STATE_NONE, STATE_BUILTIN, STATE_THERE, STATE_MISSING };

static bool is_loaded(struct bf_walk *w, const struct bf_start *s, const char *version,
                      const char *name)
{
    for (size_t i = 0; i < images_of(s); i++) {
        const struct bf_read_image *image = image_of(w, s, i);
        if (image && is_for(image, version) && bf_module_names_find(&image->modules, name))
            return true;
    }
    return false;
}

// Whether the kernel has a module, and the images have it with all that it needs.
static enum module_state look_for(struct bf_walk *w, const struct bf_start *s,
                                  const struct bf_module_lists *l, const char *name,
                                  char missing[BF_MODULE_NAME])
{
    const struct bf_module_name *own = bf_module_names_find(&l->files, name);
    if (bf_module_names_find(&l->builtin, name))
        return STATE_BUILTIN;
    if (!own)
        return STATE_NONE;
    const char *at = own->line.at, *end = at + own->line.len, *word;
    size_t len;
    char need[BF_MODULE_NAME];
    while (bf_word_next(&at, end, &word, &len))
        if (bf_module_name_of(word, len, need) && !is_loaded(w, s, l->version, need)) {
            memcpy(missing, need, sizeof need);
            return STATE_MISSING;
        }
    return STATE_THERE;
}

static bool is_listed(const char *list, const char *name)
{
    char want[BF_MODULE_NAME], own[BF_MODULE_NAME];
    bf_module_name_copy(name, strlen(name), want);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        bf_module_name_copy(at, strcspn(at, ","), own);
        if (strcmp(own, want) == 0)
            return true;
    }
    return false;
}

// Of module_blacklist= the kernel reads the last one; kmod and dracut read each of theirs.
static bool is_blocked(const char *cmdline, const char *name)
{
    static const char *const each[] = {"modprobe.blacklist=", "rd.driver.blacklist="};
    char list[512];
    if (bf_cmdline_value(cmdline, "module_blacklist", list, sizeof list) && is_listed(list, name))
        return true;
    const char *at = cmdline ? cmdline : "", *end = at + strlen(at), *word;
    size_t len;
    while (bf_word_next(&at, end, &word, &len))
        for (size_t i = 0; i < BF_COUNT(each); i++) {
            snprintf(list, sizeof list, "%.*s", len < sizeof list ? (int)len : 0, word);
            size_t n = strlen(each[i]);
            if (strncmp(list, each[i], n) == 0 && is_listed(list + n, name))
                return true;
        }
    return false;
}

// ---- All of them --------------------------------------------------------------------------------

// Whether a kernel that gets no initramfs reaches some of the target's disks by itself.
static bool reaches_some(const struct bf_walk *w, const struct bf_start *s,
                         const struct bf_module_lists *l)
{
    for (const char *const *d = w->f->target->disk; !images_of(s) && *d; d++)
        if (bf_module_names_find(&l->builtin, *d))
            return true;
    return false;
}

static void judge_disks(struct bf_walk *w, struct bf_judged *j, const struct bf_module_lists *l)
{
    size_t have = 0;
    char missing[BF_MODULE_NAME];
    enum bf_trouble_kind lacks = reaches_some(w, j->start, l) ? BF_TROUBLE_DOUBT : BF_TROUBLE_STOPS;
    for (const char *const *d = w->f->target->disk; *d; d++) {
        enum module_state state = look_for(w, j->start, l, *d, missing);
        have += state != STATE_NONE;
        if (state == STATE_MISSING)
            bf_judge_say(w, j, lacks,
                         "gets no initramfs with the driver %s, which the disks of a %s machine "
                         "may need",
                         missing, w->f->target->name);
        else if (state == STATE_THERE && is_blocked(j->start->cmdline, *d))
            bf_judge_say(w, j, BF_TROUBLE_STOPS, "has the driver %s on a blacklist", *d);
    }
    if (have == 0)
        bf_judge_say(w, j, BF_TROUBLE_STOPS,
                     "starts kernel %s, which has no driver for the disks of a %s machine",
                     j->version, w->f->target->name);
}

// The file system of the root, and what it stands on.
static void judge_root_drivers(struct bf_walk *w, struct bf_judged *j,
                               const struct bf_module_lists *l)
{
    static const char *const kind[] = {"ext4", "xfs", "btrfs", "f2fs"};
    const char *need[2];
    char missing[BF_MODULE_NAME];
    size_t count = 0;
    for (size_t i = 0; j->dev && i < BF_COUNT(kind); i++)
        if (strcmp(j->dev->type, kind[i]) == 0)
            need[count++] = kind[i];
    if (j->dev && j->dev->stacked && strncmp(j->dev->name, "/dev/mapper/", 12) == 0)
        need[count++] = "dm_mod";
    for (size_t i = 0; i < count; i++)
        if (look_for(w, j->start, l, need[i], missing) == STATE_MISSING)
            bf_judge_say(w, j, BF_TROUBLE_STOPS,
                         "gets no initramfs with the driver %s, which its root file system needs",
                         missing);
}

// "vg-lv": a volume, and no opened LUKS device or array of disks.
static bool is_volume(const struct bf_device *dev)
{
    return dev && dev->stacked && strncmp(dev->name, "/dev/mapper/", 12) == 0 &&
           strncmp(dev->name + 12, "luks-", 5) != 0 && strchr(dev->name + 12, '-');
}

// A volume is found by what the image's own copies of LVM's files let it look at.
static void judge_volume(struct bf_walk *w, struct bf_judged *j)
{
    for (size_t i = 0; is_volume(j->dev) && i < images_of(j->start); i++) {
        const struct bf_read_image *image = image_of(w, j->start, i);
        for (size_t k = 0; image && k < BF_COUNT(lvm_conf); k++) {
            if (image->lvm[k] == BF_LVM_SEES_ALL)
                continue;
            bool none = image->lvm[k] == BF_LVM_SEES_NONE;
            bf_judge_say(w, j, none ? BF_TROUBLE_STOPS : BF_TROUBLE_DOUBT,
                         "gets an initramfs whose %s %s the disks of a %s machine from LVM, on "
                         "which its root is",
                         lvm_conf[k], none ? "hides" : "may hide", w->f->target->name);
        }
        if (image && image->lvm_hardware)
            bf_judge_say(w, j, BF_TROUBLE_DOUBT,
                         "gets an initramfs whose etc/lvm/devices/system.devices lists disks by "
                         "the old hardware: LVM may not find its root");
    }
}

// Whether everything that the kernel gets could be read.
static bool judge_files(struct bf_walk *w, struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    bool read = true, init = false, index = false;
    for (size_t i = 0; i < images_of(s); i++) {
        const struct bf_read_image *image = image_of(w, s, i);
        if (!image)
            return false;
        if (!j->version[0])
            snprintf(j->version, sizeof j->version, "%s", image->version[0]);
        init = init || image->init;
        index = index || image->index || !image->modules.count;
        read = read && !image->err && !image->info.trouble[0];
        if (image->err == BF_ERR_NOT_FOUND)
            bf_judge_say(w, j, bf_walk_missing(w), "loads the initramfs %s, which is not there",
                         image->path);
        else if (image->err)
            bf_judge_say(w, j, BF_TROUBLE_DOUBT, "loads the initramfs %s, which cannot be read: %s",
                         image->path, image->fault.what);
        else if (image->info.trouble[0])
            bf_judge_say(w, j, bf_walk_missing(w), "loads the initramfs %s, which %s", image->path,
                         image->info.trouble);
    }
    if (read && images_of(s) && !init)
        bf_judge_say(w, j, BF_TROUBLE_STOPS, "gets an initramfs without /init");
    if (read && images_of(s) && !index)
        bf_judge_say(w, j, BF_TROUBLE_DOUBT,
                     "gets an initramfs without modules.dep.bin, by which drivers are found unless "
                     "its init loads them by a list");
    return read;
}

static void judge_crypttabs(struct bf_walk *w, struct bf_judged *j)
{
    for (size_t i = 0; i < images_of(j->start); i++) {
        const struct bf_read_image *image = image_of(w, j->start, i);
        for (size_t k = 0; image && k < BF_COUNT(crypttabs); k++)
            bf_judge_crypttab(w, j, crypttabs[k], bf_text_get(&image->crypttab[k]),
                              image->crypttab[k].len);
    }
}

void bf_judge_images(struct bf_walk *w, struct bf_judged *j)
{
    if (!judge_files(w, j))
        return;
    judge_volume(w, j);
    judge_crypttabs(w, j);
    const struct bf_module_lists *lists = lists_of(w, j->version);
    if (!lists || !lists->dep) {
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "starts a kernel whose modules are not known");
        return;
    }
    judge_disks(w, j, lists);
    judge_root_drivers(w, j, lists);
}
