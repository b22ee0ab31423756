// SPDX-License-Identifier: Apache-2.0
// What the tests of the rehearsal's reader of GRUB share: scripts that are run, on the tree
// and the walk of finalize_walk.h, with a command "w", which notes the words it is given, and what
// a menu offers as a text.
#ifndef BF_TESTS_UNIT_GRUB_RIG_H
#define BF_TESTS_UNIT_GRUB_RIG_H

#include "finalize/rehearse/grub.h"
#include "finalize/rehearse/loaders.h"

#include "tests/finalize_tree.h"
#include "tests/finalize_walk.h"
#include "tests/unit/test.h"

static struct bf_text noted;
static void (*prepare)(void); // puts files and devices there before a script runs

static void forget(void)
{
    bf_devices_free(&walk_devices);
    bf_text_free(&noted);
}

static void begin(void)
{
    if (tree_root.fd < 0)
        walk_clear();
    forget();
    walk_begin();
    tree_root.budget = &walk_fin.budget;
    if (prepare)
        prepare();
}

__attribute__((unused)) static bool said(enum bf_trouble_kind kind, const char *text)
{
    for (size_t i = 0; i < walk.troubles; i++)
        if (walk.trouble[i].kind == kind && strstr(walk.trouble[i].text, text))
            return true;
    for (size_t i = 0; i < walk.troubles; i++)
        printf("# said: %s\n", walk.trouble[i].text);
    return false;
}

// A disk with an EFI system partition, a swap area, /boot, and an LVM with the root file system.
__attribute__((unused)) static void add_devices(void)
{
#define GPT(n) .name = "/dev/vda" #n, .partuuid = "11111111-2222-3333-4444-00000000000" #n
    static const struct bf_device disk[] = {
        {.part = 1, .esp = true, .type = "vfat", .uuid = "ABCD-1234", .label = "EFI", GPT(1)},
        {.part = 2, .type = "swap", .uuid = "5a5a", .label = "swap", GPT(2)},
        {.part = 3, .type = "ext4", .uuid = "b00b-1e", .label = "boot fs", GPT(3)},
        {.stacked = true, .root = true, .type = "xfs", .uuid = "5007", .name = "/dev/mapper/vg-lv"},
    };
#undef GPT
    for (size_t i = 0; i < BF_COUNT(disk); i++)
        *bf_devices_add(&walk_devices) = disk[i];
    bf_devices_place(&walk_devices, 0, "/boot/efi", "");
    bf_devices_place(&walk_devices, 2, "/boot", "");
    bf_devices_place(&walk_devices, 3, "/", "");
}

// ---- Scripts ------------------------------------------------------------------------------------

// w WORD...: notes "<WORD><WORD>\n", and succeeds as echo does.
static int note_words(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)g;
    (void)block;
    for (size_t i = 1; i < args->count; i++)
        bf_textf(&noted, "<%s>", args->word[i]);
    bf_text_str(&noted, "\n");
    return BF_GR_OK;
}

static const struct bf_gr_command *command_or_w(const char *name)
{
    static const struct bf_gr_command w = {"w", note_words};
    return strcmp(name, "w") == 0 ? &w : bf_gr_command(name);
}

// What the script's w noted. The state of the run and what was said stay for a look.
static enum bf_gr_state ended;

static const char *words_of_bytes(const char *script, size_t len)
{
    struct bf_gr g = {
        .w = &walk, .command = command_or_w, .title = "", .file = "s", .chosen = true};
    struct bf_gr_menu menu = {0};
    begin();
    g.menu = &menu;
    bf_gr_set(&g, "root", walk_devices.count ? "hd0,gpt3" : "hd0");
    bf_gr_run_text(&g, "s", script, len);
    ended = g.state;
    bf_gr_load_clear(&g.load);
    bf_gr_vars_free(&g.vars);
    bf_gr_release(&g);
    return bf_text_get(&noted);
}

static const char *words_of(const char *script)
{
    return words_of_bytes(script, strlen(script));
}

struct rig_script {
    const char *script, *words;
};

// All that differ are shown before the test fails.
__attribute__((unused)) static void check_scripts(const struct rig_script *s, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const char *got = words_of(s[i].script);
        if (strcmp(got, s[i].words) == 0)
            continue;
        printf("# script:\n%s\n# gives:\n%s# but GRUB gives:\n%s", s[i].script, got, s[i].words);
        wrong++;
    }
    CHECK_EQ(wrong, 0);
}

// ---- Menus --------------------------------------------------------------------------------------

static void print_start(struct bf_text *t, const struct bf_start *s)
{
    bf_textf(t, "%s%s: %s\n", s->chosen ? "* " : "  ",
             s->kind == BF_START_LINUX ? "linux" : "other", s->title);
    if (s->kernel[0])
        bf_textf(t, "    kernel %s\n", s->kernel);
    for (size_t i = 0; i < s->initrds; i++)
        bf_textf(t, "    initrd %s\n", s->initrd[i]);
    if (s->cmdline && s->cmdline[0])
        bf_textf(t, "    cmdline %s\n", s->cmdline);
    if (s->blocked[0])
        bf_textf(t, "    blocked: %s\n", s->blocked);
    if (s->unknown[0])
        bf_textf(t, "    unknown: %s\n", s->unknown);
}

// What /boot/grub/grub.cfg offers, and what is said of it.
__attribute__((unused)) static const char *offered(const char *config, size_t len,
                                                   const struct bf_device *dev)
{
    static const char *const kinds[] = {"stops", "doubt", "look"};
    tree_put("boot/grub/grub.cfg", config, len);
    bf_walk_grub(&walk, "/boot/grub/grub.cfg", dev);
    bf_text_empty(&noted);
    for (size_t i = 0; i < walk.starts; i++)
        print_start(&noted, &walk.start[i]);
    for (size_t i = 0; i < walk.troubles; i++)
        bf_textf(&noted, "%s: %s\n", kinds[walk.trouble[i].kind], walk.trouble[i].text);
    return bf_text_get(&noted);
}

struct rig_menu {
    const char *config, *offers;
};

__attribute__((unused)) static void check_menus(const struct rig_menu *m, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        begin();
        const char *got = offered(m[i].config, strlen(m[i].config),
                                  walk_devices.count ? &walk_devices.item[2] : NULL);
        if (strcmp(got, m[i].offers) == 0)
            continue;
        printf("# configuration:\n%s\n# offers:\n%s# but should:\n%s", m[i].config, got,
               m[i].offers);
        wrong++;
    }
    CHECK_EQ(wrong, 0);
}

#endif
