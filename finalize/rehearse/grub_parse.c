// SPDX-License-Identifier: Apache-2.0
// The grammar of GRUB's script. GRUB reads one line, and more of them while a block, a quote or a
// continued line is open, then runs what it read. A mistake costs the lines that were read for it:
// GRUB prints an error and goes on with the next.
#include "finalize/rehearse/grub.h"

struct parser {
    struct bf_gr *g;
    struct bf_gr_source *s;
    struct bf_gr_token t; // read, not taken yet
    bool have;
    bool bad;
    unsigned bad_line;
    bool after_newline; // where the mistake was found: at the end of a line
    unsigned depth;
};

static enum bf_gr_token_kind peek(struct parser *p)
{
    if (!p->have) {
        p->t = bf_gr_token(p->g, p->s);
        p->have = true;
    }
    return p->t.kind;
}

static void take(struct parser *p)
{
    peek(p);
    p->have = false;
}

static void fail(struct parser *p)
{
    if (p->bad)
        return;
    p->bad = true;
    p->after_newline = peek(p) == BF_GR_T_NEWLINE;
    p->bad_line = p->t.line;
}

static void expect(struct parser *p, enum bf_gr_token_kind kind)
{
    if (p->bad || peek(p) != kind)
        fail(p);
    else
        take(p);
}

static void newlines(struct parser *p)
{
    while (!p->bad && peek(p) == BF_GR_T_NEWLINE)
        take(p);
}

static struct bf_gr_node *node(struct parser *p, enum bf_gr_kind kind)
{
    struct bf_gr_node *n = bf_gr_alloc(p->g, sizeof *n);
    peek(p);
    if (!n)
        fail(p);
    else
        *n = (struct bf_gr_node){.kind = kind, .line = p->t.line};
    return n;
}

static struct bf_gr_node *commands(struct parser *p, bool *delimited);

// The commands between two words, which have to be followed by a line end or a semicolon.
static struct bf_gr_node *part(struct parser *p)
{
    bool delimited = false;
    struct bf_gr_node *list = commands(p, &delimited);
    if (!delimited)
        fail(p);
    return list;
}

static struct bf_gr_arg *arguments(struct parser *p)
{
    struct bf_gr_arg *first = NULL, **end = &first;
    while (!p->bad && peek(p) >= BF_GR_T_WORD) {
        struct bf_gr_arg *a = bf_gr_alloc(p->g, sizeof *a);
        if (!a) {
            fail(p);
            break;
        }
        *a = (struct bf_gr_arg){.part = p->t.part};
        *end = a;
        end = &a->next;
        take(p);
    }
    return first;
}

static struct bf_gr_node *simple(struct parser *p)
{
    bool delimited;
    struct bf_gr_node *n = node(p, BF_GR_COMMAND);
    if (!n)
        return NULL;
    n->arg = arguments(p);
    if (p->bad || peek(p) != BF_GR_T_OPEN)
        return n;
    take(p);
    n->body = commands(p, &delimited);
    expect(p, BF_GR_T_CLOSE);
    return n;
}

// From the word after which the condition stands to "fi": each elif is the else of the one before.
static struct bf_gr_node *branches(struct parser *p)
{
    struct bf_gr_node *first = NULL, **at = &first;
    enum bf_gr_token_kind kind = BF_GR_T_ELIF;
    while (!p->bad && kind == BF_GR_T_ELIF) {
        struct bf_gr_node *n = node(p, BF_GR_IF);
        if (!n)
            return first;
        take(p);
        *at = n;
        at = &n->other;
        n->test = part(p);
        expect(p, BF_GR_T_THEN);
        n->body = part(p);
        kind = p->bad ? BF_GR_T_BAD : peek(p);
    }
    if (kind == BF_GR_T_ELSE) {
        take(p);
        *at = part(p);
    }
    expect(p, BF_GR_T_FI);
    return first;
}

static struct bf_gr_node *loop(struct parser *p, enum bf_gr_kind kind)
{
    struct bf_gr_node *n = node(p, kind);
    if (!n)
        return NULL;
    take(p);
    n->test = part(p);
    expect(p, BF_GR_T_DO);
    n->body = part(p);
    expect(p, BF_GR_T_DONE);
    return n;
}

// Takes a name, which is a word of letters, digits and underlines that is not reserved.
static const char *name(struct parser *p)
{
    const char *s = "";
    if (!p->bad && peek(p) == BF_GR_T_NAME && p->t.part)
        s = p->t.part->text;
    expect(p, BF_GR_T_NAME);
    return s;
}

