// SPDX-License-Identifier: Apache-2.0
// What a machine in its new home says about itself. A script that the finalizer put in (the plan's
// key "evidence"; docs/finalizer.md) writes lines to the virtio port org.bootferry.evidence, or,
// where there is none, to the serial console:
//
//     BOOTFERRY-EVIDENCE WORD KEY VALUE
//
// WORD is the job's random word, so that neither another machine nor an earlier start is taken for
// this one. Kernel messages may come between lines and into them: a line counts when it is whole
// and its value has the form of its key, and the last value of a key counts. The bytes are hostile;
// what is kept of them is printable ASCII.
//
// The script waits for addresses, gateways and units, four minutes in all at most, and is not
// started before the file systems are there.
#ifndef BF_REPLICA_JOBS_EVIDENCE_H
#define BF_REPLICA_JOBS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replica/targets/target.h"

enum {
    BF_EVIDENCE_NICS = 32,
    BF_EVIDENCE_UNITS = 32,
    BF_EVIDENCE_GATEWAYS = 8,
    BF_EVIDENCE_WORD = 33
};

struct bf_evidence_nic {
    char mac[18];        // lower case
    char addresses[512]; // with lengths, normalized (inet_ntop(3)), joined by blanks
};
struct bf_evidence_gateway {
    char address[46]; // normalized
    bool answers;
};
struct bf_evidence {
    char boot_id[40];   // key "boot-id"; "": nothing was said
    char host[65];      // "host"
    char root[128];     // "root": what is mounted at /, "DEVICE TYPE"
    bool root_writable; // "root-writable yes": a file was written, flushed, read and removed
    // "gateway ADDRESS yes|no": the neighbour of a default route, and whether it answered.
    uint32_t gateways;
    struct bf_evidence_gateway gateway[BF_EVIDENCE_GATEWAYS];
    uint32_t nics; // "nic MAC ADDRESS..."
    struct bf_evidence_nic nic[BF_EVIDENCE_NICS];
    uint32_t units; // "failed-unit NAME"
    char unit[BF_EVIDENCE_UNITS][64];
    bool complete; // "end -": everything before it was said
};

// Takes what is in these bytes into *e, which begins as zeros; may be called again with more of
// them, whole lines at least, or with all of them anew. Another boot id begins anew: that is
// another start of the machine.
void bf_evidence_read(struct bf_evidence *e, const char *word, const char *bytes, size_t len);

// What the machine is meant to be.
struct bf_evidence_plan {
    const struct bf_tgt_nic *nic;
    uint32_t nics;
    const char *host; // "": whatever it has
    // A test's network has the planned gateways and nothing else: neither a DHCP server nor others
    // are missed there.
    bool isolated;
};

// Whether the evidence shows that the machine runs as planned. `missing` gets what does not, in
// words for an administrator, joined by "; "; "" when all is there. What is too long ends in "...".
// Failed units do not count.
bool bf_evidence_judge(const struct bf_evidence *e, const struct bf_evidence_plan *plan,
                       char *missing, size_t size);

// The same of what a guest agent says (agent.h): the planned addresses and the host name alone.
bool bf_evidence_judge_agent(const struct bf_evidence *seen, const struct bf_evidence_plan *plan,
                             char *missing, size_t size);

#endif
