// SPDX-License-Identifier: Apache-2.0
// The inside of an assessment, shared by migrate/assess*.c only.
#ifndef BF_MIGRATE_ASSESS_PARTS_H
#define BF_MIGRATE_ASSESS_PARTS_H

#include "image/usage/choice.h"
#include "migrate/assess.h"
#include "migrate/channel.h"
#include "migrate/gauge.h"

enum { BF_ASSESS_OUT_BYTES = 16384, BF_ASSESS_FILL_BYTES = 256 * 1024 };

// Within a connection.
enum bf_talk_state {
    BF_TALK_NONE,
    BF_TALK_OPENING,
    BF_TALK_GREETED,
    BF_TALK_FILLING,
    BF_TALK_ASKED,
    BF_TALK_OVER
};

struct bf_assess {
    struct bf_assess_config config;
    struct bf_assess_view view;
    struct bf_fault fault;
    enum bf_err outcome;
    uint64_t now_us, begun_us, until_us;
    uint8_t cancelled, looked, moved;

    struct bf_usage *usage;
    struct bf_usage_choice choice;
    struct bf_usage_watch watch;
    struct bf_gauge gauge;
    uint64_t compute_bytes, compute_us;

    struct bf_channel channel;
    enum bf_talk_state link;
    struct bf_stream stream;
    uint32_t attempt;
    uint8_t *fill; // zeros: TLS makes noise of them
};

// assess_link.c: the connection. connect asks for a stream; on failure with a fault.
enum bf_err bf_assess_connect(struct bf_assess *a, struct bf_fault *fault);
// A turn. BF_AGAIN: go on; BF_OK: the server has the result; else the channel's fault says why.
enum bf_err bf_assess_talk(struct bf_assess *a);
void bf_assess_hang_up(struct bf_assess *a); // harmless without a connection

#endif
