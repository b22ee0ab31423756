// SPDX-License-Identifier: Apache-2.0
// The frames between the runner and the small VM, over a virtio-serial port: "BFF1", the length as
// 32 bits little-endian, then that many bytes of JSON. The VM begins with "hello", the runner sends
// the request
// ({"mode", "plan"}, the plan as text), the VM sends the report, the runner "ack". Either side may
// be hostile to the other, so lengths are bounded before memory is taken.
#ifndef BF_FINALIZE_VM_FRAME_H
#define BF_FINALIZE_VM_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define BF_FRAME_PORT        "org.bootferry.finalize"
#define BF_FRAME_REQUEST_MAX ((size_t)1 << 18)
#define BF_FRAME_REPORT_MAX  ((size_t)32 << 20)

// Sends one frame. Waits at most until `deadline_ms` of the monotonic clock.
enum bf_err bf_frame_send(int fd, const char *data, size_t len, long long deadline_ms);
// Receives one frame of at most `max` bytes, NUL-terminated, freed by the caller; or NULL.
char *bf_frame_receive(int fd, size_t max, size_t *len, long long deadline_ms);
// The same for one who looks after the peer meanwhile: go_on is called about twice a second, and
// when it says no, the wait ends with BF_ERR_CANCELLED. The fault is else BF_ERR_LIMIT (too long),
// BF_ERR_PROTOCOL (no frame), BF_ERR_TIMEOUT, or BF_ERR_CLOSED (the peer is gone).
struct bf_frame_wait {
    long long deadline_ms;
    bool (*go_on)(void *user); // NULL: nobody is asked
    void *user;
};
enum bf_err bf_frame_send_while(int fd, const char *data, size_t len,
                                const struct bf_frame_wait *wait, struct bf_fault *fault);
char *bf_frame_receive_while(int fd, size_t max, size_t *len, const struct bf_frame_wait *wait,
                             struct bf_fault *fault);
// Milliseconds of the monotonic clock.
long long bf_now_ms(void);

#endif
