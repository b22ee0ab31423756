// SPDX-License-Identifier: Apache-2.0
// Makes plans from a table; see sheet.h. What a line says is checked by the plan's own parser, and
// its message is told with the line and the column that it comes from.
#include "finalize/plan/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/core/diff.h"
#include "finalize/core/plan.h"
#include "finalize/plan/compose.h"
#include "finalize/plan/csv.h"
#include "finalize/target/plan_parse.h"
#include "finalize/target/targets.h"

enum { ERRORS_MAX = 100, SHOWN = 60, MACHINES_MAX = 4096 };
#define SEPARATORS " \t\r\n;,"

enum column {
    NAME,
    TARGET,
    FIRMWARE,
    HOSTNAME,
    ROOT,
    MATCH_MAC,
    INTERFACE,
    OLD_ADDRESS,
    NEW_MAC,
    DHCP,
    ADDRESS,
    GATEWAY,
    DNS,
    SEARCH,
    COLUMNS
};

// `key` is the plan's place, by which its parser names a mistake.
static const struct {
    const char *name, *key, *help, *example;
} columns[COLUMNS] = {
    [NAME] = {"name", "", "the machine, as NAME or NAME@POINT; required in every line", "web-1"},
    [TARGET] = {"target", "target.kind", "the new machine's kind", "kvm"},
    [FIRMWARE] = {"firmware", "target.firmware", "uefi or bios, when that is to be checked", ""},
    [HOSTNAME] = {"hostname", "hostname", "the new name; empty: it stays", "web-1.example.org"},
    [ROOT] = {"root", "root", "UUID=... of the root file system, if there are several", ""},
    [MATCH_MAC] = {"mac", "match.mac", "finds the NIC by the MAC address it has now",
                   "52:54:00:aa:bb:01"},
    [INTERFACE] = {"interface", "match.name", "finds it by its name in the system", ""},
    [OLD_ADDRESS] = {"old_address", "match.address", "finds it by an address that it has now", ""},
    [NEW_MAC] = {"new_mac", "mac", "the MAC address in the new home; empty: the same", ""},
    [DHCP] = {"dhcp", "dhcp", "yes: addresses come by DHCP", ""},
    [ADDRESS] = {"address", "addresses", "addresses with length, separated by blanks",
                 "198.51.100.20/24 2001:db8::20/64"},
    [GATEWAY] = {"gateway", "gateway", "one for each family, separated by blanks",
                 "198.51.100.1 2001:db8::1"},
    [DNS] = {"dns", "dns", "name servers, separated by blanks; empty: the old ones stay",
             "198.51.100.53"},
    [SEARCH] = {"search", "search", "search domains, separated by blanks", "example.org"},
};

// A machine while its lines are collected.
struct machine {
    const char *name;
    unsigned line, nic_line[BF_PLAN_NICS];
    json_t *plan;
};

struct reader {
    struct bf_plan_table *sheet;
    bool (*is_name)(const char *name);
    const char *target;
    int at[BF_CSV_FIELDS]; // which column each field is
    size_t fields;
    struct bf_csv_record record;
    struct machine *machine;
    size_t machines, room;
    json_t *index, *seen; // name -> number; planned address -> the line that it is in
};

// ---- Messages -----------------------------------------------------------------------------------

static void say(struct bf_text *out, unsigned line, int column, const char *value, const char *what)
{
    struct bf_text raw = {0};
    bf_textf(&raw, "line %u", line);
    if (column >= 0)
        bf_textf(&raw, ", column \"%s\"", columns[column].name);
    if (value[0])
        bf_textf(&raw, " (%.*s%s)", SHOWN, value, strlen(value) > SHOWN ? "..." : "");
    bf_textf(&raw, ": %s", what);
    bf_printable(out, bf_text_get(&raw), raw.len);
    bf_text_str(out, "\n");
    bf_text_free(&raw);
}

static void wrong(struct reader *r, unsigned line, int column, const char *value, const char *fmt,
                  ...) __attribute__((format(printf, 5, 6)));

