// SPDX-License-Identifier: Apache-2.0
// The machine-readable lines of a sending program: `BOOTFERRY key=value ...`, one per event, for
// the serial port or standard output (docs/serial.md).
//
//     struct bf_report r;
//     bf_report_begin(&r, "disk");
//     bf_report_u64(&r, "bytes", disk->bytes);
//     bf_report_text(&r, "serial", disk->serial);
//     send(bf_report_end(&r));
#ifndef BF_MIGRATE_REPORT_H
#define BF_MIGRATE_REPORT_H

#include <stddef.h>
#include <stdint.h>

enum { BF_REPORT_MAX = 640 };

struct bf_report {
    char line[BF_REPORT_MAX];
    size_t len;
};

// Begins a line with event=NAME; NULL begins the one line that has none, the verdict.
void bf_report_begin(struct bf_report *r, const char *event);
void bf_report_u64(struct bf_report *r, const char *key, uint64_t value);
// Seconds with three decimals.
void bf_report_seconds(struct bf_report *r, const char *key, uint64_t us);
// A value of anybody's choosing: in quotes when it is empty or has anything but letters, digits and
// the characters . : / , + @ _ -; quotes and backslashes in it become ', control characters ?.
void bf_report_text(struct bf_report *r, const char *key, const char *value);
// The finished line. A field that did not fit was left out as a whole.
const char *bf_report_end(const struct bf_report *r);

#endif
