// SPDX-License-Identifier: Apache-2.0
// The report's first ten lines: whether the system starts, with which addresses, what was changed,
// and what an administrator should look at. Everything else is detail.
#include <stdio.h>
#include <string.h>

#include "finalize/core/report_lines.h"

#define LINE_MAX_SHOWN 160 // of a line that is told in full further down
#define LOOK_MAX       5
#define GROUPS_MAX     5

// A text on one line, cut at a length that a terminal shows.
static void add_short(struct bf_text *out, const char *text)
{
    char cut[LINE_MAX_SHOWN + 4];
    size_t len = strcspn(text, "\n");
    if (len <= LINE_MAX_SHOWN)
        snprintf(cut, sizeof cut, "%.*s", (int)len, text);
    else
        snprintf(cut, sizeof cut, "%.*s...", LINE_MAX_SHOWN - 3, text);
    bf_report_clean(out, "", cut, "");
}

static const json_t *chosen(const json_t *start)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(start, "entries"), i, entry)
    {
        if (json_is_true(json_object_get(entry, "chosen")))
            return entry;
    }
    return NULL;
}

static void text_entry(const json_t *entry, struct bf_text *out)
{
    const char *title = bf_report_field(entry, "title"), *root = bf_report_field(entry, "root");
    const char *version = bf_report_field(entry, "version");
    json_int_t line = json_integer_value(json_object_get(entry, "line"));
    bf_report_clean(out, "", bf_report_field(entry, "loader"), "");
    bf_report_clean(out, *title ? " \"" : "", title, *title ? "\"" : "");
    bf_report_clean(out, " (", bf_report_field(entry, "file"), "");
    if (line)
        bf_textf(out, ", line %d", (int)line);
    bf_report_clean(out, ")", *version ? ", kernel " : "", version);
    bf_report_clean(out, *root ? ", root=" : "", root, "");
}

static void text_start(const json_t *start, bool refused, struct bf_text *out)
{
    const json_t *entry = chosen(start);
    const char *verdict = bf_report_field(start, "verdict");
    const char *doubt =
        json_string_value(json_array_get(json_object_get(start, "not_followed"), 0));
    bool starts = strcmp(verdict, "starts") == 0, stops = strcmp(verdict, "does not start") == 0;
    if (!start || (stops && refused))
        return; // the result says why
    if (stops)
        doubt = json_string_value(json_array_get(json_object_get(start, "stops"), 0));
    bf_text_str(out, starts  ? "starts: "
                     : stops ? "does not start, as far as can be seen: "
                             : "may start, which is not certain: ");
    if (starts && entry)
        text_entry(entry, out);
    else
        add_short(out, doubt ? doubt : "");
    bf_text_str(out, "\n");
}

// "enp0s3 203.0.113.5/24 2001:db8::5/64; bond0 DHCP"
static void text_new_addresses(const json_t *rows, struct bf_text *out)
{
    size_t i, k;
    const json_t *row, *v;
    struct bf_text all = {0};
    json_array_foreach(rows, i, row)
    {
        const char *carrier = bf_report_field(row, "carrier");
        if (i && json_equal(row, json_array_get(rows, i - 1)))
            continue;
        bf_report_clean(&all, all.len ? "; " : "",
                        *carrier ? carrier : bf_report_field(row, "interface"), "");
        json_array_foreach(json_object_get(row, "new"), k, v)
        {
            bf_report_clean(&all, " ", json_string_value(v) ? json_string_value(v) : "", "");
        }
    }
    if (all.len) {
        bf_text_str(out, "addresses: ");
        add_short(out, bf_text_get(&all));
        bf_text_str(out, "\n");
    }
    bf_text_free(&all);
}

struct group {
    const char *reason;
    size_t len, files;
};

// Files by the first of the reasons for which they changed.
static size_t group_changes(const json_t *changes, struct group group[GROUPS_MAX], size_t *rest)
{
    size_t i, count = 0, k;
    const json_t *change;
    *rest = 0;
    json_array_foreach(changes, i, change)
    {
        const char *reason = bf_report_field(change, "reason");
        size_t len = strcspn(reason, ";");
        for (k = 0; k < count; k++)
            if (group[k].len == len && memcmp(group[k].reason, reason, len) == 0)
                break;
        if (k == GROUPS_MAX) {
            ++*rest;
            continue;
        }
        if (k == count)
            group[count++] = (struct group){reason, len, 0};
        group[k].files++;
    }
    return count;
}

static void text_what_changed(const json_t *changes, struct bf_text *out)
{
    struct group group[GROUPS_MAX];
    size_t rest, count = group_changes(changes, group, &rest);
    struct bf_text all = {0};
    for (size_t i = 0; i < count; i++) {
        bf_textf(&all, "%s%.*s", i ? ", " : "", (int)group[i].len, group[i].reason);
        if (group[i].files > 1)
            bf_textf(&all, " (%zu files)", group[i].files);
    }
    if (rest)
        bf_textf(&all, ", and %zu more", rest);
    if (all.len) {
        bf_text_str(out, "changed: ");
        bf_report_clean(out, "", bf_text_get(&all), "\n");
    }
    bf_text_free(&all);
}

static void text_look_at(const json_t *notes, struct bf_text *out)
{
    size_t i, count = 0;
    const json_t *note;
    json_array_foreach(notes, i, note)
    {
        const char *about = bf_report_field(note, "about");
        if (strcmp(bf_report_field(note, "level"), "warning") != 0 || ++count > LOOK_MAX)
            continue;
        struct bf_text line = {0};
        bool start = strcmp(about, "start") == 0;
        bf_textf(&line, "%s%s%s", start ? "" : about, start ? "" : ": ",
                 bf_report_field(note, "text"));
        bf_text_str(out, "look at: ");
        add_short(out, bf_text_get(&line));
        bf_text_str(out, "\n");
        bf_text_free(&line);
    }
    if (count > LOOK_MAX)
        bf_textf(out, "look at: %zu more warnings below\n", count - LOOK_MAX);
}

void bf_report_verdict(const json_t *report, struct bf_text *out)
{
    text_start(json_object_get(report, "start"), *bf_report_field(report, "error") != 0, out);
    text_new_addresses(json_object_get(report, "addresses"), out);
    text_what_changed(json_object_get(report, "changes"), out);
    text_look_at(json_object_get(report, "notes"), out);
}