static void wrong(struct reader *r, unsigned line, int column, const char *value, const char *fmt,
                  ...)
{
    struct bf_text what = {0};
    va_list ap;
    if (r->sheet->error_count++ >= ERRORS_MAX)
        return;
    va_start(ap, fmt);
    bf_text_vf(&what, fmt, ap);
    va_end(ap);
    say(&r->sheet->errors, line, column, value, bf_text_get(&what));
    bf_text_free(&what);
}

static const char *cell(const struct reader *r, enum column column)
{
    for (size_t i = 0; i < r->record.fields; i++)
        if (r->at[i] == (int)column)
            return r->record.field[i];
    return "";
}

// The column of a place in a plan, "addresses[1]: ..." or "target.kind: ...", and the rest of the
// message; -1 when it is none.
static int column_of(const char *message, const char **rest)
{
    size_t len = strcspn(message, "[:");
    for (int c = 0; c < COLUMNS; c++)
        if (columns[c].key[0] && strlen(columns[c].key) == len &&
            strncmp(message, columns[c].key, len) == 0) {
            const char *colon = strstr(message, ": ");
            *rest = colon ? colon + 2 : message;
            return c;
        }
    *rest = message;
    return -1;
}

// ---- The header ---------------------------------------------------------------------------------

static int find_column(const char *name)
{
    for (int c = 0; c < COLUMNS; c++)
        if (strcasecmp(columns[c].name, name) == 0)
            return c;
    return -1;
}

static void unknown_column(struct reader *r, const char *name)
{
    struct bf_text names = {0};
    const char *known[COLUMNS];
    for (int c = 0; c < COLUMNS; c++)
        known[c] = columns[c].name;
    bf_text_list(&names, known, COLUMNS, " and ");
    if (r->record.fields == 1 && strchr(name, ';'))
        wrong(r, r->record.line, -1, "", "columns are separated by commas, and not by semicolons");
    else
        wrong(r, r->record.line, -1, name, "the header has a column that is none of %s",
              bf_text_get(&names));
    bf_text_free(&names);
}

static void read_header(struct reader *r)
{
    bool has_name = false;
    r->fields = r->record.fields;
    for (size_t i = 0; i < r->fields; i++) {
        const char *name = r->record.field[i];
        r->at[i] = find_column(name);
        if (r->at[i] < 0)
            unknown_column(r, name);
        for (size_t k = 0; k < i && r->at[i] >= 0; k++)
            if (r->at[k] == r->at[i])
                wrong(r, r->record.line, r->at[i], "", "the header has it twice");
        has_name = has_name || r->at[i] == NAME;
    }
    if (!has_name && !r->sheet->error_count)
        wrong(r, r->record.line, NAME, "",
              "the header is missing, or has no such column (see --csv-template)");
}

// ---- A machine ----------------------------------------------------------------------------------

static bool grow(struct reader *r)
{
    if (r->machines < r->room)
        return true;
    size_t room = r->room ? 2 * r->room : 16;
    struct machine *more = realloc(r->machine, room * sizeof *more);
    if (!more)
        return false;
    r->machine = more;
    r->room = room;
    return true;
}

static struct machine *add_machine(struct reader *r, const char *name)
{
    if (r->machines == MACHINES_MAX) {
        wrong(r, r->record.line, NAME, name, "is one machine more than %d", MACHINES_MAX);
        return NULL;
    }
    json_t *kept = json_string(name);
    json_t *plan = json_pack("{s:i,s:{}}", "version", 1, "target");
    if (!kept || !plan || !grow(r)) {
        json_decref(kept);
        json_decref(plan);
        wrong(r, r->record.line, -1, "", "out of memory");
        return NULL;
    }
    json_array_append_new(r->sheet->rows, kept);
    json_object_set_new(r->index, name, json_integer((json_int_t)r->machines));
    r->machine[r->machines] =
        (struct machine){.name = json_string_value(kept), .line = r->record.line, .plan = plan};
    return &r->machine[r->machines++];
}

// The machine of the line; NULL when it has no name that could be meant.
static struct machine *machine_of(struct reader *r)
{
    const char *name = cell(r, NAME);
    const json_t *known = json_object_get(r->index, name);
    if (known)
        return &r->machine[json_integer_value(known)];
    if (!name[0] || !r->is_name(name)) {
        wrong(r, r->record.line, NAME, name,
              name[0] ? "is not a machine's NAME or NAME@POINT" : "is empty");
        return NULL;
    }
    return add_machine(r, name);
}

