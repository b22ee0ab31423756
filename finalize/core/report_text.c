// SPDX-License-Identifier: Apache-2.0
// The report as a text. Whoever reads it wants to know at once whether it went well and which
// interface gets which address, so these come first, and the differences of files last.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/core/report.h"
#include "finalize/core/report_lines.h"

#define CELL_MAX      48 // a cell that is longer pushes its line aside, and not the whole column
#define ADDRESSES_MAX 64 // of one interface that are shown

// ---- The result ---------------------------------------------------------------------------------

static void text_result(const json_t *report, struct bf_text *out)
{
    size_t files = json_array_size(json_object_get(report, "changes"));
    const char *mode = bf_report_field(report, "mode");
    bool dry = strcmp(mode, "dry-run") == 0,
         ok = strcmp(bf_report_field(report, "result"), "ok") == 0;
    bf_report_clean(out, "", mode, ": ");
    bf_report_clean(out, "", bf_report_field(report, "result"), "");
    if (*bf_report_field(report, "error"))
        bf_report_clean(out, ": ", bf_report_field(report, "error"), "");
    else if (ok && strcmp(mode, "inspect") != 0)
        bf_textf(out, ", %zu file%s %schanged", files, bf_plural(files), dry ? "would be " : "");
    bf_text_str(out, "\n");
}

// ---- The table of addresses ---------------------------------------------------------------------

enum { NIC, MAC, OLD, NEW, COLUMNS };

// The cells of one line of the table. A row has as many lines as its longer list of addresses.
struct line {
    struct bf_text cell[COLUMNS];
};

static void free_line(struct line *line)
{
    for (size_t i = 0; i < COLUMNS; i++)
        bf_text_free(&line->cell[i]);
}

// What is in the list: addresses of IPv6, or those of IPv4 and DHCP.
static bool is_family(const json_t *v, bool v6)
{
    const char *s = json_string_value(v);
    return s && (strchr(s, ':') != NULL) == v6;
}

static size_t count_of(const json_t *row, const char *key, bool v6)
{
    const json_t *list = json_object_get(row, key);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && i < ADDRESSES_MAX; i++)
        count += is_family(json_array_get(list, i), v6);
    return count;
}

static const char *nth(const json_t *row, const char *key, bool v6, size_t n)
{
    const json_t *list = json_object_get(row, key);
    for (size_t i = 0; i < json_array_size(list) && i < ADDRESSES_MAX; i++)
        if (is_family(json_array_get(list, i), v6) && n-- == 0)
            return json_string_value(json_array_get(list, i));
    return "";
}

// How many lines the addresses of a family take, old ones beside new ones.
static size_t lines_of(const json_t *row, bool v6)
{
    size_t old = count_of(row, "old", v6), new = count_of(row, "new", v6);
    return old > new ? old : new;
}

static size_t all_lines(const json_t *row)
{
    size_t lines = lines_of(row, false) + lines_of(row, true);
    return lines > 0 ? lines : 1;
}

static void fill_names(const json_t *row, struct line *line)
{
    const char *nic = bf_report_field(row, "interface"), *carrier = bf_report_field(row, "carrier");
    const char *old = bf_report_field(row, "old_mac"), *new = bf_report_field(row, "new_mac");
    bf_report_clean(&line->cell[NIC], "", *carrier ? carrier : *nic ? nic : "(by MAC)", "");
    if (*carrier && *nic && strcmp(nic, carrier) != 0)
        bf_report_clean(&line->cell[NIC], " on ", nic, "");
    bf_report_clean(&line->cell[MAC], "", *old ? old : *new ? "" : "-", "");
    if (*new &&strcmp(old, new) != 0)
        bf_report_clean(&line->cell[MAC], *old ? " -> " : "-> ", new, "");
}

static void fill(const json_t *row, size_t n, struct line *line)
{
    *line = (struct line){0};
    size_t first = lines_of(row, false);
    bool v6 = n >= first;
    const char *side[] = {"old", "new"};
    const char *empty =
        json_is_false(json_object_get(row, "addresses_known")) ? "not read" : "none";
    if (n == 0)
        fill_names(row, line);
    for (size_t i = 0; i < BF_COUNT(side); i++) {
        const char *text = nth(row, side[i], v6, v6 ? n - first : n);
        bool none = n == 0 && json_array_size(json_object_get(row, side[i])) == 0;
        // An old address without a new one beside it goes.
        const char *shown = none ? empty : i == 1 && !*text ? "gone" : text;
        bf_report_clean(&line->cell[OLD + i], "", shown, "");
    }
}

static void measure(const json_t *rows, size_t width[COLUMNS])
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        for (size_t n = 0; n < all_lines(row); n++) {
            struct line line;
            fill(row, n, &line);
            for (size_t c = 0; c < COLUMNS; c++)
                if (line.cell[c].len > width[c] && line.cell[c].len <= CELL_MAX)
                    width[c] = line.cell[c].len;
            free_line(&line);
        }
    }
}

static void put_cell(struct bf_text *out, const char *text, size_t width)
{
    bf_textf(out, "%-*s", (int)width, text);
}

