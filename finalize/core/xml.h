// SPDX-License-Identifier: Apache-2.0
// Steps through the tags of an XML file, in place: elements, texts and comments. It knows no
// entities and no DTD; what it does not know ends it.
#ifndef BF_FINALIZE_CORE_XML_H
#define BF_FINALIZE_CORE_XML_H

#include <stdbool.h>
#include <stddef.h>

#define BF_XML_DEPTH 12

enum bf_xml_kind {
    BF_XML_OPEN,  // <name ...>; BF_XML_CLOSE follows also for <name/>
    BF_XML_CLOSE, // </name>
    BF_XML_TEXT,  // trimmed, never empty
    BF_XML_COMMENT,
    BF_XML_END, // of a sound file
    BF_XML_BAD, // not understood, at `from`
};

struct bf_xml_word {
    const char *at;
    size_t len;
};

struct bf_xml {
    const char *text; // borrowed
    size_t size;
    size_t pos;
    enum bf_xml_kind kind;
    size_t from, to;         // where the tag or the text stands
    struct bf_xml_word word; // its name, or the text
    struct bf_xml_word rest; // BF_XML_OPEN: the attributes, as they are written
    struct bf_xml_word open[BF_XML_DEPTH];
    size_t depth; // elements that are open: with BF_XML_CLOSE still this one
    bool empty;   // the element was <name/>
};

void bf_xml_init(struct bf_xml *x, const char *text, size_t size);
// Goes to the next one; BF_XML_END and BF_XML_BAD repeat.
enum bf_xml_kind bf_xml_next(struct bf_xml *x);
// The element at a depth, from 0 for the outermost, has that name.
bool bf_xml_in(const struct bf_xml *x, size_t depth, const char *name);

#endif