// A value for the whole machine, which any of its lines may have.
static void set_once(struct reader *r, struct machine *m, json_t *object, const char *key,
                     enum column column)
{
    const char *value = cell(r, column), *had = json_string_value(json_object_get(object, key));
    if (!value[0])
        return;
    if (had && strcmp(had, value) != 0)
        wrong(r, r->record.line, column, value, "an earlier line of %s says %.60s", m->name, had);
    else
        json_object_set_new(object, key, json_string(value));
}

static void set_machine(struct reader *r, struct machine *m)
{
    json_t *target = json_object_get(m->plan, "target");
    set_once(r, m, target, "kind", TARGET);
    set_once(r, m, target, "firmware", FIRMWARE);
    set_once(r, m, m->plan, "hostname", HOSTNAME);
    set_once(r, m, m->plan, "root", ROOT);
}

// ---- A NIC --------------------------------------------------------------------------------------

static void set_text(struct reader *r, json_t *object, const char *key, enum column column)
{
    const char *value = cell(r, column);
    if (value[0])
        json_object_set_new(object, key, json_string(value));
}

static void set_list(struct reader *r, json_t *object, const char *key, enum column column)
{
    const char *at = cell(r, column) + strspn(cell(r, column), SEPARATORS);
    json_t *list = *at ? json_array() : NULL;
    while (*at) {
        size_t len = strcspn(at, SEPARATORS);
        json_array_append_new(list, json_stringn(at, len));
        at += len;
        at += strspn(at, SEPARATORS);
    }
    if (list)
        json_object_set_new(object, key, list);
}

static void set_dhcp(struct reader *r, json_t *nic)
{
    static const char *const yes[] = {"yes", "true", "1"}, *const no[] = {"no", "false", "0", ""};
    const char *value = cell(r, DHCP);
    for (size_t i = 0; i < BF_COUNT(no); i++)
        if (strcasecmp(value, no[i]) == 0)
            return;
    for (size_t i = 0; i < BF_COUNT(yes); i++)
        if (strcasecmp(value, yes[i]) == 0) {
            json_object_set_new(nic, "dhcp", json_true());
            return;
        }
    wrong(r, r->record.line, DHCP, value, "must be yes or no");
}

// A planned address that another line has, too, is most often a cell that was copied down.
static void note_twice(struct reader *r, const char *value, enum column column)
{
    unsigned line = (unsigned)json_integer_value(json_object_get(r->seen, value));
    char what[64];
    snprintf(what, sizeof what, "is also in line %u", line);
    if (line)
        say(&r->sheet->warnings, r->record.line, (int)column, value, what);
    else
        json_object_set_new(r->seen, value, json_integer((json_int_t)r->record.line));
}

static void note_repeated(struct reader *r, const json_t *nic)
{
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(nic, "addresses"), i, v)
    {
        char ip[INET6_ADDRSTRLEN + 4];
        const char *s = json_string_value(v);
        snprintf(ip, sizeof ip, "%.*s", (int)strcspn(s, "/"), s);
        note_twice(r, ip, ADDRESS);
    }
    if (cell(r, NEW_MAC)[0])
        note_twice(r, cell(r, NEW_MAC), NEW_MAC);
}

static json_t *nic_of(struct reader *r)
{
    json_t *match = json_object(), *nic = json_object();
    set_text(r, match, "mac", MATCH_MAC);
    set_text(r, match, "name", INTERFACE);
    set_text(r, match, "address", OLD_ADDRESS);
    if (json_object_size(match))
        json_object_set(nic, "match", match);
    json_decref(match);
    set_text(r, nic, "mac", NEW_MAC);
    set_dhcp(r, nic);
    set_list(r, nic, "addresses", ADDRESS);
    set_list(r, nic, "gateway", GATEWAY);
    set_list(r, nic, "dns", DNS);
    set_list(r, nic, "search", SEARCH);
    return nic;
}

static bool check_nic(struct reader *r, json_t *nic)
{
    struct bf_fault fault;
    const char *rest;
    if (!json_object_get(nic, "match")) {
        wrong(r, r->record.line, -1, "",
              "says something of a NIC, and none of the columns mac, interface and old_address "
              "says which");
        return false;
    }
    if (!bf_compose_check_nic(nic, &fault))
        return true;
    int column = column_of(fault.what, &rest);
    wrong(r, r->record.line, column, column >= 0 ? cell(r, (enum column)column) : "", "%s", rest);
    return false;
}

