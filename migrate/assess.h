// SPDX-License-Identifier: Apache-2.0
// An assessment: what copying this machine would take, without sending anything of its disks. Reads
// the maps, times each disk, then asks the server for a connection on which bytes are thrown away,
// times that, and leaves there what it found (docs/protocol.md). A step function like the sender.
#ifndef BF_MIGRATE_ASSESS_H
#define BF_MIGRATE_ASSESS_H

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "image/block.h"
#include "migrate/copy_time.h"
#include "migrate/progress.h"
#include "net/proto/proto.h"
#include "net/stream.h"

struct bf_assess_config {
    struct bf_connector connector;
    const struct bf_inventory *inventory; // disk i of it is disks[i]; planned ones are assessed
    struct bf_source_disk *const *disks;
    uint8_t boot[16];
    const struct bf_config *config; // retry, limit, copy=
    uint32_t processors;            // that would digest and compress
    int64_t (*clock)(void);
    const char *program;
    // As in bf_sender_config, while a map is looked at. Anything but 0: cancelled.
    int (*looking)(void *user, const struct bf_usage_look *look);
    void *user;
};

enum bf_assess_phase {
    BF_ASSESS_MAPS,
    BF_ASSESS_DISKS,
    BF_ASSESS_CONNECTING,
    BF_ASSESS_WAITING, // between attempts
    BF_ASSESS_LINK,
    BF_ASSESS_DONE,
    BF_ASSESS_FAILED,
};
const char *bf_assess_phase_name(enum bf_assess_phase phase); // "maps", "disks", ...

struct bf_assess_view {
    enum bf_assess_phase phase;
    uint16_t current; // index into found.disk, of MAPS and DISKS
    char server[96];
    struct bf_assessment found;   // so far
    struct bf_assessed link;      // with DONE
    struct bf_copy_time estimate; // with DONE
    struct bf_fault last_fault;   // of an attempt that failed
};

struct bf_assess;

struct bf_assess *bf_assess_new(const struct bf_assess_config *config); // NULL without memory
// BF_AGAIN: go on (*idle: nothing could be done); BF_OK: the server has it; else bf_assess_fault.
enum bf_err bf_assess_step(struct bf_assess *a, uint64_t now_us, int *idle);
const struct bf_assess_view *bf_assess_view(const struct bf_assess *a);
const struct bf_fault *bf_assess_fault(const struct bf_assess *a);
void bf_assess_cancel(struct bf_assess *a);
void bf_assess_free(struct bf_assess *a); // takes NULL

// "disk 0: 12.3 GiB of 40.0 GiB used" and the like: what it is doing.
void bf_assess_text(char *out, size_t size, const struct bf_assess_view *v);

#endif
