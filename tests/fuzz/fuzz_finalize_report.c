// SPDX-License-Identifier: Apache-2.0
// What a VM that a hostile disk has taken over may report: its text has no control characters, and
// the plan made of it is one that the plan's parser takes.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/plan.h"
#include "finalize/core/report.h"
#include "finalize/plan/present.h"
#include "finalize/target/plan_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct bf_text *t)
{
    const char *text = bf_text_get(t);
    for (size_t i = 0; i < t->len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 127)
            abort();
}

static void check_plan(const json_t *report, const json_t *nics)
{
    static struct bf_plan plan;
    struct bf_fault fault;
    struct bf_text notes = {0};
    json_t *made = bf_present_plan(report, nics, "kvm", NULL, &notes);
    char *text = made ? json_dumps(made, JSON_COMPACT) : NULL;
    if (!text || bf_plan_parse(text, strlen(text), &plan, &fault))
        abort();
    check_text(&notes);
    free(text);
    json_decref(made);
    bf_text_free(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *report = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct bf_text text = {0};
    if (!report)
        return 0;
    bf_fin_report_text(report, &text);
    check_text(&text);
    bf_text_free(&text);
    check_plan(report, json_object_get(report, "nics"));
    json_decref(report);
    return 0;
}