static void add_nic(struct reader *r, struct machine *m)
{
    json_t *nic = nic_of(r), *nics = json_object_get(m->plan, "nics");
    if (!nics) {
        json_object_set_new(m->plan, "nics", json_array());
        nics = json_object_get(m->plan, "nics");
    }
    if (json_object_size(nic) && check_nic(r, nic)) {
        size_t count = json_array_size(nics);
        if (count == BF_PLAN_NICS) {
            wrong(r, r->record.line, NAME, m->name, "has more than %d NICs", BF_PLAN_NICS);
        } else {
            m->nic_line[count] = r->record.line;
            json_array_append(nics, nic);
            note_repeated(r, nic);
        }
    }
    json_decref(nic);
}

static void read_row(struct reader *r)
{
    bool empty = true;
    for (size_t i = 0; i < r->record.fields; i++)
        empty = empty && !r->record.field[i][0];
    if (empty)
        return; // as spreadsheets write a blank line
    if (r->record.fields > r->fields) {
        wrong(r, r->record.line, -1, "", "has %zu fields, and the header has %zu", r->record.fields,
              r->fields);
        return;
    }
    struct machine *m = machine_of(r);
    if (!m)
        return;
    set_machine(r, m);
    add_nic(r, m);
}

// ---- Whole plans --------------------------------------------------------------------------------

// "nics[2].mac: is also the address of nics[0]" is told with lines of the table.
static void wrong_nic(struct reader *r, const struct machine *m, const char *message)
{
    unsigned at = 0, other = 0;
    int end = 0;
    const char *rest;
    if (sscanf(message, "nics[%u]%n", &at, &end) != 1 || at >= BF_PLAN_NICS) {
        wrong(r, m->line, -1, m->name, "%s", message);
        return;
    }
    const char *place = message + end + (message[end] == '.'), *cut = strstr(place, "nics[");
    int column = column_of(place, &rest);
    if (strncmp(place, "match:", 6) == 0)
        rest = place + 7;
    if (cut && sscanf(cut, "nics[%u]", &other) == 1 && other < BF_PLAN_NICS && cut >= rest)
        wrong(r, m->nic_line[at], column, "", "%.*sline %u", (int)(cut - rest), rest,
              m->nic_line[other]);
    else
        wrong(r, m->nic_line[at], column, "", "%s", rest);
}

static void check_plan(struct reader *r, struct machine *m, const char *text)
{
    static const char head[] = "plan: ";
    struct bf_fault fault;
    const char *rest;
    struct bf_plan *plan = malloc(sizeof *plan);
    if (!plan) {
        wrong(r, m->line, -1, m->name, "out of memory");
    } else if (bf_plan_parse(text, strlen(text), plan, &fault)) {
        const char *message = fault.what + (strncmp(fault.what, head, 6) == 0 ? 6 : 0);
        int column = column_of(message, &rest);
        if (strncmp(message, "nics[", 5) == 0)
            wrong_nic(r, m, message);
        else
            wrong(r, m->line, column, m->name, "%s", rest);
    }
    free(plan);
}

static void finish_machine(struct reader *r, struct machine *m, struct bf_sheet_machine *out)
{
    json_t *target = json_object_get(m->plan, "target");
    if (!json_object_get(target, "kind") && r->target)
        json_object_set_new(target, "kind", json_string(r->target));
    if (!json_object_get(target, "kind")) {
        wrong(r, m->line, TARGET, m->name,
              "no line says the kind of its new machine: fill in the "
              "column, or give --target KIND for all");
        return;
    }
    *out = (struct bf_sheet_machine){m->name, m->line, json_dumps(m->plan, JSON_INDENT(2))};
    if (out->plan)
        check_plan(r, m, out->plan);
    else
        wrong(r, m->line, -1, m->name, "out of memory");
}