static void put_line(struct bf_text *out, const struct line *line, const size_t width[COLUMNS],
                     const json_t *row)
{
    struct bf_text text = {0};
    bool arrow = line->cell[OLD].len || line->cell[NEW].len;
    for (size_t c = 0; c < COLUMNS; c++) {
        put_cell(&text, bf_text_get(&line->cell[c]), width[c]);
        bf_text_str(&text, c == OLD ? arrow ? " -> " : "    " : "  ");
    }
    if (row) {
        bf_report_clean(&text, "(", bf_report_field(row, "stack"), "");
        bf_report_clean(&text, *bf_report_field(row, "file") ? ", " : "",
                        bf_report_field(row, "file"), ")");
    }
    const char *s = bf_text_get(&text);
    size_t len = strlen(s);
    while (len && s[len - 1] == ' ')
        len--;
    bf_text_add(out, s, len);
    bf_text_str(out, "\n");
    bf_text_free(&text);
}

static void put_row(struct bf_text *out, const json_t *row, const size_t width[COLUMNS])
{
    for (size_t n = 0; n < all_lines(row); n++) {
        struct line line;
        fill(row, n, &line);
        put_line(out, &line, width, n == 0 ? row : NULL);
        free_line(&line);
    }
}

static void text_addresses(const json_t *rows, struct bf_text *out)
{
    static const char *const heading[COLUMNS] = {"NIC", "MAC", "OLD ADDRESS", "NEW ADDRESS"};
    size_t width[COLUMNS], i;
    const json_t *row;
    if (json_array_size(rows) == 0)
        return;
    for (size_t c = 0; c < COLUMNS; c++)
        width[c] = strlen(heading[c]);
    measure(rows, width);
    bf_text_str(out, "\n");
    for (size_t c = 0; c < COLUMNS; c++) {
        put_cell(out, heading[c], c == NEW ? 0 : width[c]);
        bf_text_str(out, c == OLD ? "    " : c == NEW ? "\n" : "  ");
    }
    // A bridge and its port may both be planned: they are one row.
    json_array_foreach(rows, i, row)
    {
        if (i == 0 || !json_equal(row, json_array_get(rows, i - 1)))
            put_row(out, row, width);
    }
}

// ---- Notes, the system, files -------------------------------------------------------------------

static void text_notes(const json_t *notes, struct bf_text *out)
{
    static const char *const level[] = {"warning", "skipped", "info"};
    size_t i;
    const json_t *note;
    if (json_array_size(notes))
        bf_text_str(out, "\n");
    for (size_t l = 0; l < BF_COUNT(level); l++)
        json_array_foreach(notes, i, note)
        {
            if (strcmp(bf_report_field(note, "level"), level[l]) != 0)
                continue;
            bf_report_clean(out, "", level[l], ": ");
            bf_report_clean(out, "", bf_report_field(note, "about"), ": ");
            bf_report_clean(out, "", bf_report_field(note, "text"), "\n");
        }
}

static void text_system(const json_t *system, struct bf_text *out)
{
    const json_t *os = json_object_get(system, "os"), *v;
    size_t i;
    if (!os)
        return;
    bf_report_clean(out, "\nsystem: ",
                    *bf_report_field(os, "name") ? bf_report_field(os, "name") : "unknown", "");
    bf_report_clean(out, " (",
                    *bf_report_field(os, "family") ? bf_report_field(os, "family") : "other", ", ");
    bf_report_clean(out, "", bf_report_field(system, "architecture"), ")");
    bf_report_clean(out, ", started by ", bf_report_field(system, "init"), "\n");
    bf_report_clean(out, "firmware: ", bf_report_field(system, "firmware"), "\nnetwork:");
    json_array_foreach(json_object_get(json_object_get(system, "network"), "stacks"), i, v)
    {
        const char *stack = json_string_value(v);
        bf_report_clean(out, " ", stack ? stack : "", "");
    }
    bf_text_str(out, "\nkernels:");
    json_array_foreach(json_object_get(system, "kernels"), i, v)
    {
        bf_report_clean(out, " ", bf_report_field(v, "version"), "");
    }
    bf_text_str(out, "\n");
}

static void text_accelerator(const json_t *accelerator, struct bf_text *out)
{
    if (!accelerator)
        return;
    bf_report_clean(out, "accelerator: ", bf_report_field(accelerator, "name"), ": ");
    bf_report_clean(out, "", bf_report_field(accelerator, "why"), "\n");
}

// What happens to which file and why, one line each; then the differences, whose heads name the
// file again.
static void text_changes(const json_t *changes, struct bf_text *out)
{
    size_t i;
    const json_t *v;
    if (json_array_size(changes))
        bf_text_str(out, "\n");
    json_array_foreach(changes, i, v)
    {
        bf_report_clean(out, "", bf_report_field(v, "action"), " ");
        bf_report_clean(out, "", bf_report_field(v, "path"), "");
        bf_report_clean(out, *bf_report_field(v, "reason") ? ": " : "",
                        bf_report_field(v, "reason"), "\n");
    }
    json_array_foreach(changes, i, v)
    {
        if (*bf_report_field(v, "diff"))
            bf_report_clean(out, "\n", bf_report_field(v, "diff"), "");
    }
}

void bf_fin_report_summary(const json_t *report, struct bf_text *out)
{
    text_result(report, out);
    bf_report_verdict(report, out);
    text_addresses(json_object_get(report, "addresses"), out);
    text_notes(json_object_get(report, "notes"), out);
}

void bf_fin_report_text(const json_t *report, struct bf_text *out)
{
    const json_t *changes = json_object_get(report, "changes");
    bf_fin_report_summary(report, out);
    text_system(json_object_get(report, "system"), out);
    text_accelerator(json_object_get(report, "accelerator"), out);
    text_changes(changes, out);
    // A long text has scrolled its beginning away.
    if (json_array_size(changes)) {
        bf_text_str(out, "\n");
        text_result(report, out);
    }
}
