// SPDX-License-Identifier: Apache-2.0
// The finalizer's report as text, see cli_report.h. The VM already blanked secrets; control
// characters, which a hostile disk could have put into a file's name, are replaced here.
#include "replica/cli_report.h"

#include <string.h>

static void put_text(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        putc(*c >= ' ' || *c == '\n' || *c == '\t' ? (*c == 127 ? '?' : *c) : '?', out);
}

static void put_field(FILE *out, const char *before, const json_t *object, const char *key,
                      const char *after)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || !text[0])
        return;
    fputs(before, out);
    put_text(out, text);
    fputs(after, out);
}

static void put_system(const json_t *system, FILE *out)
{
    size_t i;
    const json_t *kernel, *kernels = json_object_get(system, "kernels");
    put_field(out, "system:   ", json_object_get(system, "os"), "name", "\n");
    put_field(out, "firmware: ", system, "firmware", "\n");
    json_array_foreach(kernels, i, kernel)
    {
        put_field(out, "kernel:   ", kernel, "version", "\n");
    }
}

static void put_change(const json_t *change, FILE *out)
{
    put_field(out, "\n", change, "action", "");
    put_field(out, " ", change, "path", "");
    put_field(out, ": ", change, "reason", "");
    fputs("\n", out);
    put_field(out, "", change, "diff", "");
}

static void put_note(const json_t *note, FILE *out)
{
    put_field(out, "", note, "level", ": ");
    put_field(out, "", note, "about", ": ");
    put_field(out, "", note, "text", "\n");
}

void bf_cli_report(const json_t *report, FILE *out)
{
    size_t i;
    const json_t *item, *changes = json_object_get(report, "changes"),
                        *notes = json_object_get(report, "notes");
    put_system(json_object_get(report, "system"), out);
    json_array_foreach(changes, i, item)
    {
        put_change(item, out);
    }
    if (json_array_size(notes))
        fputs("\n", out);
    json_array_foreach(notes, i, item)
    {
        put_note(item, out);
    }
    put_field(out, "\n", report, "mode", ": ");
    put_field(out, "", report, "result", "");
    fprintf(out, ", %zu file%s\n", json_array_size(changes),
            json_array_size(changes) == 1 ? "" : "s");
    put_field(out, "", report, "error", "\n");
}