static void finish(struct reader *r)
{
    struct bf_plan_table *sheet = r->sheet;
    sheet->machine = calloc(r->machines + 1, sizeof *sheet->machine);
    if (!sheet->machine)
        wrong(r, 1, -1, "", "out of memory");
    for (size_t i = 0; sheet->machine && i < r->machines; i++)
        finish_machine(r, &r->machine[i], &sheet->machine[sheet->machines++]);
    if (!r->machines && !sheet->error_count)
        wrong(r, 1, -1, "", "there is no line but the header");
}

// ---- The table ----------------------------------------------------------------------------------

static void read_rows(struct reader *r, struct bf_csv *csv)
{
    struct bf_fault fault;
    enum bf_err err;
    while ((err = bf_csv_next(csv, &r->record, &fault)) != BF_ERR_NOT_FOUND) {
        if (err)
            wrong(r, r->record.line, -1, "", "%s", fault.what);
        else
            read_row(r);
    }
}

// Without a sound header, no line means anything.
static void read_table(struct reader *r, struct bf_csv *csv)
{
    struct bf_fault fault;
    enum bf_err err = bf_csv_next(csv, &r->record, &fault);
    if (err == BF_ERR_NOT_FOUND)
        wrong(r, 1, -1, "", "the table is empty");
    else if (err)
        wrong(r, r->record.line, -1, "", "%s", fault.what);
    else
        read_header(r);
    if (r->sheet->error_count)
        return;
    read_rows(r, csv);
    finish(r);
}

static bool is_utf8(const char *text, size_t len)
{
    json_t *j = json_stringn(text, len);
    json_decref(j);
    return j != NULL;
}

static void release(struct reader *r)
{
    for (size_t i = 0; i < r->machines; i++)
        json_decref(r->machine[i].plan);
    free(r->machine);
    json_decref(r->index);
    json_decref(r->seen);
    free(r);
}

static void drop_machines(struct bf_plan_table *sheet)
{
    for (size_t i = 0; i < sheet->machines; i++)
        free(sheet->machine[i].plan);
    free(sheet->machine);
    sheet->machine = NULL;
    sheet->machines = 0;
}

enum bf_err bf_sheet_parse(const char *text, size_t len, const char *target,
                           bool (*is_name)(const char *name), struct bf_plan_table *sheet)
{
    struct bf_csv csv;
    struct reader *r = calloc(1, sizeof *r);
    *sheet = (struct bf_plan_table){.rows = json_array()};
    if (!r)
        return BF_ERR_NO_MEMORY;
    r->sheet = sheet;
    r->is_name = is_name;
    r->target = target;
    r->index = json_object();
    r->seen = json_object();
    bf_csv_begin(&csv, text, len);
    if (is_utf8(text, len)) {
        read_table(r, &csv);
    } else {
        wrong(r, 1, -1, "", "the file is not UTF-8: save it as \"CSV UTF-8\"");
    }
    if (sheet->error_count > ERRORS_MAX)
        bf_textf(&sheet->errors, "and %zu more\n", sheet->error_count - ERRORS_MAX);
    if (sheet->error_count)
        drop_machines(sheet);
    release(r);
    return sheet->error_count ? BF_ERR_CONFIG : BF_OK;
}

void bf_sheet_free(struct bf_plan_table *sheet)
{
    drop_machines(sheet);
    json_decref(sheet->rows);
    bf_text_free(&sheet->errors);
    bf_text_free(&sheet->warnings);
}

void bf_sheet_template(struct bf_text *out)
{
    struct bf_text kinds = {0};
    bf_target_names(bf_targets, &kinds);
    bf_text_str(out, "# One line for each NIC. What holds for the whole machine (target to root)\n"
                     "# may stand in any of its lines. Columns may be left out or be in another\n"
                     "# order; lines that begin with # are comments.\n#\n");
    for (int c = 0; c < COLUMNS; c++)
        bf_textf(out, "# %-11s %s%s%s\n", columns[c].name, columns[c].help, c == TARGET ? ": " : "",
                 c == TARGET ? bf_text_get(&kinds) : "");
    bf_text_free(&kinds);
    for (int c = 0; c < COLUMNS; c++)
        bf_textf(out, "%s%s", c ? "," : "\n", columns[c].name);
    for (int c = 0; c < COLUMNS; c++)
        bf_textf(out, "%s%s", c ? "," : "\n", columns[c].example);
    bf_text_str(out, "\n");
}
