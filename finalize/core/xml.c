// SPDX-License-Identifier: Apache-2.0
// A scanner for the XML that configurations are written in. It goes over each byte once.
#include "finalize/core/xml.h"

#include <string.h>

#include "base/assert.h"
#include "finalize/core/text.h"

void bf_xml_init(struct bf_xml *x, const char *text, size_t size)
{
    *x = (struct bf_xml){.text = text, .size = size, .kind = BF_XML_COMMENT};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum bf_xml_kind bad(struct bf_xml *x)
{
    x->kind = BF_XML_BAD;
    return x->kind;
}

// Behind the mark that ends a piece of markup; 0 when it is not there.
static size_t behind(const struct bf_xml *x, size_t from, const char *mark)
{
    const char *at = memmem(x->text + from, x->size - from, mark, strlen(mark));
    return at ? (size_t)(at - x->text) + strlen(mark) : 0;
}

static bool starts(const struct bf_xml *x, const char *s)
{
    size_t len = strlen(s);
    return x->size - x->pos >= len && memcmp(x->text + x->pos, s, len) == 0;
}

// A comment, or a processing instruction, which counts as one.
static enum bf_xml_kind comment(struct bf_xml *x, size_t skip, const char *mark)
{
    size_t end = behind(x, x->pos + skip, mark);
    if (!end)
        return bad(x);
    x->pos = x->to = end;
    x->kind = BF_XML_COMMENT;
    return x->kind;
}

static enum bf_xml_kind close(struct bf_xml *x)
{
    const struct bf_xml_word *open = x->depth ? &x->open[x->depth - 1] : NULL;
    if (!open ||
        (!x->empty && (open->len != x->word.len || memcmp(open->at, x->word.at, open->len) != 0)))
        return bad(x);
    x->word = *open;
    x->kind = BF_XML_CLOSE;
    return x->kind;
}

// A tag that begins at `pos`, with its attributes up to the first ">".
static enum bf_xml_kind tag(struct bf_xml *x)
{
    bool closes = starts(x, "</");
    size_t at = x->pos + 1 + closes, end = behind(x, x->pos, ">");
    if (!end || starts(x, "<!"))
        return bad(x);
    x->empty = !closes && x->text[end - 2] == '/';
    x->word.at = x->text + at;
    while (at < end - 1 - x->empty && !is_space(x->text[at]))
        at++;
    x->word.len = (size_t)(x->text + at - x->word.at);
    x->rest = (struct bf_xml_word){x->text + at, end - 1 - x->empty - at};
    x->pos = x->to = end;
    if (!x->word.len || memchr(x->rest.at, '<', x->rest.len))
        return bad(x);
    if (closes)
        return close(x);
    if (x->depth == BF_XML_DEPTH)
        return bad(x);
    x->open[x->depth++] = x->word;
    x->kind = BF_XML_OPEN;
    return x->kind;
}

static enum bf_xml_kind text(struct bf_xml *x)
{
    while (x->pos < x->size && x->text[x->pos] != '<')
        x->pos++;
    x->to = x->pos;
    while (is_space(x->text[x->to - 1]))
        x->to--;
    x->word = (struct bf_xml_word){x->text + x->from, x->to - x->from};
    // An entity is something else than what is written.
    if (memchr(x->word.at, '&', x->word.len) || memchr(x->word.at, 0, x->word.len) || !x->depth)
        return bad(x);
    x->kind = BF_XML_TEXT;
    return x->kind;
}

enum bf_xml_kind bf_xml_next(struct bf_xml *x)
{
    if (x->kind == BF_XML_BAD || x->kind == BF_XML_END)
        return x->kind;
    // The element that was closed is left, and <name/> is closed at once.
    if (x->kind == BF_XML_CLOSE)
        x->depth--;
    if (x->kind == BF_XML_OPEN && x->empty)
        return close(x);
    x->empty = false;
    while (x->pos < x->size && is_space(x->text[x->pos]))
        x->pos++;
    BF_ASSERT(x->pos <= x->size);
    x->from = x->pos;
    if (x->pos == x->size) {
        x->kind = x->depth ? BF_XML_BAD : BF_XML_END;
        return x->kind;
    }
    if (x->text[x->pos] != '<')
        return text(x);
    if (starts(x, "<!--"))
        return comment(x, 4, "-->");
    return starts(x, "<?") ? comment(x, 2, "?>") : tag(x);
}

bool bf_xml_in(const struct bf_xml *x, size_t depth, const char *name)
{
    return depth < x->depth && bf_word_is(x->open[depth].at, x->open[depth].len, name);
}
