// SPDX-License-Identifier: Apache-2.0
// The commands of GRUB that load a kernel with what belongs to it. What is loaded last is started
// when the entry ends.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

void bf_gr_load_clear(struct bf_gr_load *load)
{
    free(load->start.cmdline);
    *load = (struct bf_gr_load){0};
}

// A file that is needed: fills its path, and notes when it is not there. False when GRUB would not
// find it.
static bool need(struct bf_gr *g, const char *what, const char *name, char *path)
{
    enum bf_gr_found found = bf_gr_place(g, name, path);
    if (found == BF_GR_MISSING)
        bf_gr_block(g, "the %s %.90s is not there", what, name);
    if (found == BF_GR_UNSEEN)
        bf_gr_unknown(g, "the %s %.80s lies where nothing is seen", what, name);
    return found != BF_GR_MISSING;
}

// ---- The command line ---------------------------------------------------------------------------

// As GRUB hands it over: a word with a space gets double quotes, and quotes and backslashes inside
// of words a backslash.
static void add_word(struct bf_text *t, const char *word)
{
    bool space = strchr(word, ' ');
    bf_text_str(t, t->len ? " " : "");
    bf_text_str(t, space ? "\"" : "");
    for (; *word; word++) {
        bool hex = word[0] == '\\' && word[1] == 'x' && word[2] && word[3] &&
                   strspn(word + 2, "0123456789abcdefABCDEF") >= 2;
        if (strchr("\\'\"", *word) && !hex)
            bf_text_add(t, "\\", 1);
        bf_text_add(t, word, 1);
    }
    bf_text_str(t, space ? "\"" : "");
}

static void set_cmdline(struct bf_gr *g, char **word, size_t count)
{
    struct bf_text t = {0};
    for (size_t i = 0; i < count; i++)
        add_word(&t, word[i]);
    free(g->load.start.cmdline);
    g->load.start.cmdline = bf_text_ok(&t) ? bf_word_dup(bf_text_get(&t), t.len) : NULL;
    if (!g->load.start.cmdline)
        bf_gr_lose(g, "needs more memory than there is");
    bf_text_free(&t);
}

// ---- Kernels ------------------------------------------------------------------------------------

// Begins anew, but for what has been said of the entry. A kernel that was not there before this one
// costs a message alone.
static void begin(struct bf_gr *g)
{
    struct bf_start *s = &g->load.start;
    if (!g->load.loaded && s->kernel[0])
        s->blocked[0] = 0;
    free(s->cmdline);
    s->cmdline = NULL;
    s->kind = BF_START_LINUX;
    s->kernel[0] = 0;
    s->initrds = 0;
    g->load.loaded = g->load.xen = false;
    g->load.modules = 0;
}

int bf_gr_linux(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count < 2) {
        bf_gr_block(g, "%.40s names no kernel", args->word[0]);
        return BF_GR_FAIL;
    }
    begin(g);
    if (strstr(args->word[1], "memtest"))
        g->load.start.kind = BF_START_OTHER;
    g->load.loaded = need(g, "kernel", args->word[1], g->load.start.kernel);
    set_cmdline(g, args->word + 2, args->count - 2);
    return g->load.loaded ? BF_GR_OK : BF_GR_FAIL;
}

static bool add_initrd(struct bf_gr *g, const char *name)
{
    struct bf_start *s = &g->load.start;
    if (s->initrds == BF_INITRDS_MAX) {
        bf_gr_unknown(g, "loads more than %d initramfs files", BF_INITRDS_MAX);
        return true;
    }
    // newc:NAME:FILE puts the file into the initramfs under a name.
    bool packed = strncmp(name, "newc:", 5) == 0;
    const char *file = packed ? strchr(name + 5, ':') : name;
    char path[BF_START_PATH];
    packed = packed && file;
    if (!need(g, "initramfs", packed ? file + 1 : name, path))
        return false;
    if (!packed)
        memcpy(s->initrd[s->initrds++], path, sizeof path);
    return true;
}

int bf_gr_initrd(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    g->load.start.initrds = 0;
    if (args->count < 2 || !g->load.loaded) {
        bf_gr_block(g, "%.40s %s", args->word[0],
                    args->count < 2 ? "names no file" : "comes before the kernel");
        return BF_GR_FAIL;
    }
    for (size_t i = 1; i < args->count; i++)
        if (!add_initrd(g, args->word[i]))
            return BF_GR_FAIL;
    return BF_GR_OK;
}

// ---- Multiboot, as Xen is started ---------------------------------------------------------------

static size_t options(const struct bf_gr_words *args)
{
    size_t i = 1;
    while (i < args->count && strncmp(args->word[i], "--", 2) == 0)
        i++;
    return i;
}

