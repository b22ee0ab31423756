// SPDX-License-Identifier: Apache-2.0
// What a machine in its new home says about itself. A unit that the finalizer put in (the plan's
// key "evidence") writes lines to the virtio port org.bootferry.evidence, and to the serial
// console:
//
//     BOOTFERRY-EVIDENCE WORD KEY VALUE
//
// WORD is the job's random word, so that neither another machine nor an earlier start is taken for
// this one. Kernel messages may come between lines and into them: a line counts when it is whole,
// and the last value of a key counts. The bytes are hostile.
#ifndef BF_REPLICA_JOBS_EVIDENCE_H
#define BF_REPLICA_JOBS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BF_EVIDENCE_NICS = 32, BF_EVIDENCE_UNITS = 32, BF_EVIDENCE_WORD = 33 };

struct bf_evidence_nic {
    char mac[18];
    char addresses[512]; // with lengths, joined by blanks
};
struct bf_evidence {
    char boot_id[40];   // key "boot-id"
    char host[65];      // "host"
    char root[128];     // "root": what is mounted at /, "DEVICE TYPE"
    bool root_writable; // "root-writable yes": a file was written, flushed and removed
    // "gateway ADDRESS yes|no": the neighbour of a default route, and whether it answered.
    char gateway[64];
    bool gateway_answers;
    uint32_t nics; // "nic MAC ADDRESS..."
    struct bf_evidence_nic nic[BF_EVIDENCE_NICS];
    uint32_t units; // "failed-unit NAME"
    char unit[BF_EVIDENCE_UNITS][64];
    bool complete; // "end -": everything before it was said
};

// Takes what is in these bytes; may be called again with more of them (whole files anew).
void bf_evidence_read(struct bf_evidence *e, const char *word, const char *bytes, size_t len);

#endif