static struct bf_gr_node *for_loop(struct parser *p)
{
    struct bf_gr_node *n = node(p, BF_GR_FOR);
    if (!n)
        return NULL;
    take(p);
    n->name = name(p);
    expect(p, BF_GR_T_IN);
    n->arg = p->bad ? NULL : arguments(p);
    if (!p->bad && peek(p) == BF_GR_T_SEMICOLON)
        take(p);
    else
        expect(p, BF_GR_T_NEWLINE);
    newlines(p);
    expect(p, BF_GR_T_DO);
    n->body = part(p);
    expect(p, BF_GR_T_DONE);
    return n;
}

static struct bf_gr_node *command(struct parser *p)
{
    struct bf_gr_node *n = NULL;
    if (p->depth == BF_GR_NESTING) {
        p->g->line = p->t.line;
        bf_gr_lose(p->g, "has more than %d blocks in one another", BF_GR_NESTING);
        fail(p);
        return NULL;
    }
    p->depth++;
    switch (peek(p)) {
    case BF_GR_T_WORD:
    case BF_GR_T_NAME:
        n = simple(p);
        break;
    case BF_GR_T_IF:
        n = branches(p);
        break;
    case BF_GR_T_FOR:
        n = for_loop(p);
        break;
    case BF_GR_T_WHILE:
    case BF_GR_T_UNTIL:
        n = loop(p, peek(p) == BF_GR_T_WHILE ? BF_GR_WHILE : BF_GR_UNTIL);
        break;
    default:
        fail(p);
    }
    p->depth--;
    return n;
}

static bool begins_command(enum bf_gr_token_kind kind)
{
    return kind == BF_GR_T_WORD || kind == BF_GR_T_NAME || kind == BF_GR_T_IF ||
           kind == BF_GR_T_FOR || kind == BF_GR_T_WHILE || kind == BF_GR_T_UNTIL;
}

// One command or more; *delimited tells whether a line end or a semicolon follows the last.
static struct bf_gr_node *commands(struct parser *p, bool *delimited)
{
    struct bf_gr_node *first = NULL, **end = &first;
    *delimited = false;
    newlines(p);
    do {
        struct bf_gr_node *n = p->bad ? NULL : command(p);
        if (!n || p->bad)
            return first;
        *end = n;
        end = &n->next;
        *delimited = peek(p) == BF_GR_T_SEMICOLON || peek(p) == BF_GR_T_NEWLINE;
        if (*delimited)
            take(p);
        newlines(p);
    } while (*delimited && begins_command(peek(p)));
    return first;
}

// A function is known once it was read, even if the rest of the line is wrong; of two, the one that
// was read last.
static struct bf_gr_node *function(struct parser *p)
{
    struct bf_gr_node *n = node(p, BF_GR_FUNCTION);
    if (!n)
        return NULL;
    if (++p->g->functions > BF_GR_FUNCTIONS)
        bf_gr_lose(p->g, "has more than %d functions", BF_GR_FUNCTIONS);
    take(p);
    n->name = name(p);
    newlines(p);
    expect(p, BF_GR_T_OPEN);
    n->body = part(p);
    expect(p, BF_GR_T_CLOSE);
    if (!p->bad && p->g->state != BF_GR_LOST) {
        n->other = p->g->function;
        p->g->function = n;
    }
    return n;
}

enum bf_gr_unit bf_gr_parse(struct bf_gr *g, struct bf_gr_source *s, struct bf_gr_node **out,
                            unsigned *bad)
{
    struct parser p = {.g = g, .s = s};
    struct bf_gr_node **end = out;
    *out = NULL;
    if (peek(&p) == BF_GR_T_END)
        return BF_GR_UNIT_END;
    while (!p.bad && peek(&p) != BF_GR_T_NEWLINE) {
        struct bf_gr_node *n = peek(&p) == BF_GR_T_FUNCTION ? function(&p) : command(&p);
        if (!n || p.bad)
            break;
        *end = n;
        end = &n->next;
        if (peek(&p) == BF_GR_T_SEMICOLON)
            take(&p);
        else if (peek(&p) != BF_GR_T_NEWLINE)
            fail(&p);
    }
    if (!p.bad) {
        take(&p);
        return BF_GR_UNIT;
    }
    *bad = p.bad_line;
    if (!p.after_newline)
        bf_gr_skip_line(s);
    return BF_GR_UNIT_BAD;
}
