// SPDX-License-Identifier: Apache-2.0
// See raspberry.h. config.txt by the Raspberry Pi's documentation ("What is config.txt?"): the last
// line of a key counts; sections are for models of the board, and those that are for all are read.
#include "finalize/rehearse/raspberry.h"

#include <stdio.h>
#include <string.h>

#include "finalize/rehearse/offer.h"

struct config {
    char kernel[128], initramfs[128], cmdline[128];
    unsigned line;
    bool own;       // initramfs: the one that is called as the kernel is
    bool sections;  // lines of one model of the board were left out
    bool arm_64bit; // is not switched off
};

static void keep(char *out, size_t size, const char *at, const char *end)
{
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    bf_offer_word(out, size, at, (size_t)(end - at));
}

static void read_key(struct config *c, const char *at, const char *end, unsigned line)
{
    char value[128];
    const char *sep = at;
    while (sep < end && *sep != '=' && *sep != ' ')
        sep++;
    size_t n = (size_t)(sep - at);
    keep(value, sizeof value, sep < end ? sep + 1 : end, end);
    if (bf_word_is(at, n, "kernel")) {
        snprintf(c->kernel, sizeof c->kernel, "%s", value);
        c->line = line;
    } else if (bf_word_is(at, n, "initramfs") || bf_word_is(at, n, "ramfsfile")) {
        value[strcspn(value, " \t")] = 0; // "FILE followkernel"
        snprintf(c->initramfs, sizeof c->initramfs, "%s", value);
    } else if (bf_word_is(at, n, "cmdline")) {
        snprintf(c->cmdline, sizeof c->cmdline, "%s", value);
    } else if (bf_word_is(at, n, "auto_initramfs")) {
        c->own = value[0] == '1';
    } else if (bf_word_is(at, n, "arm_64bit")) {
        c->arm_64bit = value[0] != '0';
    }
}

static void read_config(struct bf_walk *w, const char *file, struct config *c)
{
    size_t len, pos = 0;
    unsigned number = 0;
    bool all = true;
    struct bf_line line;
    const char *text = bf_walk_text(w, file, &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        number++;
        if (line.len && line.at[0] == '[')
            all = line.len >= 5 && strncmp(line.at, "[all]", 5) == 0;
        else if (!all)
            c->sections = true;
        else if (line.len && line.at[0] != '#')
            read_key(c, line.at, line.at + line.len, number);
    }
}

// kernel8.img has initramfs8; a name of one's own has the initramfs of that name.
static void own_initramfs(struct config *c)
{
    const char *tail = strncmp(c->kernel, "kernel", 6) == 0 ? c->kernel + 6 : "";
    snprintf(c->initramfs, sizeof c->initramfs, "initramfs%.*s", (int)strcspn(tail, "."), tail);
}

static void add_cmdline(struct bf_walk *w, struct bf_start *s, const char *path)
{
    size_t len;
    struct bf_text t = {0};
    const char *text = bf_walk_text(w, path, &len);
    if (!text) {
        bf_offer_block(s, "%.200s is not there", path);
        return;
    }
    bf_text_add(&t, text, strcspn(text, "\r\n")); // the first line alone
    bf_offer_cmdline(w, s, &t);
}

void bf_walk_raspberry(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    struct config c = {.arm_64bit = true, .cmdline = "cmdline.txt"};
    const struct bf_architecture *a = w->f->system.architecture;
    char path[BF_START_PATH];
    read_config(w, file, &c);
    bool wide = c.arm_64bit && (!a || strcmp(a->name, "aarch64") == 0);
    if (!c.kernel[0])
        snprintf(c.kernel, sizeof c.kernel, wide ? "kernel8.img" : "kernel7l.img");
    if (c.own && !c.initramfs[0])
        own_initramfs(&c);
    struct bf_start *s = bf_walk_add(w, "the Raspberry Pi's firmware", file, c.line);
    if (!s)
        return;
    s->chosen = true;
    if (bf_offer_beside(w, dev, file, c.kernel, path, sizeof path))
        bf_offer_kernel(w, s, path);
    if (c.initramfs[0] && bf_offer_beside(w, dev, file, c.initramfs, path, sizeof path))
        bf_offer_initrd(w, s, path);
    if (bf_offer_beside(w, dev, file, c.cmdline, path, sizeof path))
        add_cmdline(w, s, path);
    if (c.sections)
        bf_offer_doubt(s, "the lines of config.txt that are for one model of the board");
}
