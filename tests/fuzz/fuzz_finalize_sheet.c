// SPDX-License-Identifier: Apache-2.0
// The table of plans over any bytes: what is taken are plans that the plan's parser takes, a
// refused one has a message for each mistake, and none has a control character.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/plan.h"
#include "finalize/plan/sheet.h"
#include "finalize/target/plan_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_name(const char *name)
{
    return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.@") == strlen(name);
}

static void check_lines(const struct bf_text *t)
{
    const char *text = bf_text_get(t);
    for (size_t i = 0; i < t->len; i++)
        if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~') && text[i] != '\t')
            abort();
    if (t->len && (strncmp(text, "line ", 5) != 0 || text[t->len - 1] != '\n'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_plan plan;
    struct bf_plan_table sheet;
    struct bf_fault fault;
    // The first byte says whether a kind is given for all.
    const char *target = size && data[0] % 2 ? "kvm" : NULL;
    size_t skip = size > 0;
    enum bf_err err =
        bf_sheet_parse((const char *)data + skip, size - skip, target, is_name, &sheet);
    if (err ? !sheet.errors.len || !sheet.error_count || sheet.machines
            : sheet.errors.len || !sheet.machines)
        abort();
    check_lines(&sheet.errors);
    check_lines(&sheet.warnings);
    for (size_t i = 0; i < sheet.machines; i++) {
        const struct bf_sheet_machine *m = &sheet.machine[i];
        if (!is_name(m->name) || !m->line || bf_plan_parse(m->plan, strlen(m->plan), &plan, &fault))
            abort();
    }
    bf_sheet_free(&sheet);
    return 0;
}
