// SPDX-License-Identifier: Apache-2.0
// See yaml_limit.h. libyaml 0.2 looks at every open flow collection for each token, and at every
// anchor for each anchor and alias, so a small text makes it work for minutes. Its events are
// counted first: they come in order and are at most one simple key (1024 bytes, YAML 1.1, 7.3.3)
// behind the scanner, so the depth that it reaches stays within the limit and that.
#include "finalize/core/yaml_limit.h"

#include <stdbool.h>
#include <yaml.h>

enum { DEPTH_MAX = 32, NODES_MAX = 50000, ANCHORS_MAX = 256, DOCUMENTS_MAX = 1 };

struct counts {
    size_t depth, nodes, anchors, documents;
};

static const char *count(struct counts *c, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        c->documents++;
        break;
    case YAML_SEQUENCE_START_EVENT:
        c->anchors += e->data.sequence_start.anchor != NULL;
        c->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        c->anchors += e->data.mapping_start.anchor != NULL;
        c->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        c->depth--;
        break;
    case YAML_SCALAR_EVENT:
        c->anchors += e->data.scalar.anchor != NULL;
        break;
    case YAML_ALIAS_EVENT:
        c->anchors++;
        break;
    default:
        break;
    }
    c->nodes++;
    return c->depth > DEPTH_MAX           ? "is nested more than 32 deep"
           : c->nodes > NODES_MAX         ? "has more than 50000 nodes"
           : c->anchors > ANCHORS_MAX     ? "has more than 256 anchors and aliases"
           : c->documents > DOCUMENTS_MAX ? "has more than one document"
                                          : NULL;
}

const char *bf_yaml_excess(const char *text, size_t len)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct counts counts = {0};
    const char *excess = NULL;
    bool end = false;
    if (!yaml_parser_initialize(&parser))
        return NULL;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (!excess && !end && yaml_parser_parse(&parser, &event)) {
        excess = count(&counts, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return excess;
}