int bf_gr_multiboot(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    size_t at = options(args);
    (void)block;
    begin(g);
    if (at == args->count) {
        bf_gr_block(g, "%.40s names no kernel", args->word[0]);
        return BF_GR_FAIL;
    }
    g->load.xen = true;
    g->load.start.kind = BF_START_OTHER; // until a kernel follows
    g->load.loaded = need(g, "kernel", args->word[at], g->load.start.kernel);
    return g->load.loaded ? BF_GR_OK : BF_GR_FAIL;
}

// Xen starts the first module as its kernel and gives the next to it as the initramfs.
int bf_gr_module(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    size_t at = options(args);
    (void)block;
    if (!g->load.loaded || !g->load.xen || at == args->count) {
        bf_gr_block(g, "%.40s %s", args->word[0],
                    at == args->count ? "names no file" : "comes before what it belongs to");
        return BF_GR_FAIL;
    }
    if (g->load.modules++ > 0)
        return add_initrd(g, args->word[at]) ? BF_GR_OK : BF_GR_FAIL;
    g->load.start.kind = BF_START_LINUX;
    bool found = need(g, "kernel", args->word[at], g->load.start.kernel);
    at++;
    if (at < args->count && strcmp(args->word[at], "placeholder") == 0)
        at++; // stands where the file's name would be
    set_cmdline(g, args->word + at, args->count - at);
    return found ? BF_GR_OK : BF_GR_FAIL;
}

// ---- Others -------------------------------------------------------------------------------------

int bf_gr_devicetree(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char path[BF_START_PATH];
    size_t at = options(args);
    (void)block;
    return at == args->count || need(g, "device tree", args->word[at], path) ? BF_GR_OK
                                                                             : BF_GR_FAIL;
}

int bf_gr_chainloader(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    size_t at = options(args);
    (void)block;
    begin(g);
    g->load.start.kind = BF_START_OTHER;
    if (at == args->count) {
        bf_gr_block(g, "%.40s names no file", args->word[0]);
        return BF_GR_FAIL;
    }
    if (args->word[at][strcspn(args->word[at], "+")] == '+') {
        g->load.loaded = true; // the boot sector of a disk
        return BF_GR_OK;
    }
    g->load.loaded = need(g, "loader", args->word[at], g->load.start.kernel);
    return g->load.loaded ? BF_GR_OK : BF_GR_FAIL;
}

// Kernels and loaders of other systems.
int bf_gr_foreign(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    (void)args;
    begin(g);
    g->load.start.kind = BF_START_OTHER;
    g->load.loaded = true;
    return BF_GR_OK;
}

// exit, halt, reboot, fwsetup. "fwsetup --is-supported" only asks: that is in every grub.cfg that
// GRUB 2.12, and 2.06 of most distributions, has made.
int bf_gr_leave(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    if (args->count > 1 && strcmp(args->word[1], "--is-supported") == 0)
        return BF_GR_OK;
    bf_gr_foreign(g, args, block);
    if (!g->in_entry && g->chosen)
        bf_walk_say(g->w, bf_walk_missing(g->w), g->file, g->line,
                    "GRUB leaves here, by %.40s, before it offers anything", args->word[0]);
    else if (g->chosen && strcmp(args->word[0], "exit") != 0)
        bf_gr_block(g, "%.40s ends the start", args->word[0]);
    g->state = BF_GR_LEFT;
    return BF_GR_OK;
}

int bf_gr_boot(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    (void)args;
    if (!g->load.loaded) {
        bf_gr_block(g, "boot comes before anything was loaded");
        return BF_GR_FAIL;
    }
    if (!g->in_entry)
        bf_gr_load_start(g, "", g->file, g->line);
    g->state = BF_GR_LEFT;
    return BF_GR_OK;
}

bool bf_gr_load_start(struct bf_gr *g, const char *title, const char *file, unsigned line)
{
    struct bf_start *s = bf_walk_add(g->w, "GRUB 2", file, line), *from = &g->load.start;
    if (!s)
        return false;
    s->kind = from->kind;
    s->chosen = g->chosen;
    memcpy(s->kernel, from->kernel, sizeof s->kernel);
    memcpy(s->initrd, from->initrd, sizeof s->initrd);
    s->initrds = from->initrds;
    s->cmdline = from->cmdline;
    from->cmdline = NULL;
    memcpy(s->blocked, from->blocked, sizeof s->blocked);
    memcpy(s->unknown, from->unknown, sizeof s->unknown);
    snprintf(s->title, sizeof s->title, "%s%s", g->title, title);
    if (!g->load.loaded && !s->blocked[0] && !s->unknown[0])
        snprintf(s->blocked, sizeof s->blocked, "%.160s, line %u: this entry loads nothing", file,
                 line);
    if (!g->load.loaded && !s->kernel[0])
        s->kind = BF_START_OTHER;
    return g->load.loaded;
}
