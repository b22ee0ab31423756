// SPDX-License-Identifier: Apache-2.0
// Prints what a tree would start, as the rehearsal's readers of boot loaders see it:
// finalize_starts [--firmware uefi|bios] [--no-fallback] [--devices FILE] DIR. A start that is
// chosen has a "*".
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/boot/steps.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/system/steps.h"

static void print_start(const struct bf_start *s)
{
    printf("%c %s %s:%u \"%s\"%s\n", s->chosen ? '*' : '-', s->loader, s->file, s->line, s->title,
           s->kind == BF_START_OTHER ? " (other)" : "");
    if (s->kernel[0])
        printf("  kernel %s\n", s->kernel);
    for (size_t i = 0; i < s->initrds; i++)
        printf("  initrd %s\n", s->initrd[i]);
    if (s->unified)
        printf("  unified %llu+%llu\n", (unsigned long long)s->initrd_at,
               (unsigned long long)s->initrd_len);
    if (s->cmdline)
        printf("  cmdline %s\n", s->cmdline);
    if (s->blocked[0])
        printf("  blocked %s\n", s->blocked);
    if (s->unknown[0])
        printf("  unknown %s\n", s->unknown);
}

static void walk(struct bf_fin *f)
{
    static const char *const kind[] = {"STOPS", "DOUBT", "LOOK"};
    struct bf_walk w = {.f = f, .start = calloc(BF_STARTS_MAX, sizeof *w.start)};
    if (w.start)
        bf_walk_firmware(&w);
    for (size_t i = 0; i < w.starts; i++) {
        print_start(&w.start[i]);
        free(w.start[i].cmdline);
    }
    for (size_t i = 0; i < w.troubles; i++) {
        printf("%s %s\n", kind[w.trouble[i].kind], w.trouble[i].text);
        free(w.trouble[i].text);
    }
    if (bf_budget_is_over(&f->budget))
        printf("OVER %s\n", f->budget.over);
    json_decref(w.saved);
    free(w.start);
}

static bool read_devices(const char *file, struct bf_devices *out)
{
    json_t *list = json_load_file(file, 0, NULL);
    bool ok = list && !bf_devices_parse(list, out);
    json_decref(list);
    return ok;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"firmware", required_argument, NULL, 'f'},
                                            {"devices", required_argument, NULL, 'd'},
                                            {"no-fallback", no_argument, NULL, 'n'},
                                            {0}};
    struct bf_devices devices = {0};
    struct bf_plan plan = {.efi_fallback = true};
    struct bf_fin_root root;
    struct bf_fin_report report;
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 'f')
            snprintf(plan.firmware, sizeof plan.firmware, "%s", optarg);
        else if (o == 'n')
            plan.efi_fallback = false;
        else if (o != 'd' || !read_devices(optarg, &devices))
            return 2;
    }
    if (optind + 1 != argc || bf_fin_root_attach(&root, argv[optind], NULL))
        return 2;
    struct bf_fin f = {.root = &root,
                       .report = &report,
                       .plan = &plan,
                       .devices = &devices,
                       .architectures = bf_architectures};
    bf_fin_report_init(&report, "inspect");
    bf_budget_begin(&f.budget, "rehearsal");
    root.budget = &f.budget;
    bf_edits_init(&f.edits, &root);
    bf_system_init(&f.system);
    bf_inspect_system(&f);
    bf_inspect_boot(&f);
    bf_inspect_mounts(&f);
    walk(&f);
    bf_system_free(&f.system);
    bf_edits_free(&f.edits);
    bf_fin_report_free(&report);
    bf_fin_root_close(&root);
    bf_devices_free(&devices);
    return 0;
}
