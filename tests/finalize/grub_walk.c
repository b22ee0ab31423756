// SPDX-License-Identifier: Apache-2.0
// What the finalizer's reader of GRUB 2 makes of a tree, for tests/finalize/rehearse_grub.sh:
//
//     grub_walk parse FILE                            0: GRUB takes each statement; else the line
//     grub_walk echo FILE                             what the script would print by `echo`
//     grub_walk show ROOT FILE [DEVICES.json [NAME]]  what it offers; NAME: the device of FILE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/devices.h"
#include "finalize/rehearse/grub.h"
#include "finalize/rehearse/loaders.h"

static struct bf_fin_root root;
static struct bf_fin fin;
static struct bf_devices devices;
static struct bf_walk walk;

static void fail(const char *what)
{
    fprintf(stderr, "grub_walk: %s\n", what);
    exit(2);
}

static void open_root(const char *path)
{
    if (bf_fin_root_attach(&root, path, NULL))
        fail("no such folder");
    fin = (struct bf_fin){.root = &root, .devices = &devices};
    root.budget = &fin.budget;
    bf_budget_begin(&fin.budget, "test");
    bf_edits_init(&fin.edits, &root);
    walk.f = &fin;
    walk.start = calloc(BF_STARTS_MAX, sizeof *walk.start);
    if (!walk.start)
        fail("out of memory");
}

static void print_start(const struct bf_start *s)
{
    printf("%s%s: %s\n", s->chosen ? "* " : "  ", s->kind == BF_START_LINUX ? "linux" : "other",
           s->title);
    if (s->kernel[0])
        printf("    kernel %s\n", s->kernel);
    for (size_t i = 0; i < s->initrds; i++)
        printf("    initrd %s\n", s->initrd[i]);
    if (s->cmdline)
        printf("    cmdline %s\n", s->cmdline);
    if (s->blocked[0])
        printf("    blocked: %s\n", s->blocked);
    if (s->unknown[0])
        printf("    unknown: %s\n", s->unknown);
}

static int show(const char *file, const char *list, const char *name)
{
    static const char *const kinds[] = {"stops", "doubt", "look"};
    const struct bf_device *dev = NULL;
    json_t *json = list ? json_load_file(list, 0, NULL) : NULL;
    if (list && (!json || bf_devices_parse(json, &devices)))
        fail("no list of devices");
    for (size_t i = 0; name && i < devices.count; i++)
        if (strcmp(devices.item[i].name, name) == 0)
            dev = &devices.item[i];
    bf_walk_grub(&walk, file, dev);
    for (size_t i = 0; i < walk.starts; i++)
        print_start(&walk.start[i]);
    for (size_t i = 0; i < walk.troubles; i++)
        printf("%s: %s\n", kinds[walk.trouble[i].kind], walk.trouble[i].text);
    return bf_budget_is_over(&fin.budget);
}

static char *read_all(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? calloc(1, BF_ROOT_TEXT_MAX + 1) : NULL;
    if (!text)
        fail("no such file");
    *len = fread(text, 1, BF_ROOT_TEXT_MAX, f);
    fclose(f);
    return text;
}

static int parse(struct bf_gr *g, const char *path)
{
    struct bf_gr_source s;
    struct bf_gr_node *list;
    unsigned bad = 0;
    size_t len;
    enum bf_gr_unit unit = BF_GR_UNIT;
    char *text = read_all(path, &len);
    if (!bf_gr_source(g, text, len, &s))
        fail("out of memory");
    while (unit == BF_GR_UNIT)
        unit = bf_gr_parse(g, &s, &list, &bad);
    free(text);
    if (unit == BF_GR_UNIT_BAD)
        printf("line %u\n", bad);
    return unit == BF_GR_UNIT_BAD;
}

static int print_words(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    for (size_t i = 1; i < args->count; i++)
        printf("%s%s", i > 1 ? " " : "", args->word[i]);
    printf("\n");
    return BF_GR_OK;
}

static const struct bf_gr_command echo = {"echo", print_words};

// A loader's commands are left out, so that a function of the script can show what they get.
static const struct bf_gr_command *command(const char *name)
{
    if (strcmp(name, "echo") == 0)
        return &echo;
    return strcmp(name, "linux") == 0 || strcmp(name, "initrd") == 0 ? NULL : bf_gr_command(name);
}

static int run(struct bf_gr *g, const char *path)
{
    size_t len;
    char *text = read_all(path, &len);
    g->command = command;
    bf_gr_set(g, "root", "hd0");
    bf_gr_run_text(g, path, text, len);
    free(text);
    return g->state == BF_GR_LOST;
}

int main(int argc, char **argv)
{
    struct bf_gr g = {.w = &walk, .title = "", .file = "script", .chosen = true};
    if (argc < 3)
        fail("parse FILE | echo FILE | show ROOT FILE [DEVICES [NAME]]");
    open_root(strcmp(argv[1], "show") == 0 ? argv[2] : "/");
    if (strcmp(argv[1], "show") == 0 && argc > 3)
        return show(argv[3], argc > 4 ? argv[4] : NULL, argc > 5 ? argv[5] : NULL);
    return strcmp(argv[1], "parse") == 0 ? parse(&g, argv[2]) : run(&g, argv[2]);
}
