// SPDX-License-Identifier: Apache-2.0
// Reads comma-separated values; see csv.h.
#include "finalize/plan/csv.h"

#include <stdbool.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void bf_csv_begin(struct bf_csv *csv, const char *text, size_t len)
{
    size_t mark = sizeof BYTE_ORDER_MARK - 1;
    *csv = (struct bf_csv){.text = text, .len = len, .line = 1};
    if (len >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0)
        csv->pos = mark;
}

static bool is_at_end(const struct bf_csv *csv)
{
    return csv->pos == csv->len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Whether a line ends at a position, and how many bytes its end has.
static size_t line_end(const struct bf_csv *csv, size_t pos)
{
    if (pos < csv->len && csv->text[pos] == '\n')
        return 1;
    if (pos + 1 < csv->len && csv->text[pos] == '\r' && csv->text[pos + 1] == '\n')
        return 2;
    return pos + 1 == csv->len && csv->text[pos] == '\r' ? 1 : 0;
}

static void skip_line(struct bf_csv *csv)
{
    const char *end = memchr(csv->text + csv->pos, '\n', csv->len - csv->pos);
    csv->pos = end ? (size_t)(end - csv->text) + 1 : csv->len;
    csv->line++;
}

static void skip_blanks(struct bf_csv *csv)
{
    while (!is_at_end(csv) && is_blank(csv->text[csv->pos]))
        csv->pos++;
}

// Passes over comments and blank lines; false at the end.
static bool find_record(struct bf_csv *csv)
{
    while (!is_at_end(csv)) {
        size_t at = csv->pos;
        while (at < csv->len && is_blank(csv->text[at]))
            at++;
        if (at < csv->len && csv->text[csv->pos] != '#' && !line_end(csv, at))
            return true;
        skip_line(csv);
    }
    return false;
}

static enum bf_err no(struct bf_fault *fault, const char *what)
{
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the file", "%s", what);
}

static enum bf_err put(struct bf_csv_record *r, char c, struct bf_fault *fault)
{
    if (c == 0)
        return no(fault, "a zero byte: this is no text");
    if (r->used >= sizeof r->bytes - 1)
        return no(fault, "it is too long");
    r->bytes[r->used++] = c;
    return BF_OK;
}

static enum bf_err quoted(struct bf_csv *csv, struct bf_csv_record *r, struct bf_fault *fault)
{
    for (csv->pos++; !is_at_end(csv); csv->pos++) {
        char c = csv->text[csv->pos];
        if (c == '"') {
            if (csv->pos + 1 == csv->len || csv->text[csv->pos + 1] != '"')
                break;
            csv->pos++;
        }
        csv->line += c == '\n';
        if (put(r, c, fault))
            return fault->code;
    }
    if (is_at_end(csv))
        return no(fault, "a quote that begins in this line does not end");
    csv->pos++;
    skip_blanks(csv);
    if (!is_at_end(csv) && csv->text[csv->pos] != ',' && !line_end(csv, csv->pos))
        return no(fault, "text after the quote that ends a field (write a quote inside it twice)");
    return BF_OK;
}

static enum bf_err plain(struct bf_csv *csv, struct bf_csv_record *r, struct bf_fault *fault)
{
    size_t begin = r->used;
    while (!is_at_end(csv) && csv->text[csv->pos] != ',' && !line_end(csv, csv->pos)) {
        char c = csv->text[csv->pos];
        if (c == '"')
            return no(fault, "a quote inside a field that does not begin with one");
        if (put(r, c, fault))
            return fault->code;
        csv->pos++;
    }
    while (r->used > begin && is_blank(r->bytes[r->used - 1]))
        r->used--;
    return BF_OK;
}

static enum bf_err read_field(struct bf_csv *csv, struct bf_csv_record *r, struct bf_fault *fault)
{
    if (r->fields == BF_CSV_FIELDS || r->used >= sizeof r->bytes - 1)
        return no(fault, "it has too many fields");
    r->field[r->fields++] = r->bytes + r->used;
    skip_blanks(csv);
    bool has_quote = !is_at_end(csv) && csv->text[csv->pos] == '"';
    if (has_quote ? quoted(csv, r, fault) : plain(csv, r, fault))
        return fault->code;
    r->bytes[r->used++] = 0;
    return BF_OK;
}

enum bf_err bf_csv_next(struct bf_csv *csv, struct bf_csv_record *r, struct bf_fault *fault)
{
    r->fields = r->used = 0;
    if (!find_record(csv))
        return BF_ERR_NOT_FOUND;
    r->line = csv->line;
    for (;;) {
        if (read_field(csv, r, fault)) {
            if (!is_at_end(csv))
                skip_line(csv);
            return fault->code;
        }
        size_t end = line_end(csv, csv->pos);
        if (is_at_end(csv) || end) {
            csv->pos += end;
            csv->line++;
            return BF_OK;
        }
        csv->pos++; // the comma
    }
}
