// SPDX-License-Identifier: Apache-2.0
// XML through libxml2. Names come from guests, inventories and plans, so nothing is printed into
// XML by hand. A tree remembers in its document that memory was missing, so that what builds one
// need not ask at every element, and what is read has no entities, no network and a bound.
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlmemory.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/targets/libvirt.h"

enum { XML_MOST = 4 << 20 };

static const xmlChar *as_xml(const char *text)
{
    return (const xmlChar *)text;
}

// ---- Writing -----------------------------------------------------------------------------------

void bf_lv_tree_spoil(xmlNodePtr node)
{
    if (node && node->doc)
        node->doc->_private = node->doc;
}

xmlNodePtr bf_lv_tree(const char *root)
{
    xmlDocPtr doc = xmlNewDoc(as_xml("1.0"));
    xmlNodePtr node = doc ? xmlNewDocNode(doc, NULL, as_xml(root), NULL) : NULL;

    if (node)
        xmlDocSetRootElement(doc, node);
    else if (doc)
        xmlFreeDoc(doc);
    return node;
}

xmlNodePtr bf_lv_add(xmlNodePtr parent, const char *name)
{
    return bf_lv_add_text(parent, name, NULL);
}

xmlNodePtr bf_lv_add_text(xmlNodePtr parent, const char *name, const char *text)
{
    xmlNodePtr node = parent ? xmlNewTextChild(parent, NULL, as_xml(name), as_xml(text)) : NULL;

    if (!node)
        bf_lv_tree_spoil(parent);
    return node;
}

void bf_lv_set(xmlNodePtr node, const char *name, const char *value)
{
    if (node && !xmlSetProp(node, as_xml(name), as_xml(value)))
        bf_lv_tree_spoil(node);
}

void bf_lv_setf(xmlNodePtr node, const char *name, const char *format, ...)
{
    char value[BF_LV_PATH_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = bf_vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof value)
        bf_lv_tree_spoil(node); // what is cut would be another path
    bf_lv_set(node, name, value);
}

char *bf_lv_tree_text(xmlNodePtr root)
{
    xmlChar *text = NULL;
    char *copy = NULL;
    int len = 0;

    if (!root)
        return NULL;
    if (!root->doc->_private)
        xmlDocDumpFormatMemoryEnc(root->doc, &text, &len, "UTF-8", 1);
    if (text)
        copy = strdup((const char *)text);
    xmlFree(text);
    bf_lv_tree_free(root);
    return copy;
}

bool bf_lv_text_ok(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return xmlCheckUTF8((const unsigned char *)text) != 0;
}

// ---- Reading -----------------------------------------------------------------------------------

xmlNodePtr bf_lv_tree_read(const char *text, size_t len)
{
    xmlDocPtr doc = NULL;
    xmlNodePtr root = NULL;

    if (len <= XML_MOST)
        doc = xmlReadMemory(text, (int)len, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOBLANKS | XML_PARSE_NOCDATA);
    if (doc && !doc->intSubset) // no document of libvirt's declares entities
        root = xmlDocGetRootElement(doc);
    if (doc && !root)
        xmlFreeDoc(doc);
    return root;
}

void bf_lv_tree_free(xmlNodePtr root)
{
    if (root)
        xmlFreeDoc(root->doc);
}

static xmlNodePtr named(xmlNodePtr node, const char *name)
{
    while (node && (node->type != XML_ELEMENT_NODE || !xmlStrEqual(node->name, as_xml(name))))
        node = node->next;
    return node;
}

xmlNodePtr bf_lv_child(const xmlNode *node, const char *name)
{
    return node ? named(node->children, name) : NULL;
}

xmlNodePtr bf_lv_next(const xmlNode *node, const char *name)
{
    return node ? named(node->next, name) : NULL;
}

static bool take(xmlChar *text, char *out, size_t size)
{
    bool fits = text && strlen((const char *)text) < size;

    out[0] = 0;
    if (fits)
        bf_snprintf(out, size, "%s", (const char *)text);
    xmlFree(text);
    return fits;
}

bool bf_lv_get(const xmlNode *node, const char *name, char *out, size_t size)
{
    return take(node ? xmlGetProp((xmlNodePtr)node, as_xml(name)) : NULL, out, size);
}

bool bf_lv_is(const xmlNode *node, const char *name, const char *value)
{
    char seen[128];

    return bf_lv_get(node, name, seen, sizeof seen) && strcmp(seen, value) == 0;
}

bool bf_lv_get_text(const xmlNode *node, char *out, size_t size)
{
    return take(node ? xmlNodeGetContent((xmlNodePtr)node) : NULL, out, size);
}
