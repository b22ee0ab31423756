// SPDX-License-Identifier: Apache-2.0
// Errors: one small enumeration for the whole program, grouped by what the caller does next, and
// the fault record that a failure becomes once it is known which side caused it. Codes of firmware,
// lwIP, mbedTLS, OpenSSL and errno are translated at the boundary; the raw code goes to the log.
#ifndef BF_BASE_ERR_H
#define BF_BASE_ERR_H

#include <stdint.h>

enum bf_err {
    BF_OK = 0,

    // Nothing is wrong: call again after the next poll.
    BF_AGAIN = 1,

    // Transient: a later attempt may succeed without anybody doing anything.
    BF_ERR_TIMEOUT = 16, // no sign of the peer or the device within its deadline
    BF_ERR_NETWORK,      // refused, reset, unreachable, name not resolved, link down
    BF_ERR_CLOSED,       // the peer ended the stream in an orderly way
    BF_ERR_BUSY,         // held by somebody else at the moment

    // The data or the peer is wrong: do not retry the same bytes.
    BF_ERR_PROTOCOL = 32, // the peer sent what the protocol does not allow
    BF_ERR_CORRUPT,       // a digest, checksum or format does not match
    BF_ERR_VERSION,       // no common version, or a missing required capability

    // An administrator must act.
    BF_ERR_CONFIG = 48, // a key, value or file is wrong or missing
    BF_ERR_AUTH,        // certificate not accepted: chain, name, role, time, revoked
    BF_ERR_DENIED,      // identity accepted, but this is not allowed to it
    BF_ERR_NOT_FOUND,   // the named thing does not exist
    BF_ERR_EXISTS,      // the named thing exists already
    BF_ERR_MISMATCH,    // a disk or machine is not the expected one
    BF_ERR_CLOCK,       // the clock is plainly wrong
    BF_ERR_NO_SPACE,    // the store or a file system is full
    BF_ERR_FENCED,      // this machine lives elsewhere and must stay off

    // The device failed.
    BF_ERR_IO = 64, // read, write or flush failed
    BF_ERR_MEDIA,   // medium absent or exchanged

    // The machine or the program cannot.
    BF_ERR_NO_MEMORY = 80,
    BF_ERR_NO_ENTROPY,
    BF_ERR_UNSUPPORTED,
    BF_ERR_RANGE,     // an argument is out of its range; a caller's mistake
    BF_ERR_LIMIT,     // a documented limit is exceeded
    BF_ERR_CANCELLED, // the operator or the caller asked to stop
    BF_ERR_CRASH,     // an exception of the processor: a defect of the program or the firmware
};

// Which side is at fault, as the operator sees it.
enum bf_side {
    BF_SIDE_NONE = 0,
    BF_SIDE_SOURCE = 1,  // this machine: firmware, disks, memory
    BF_SIDE_NETWORK = 2, // between the two
    BF_SIDE_SERVER = 3,  // the replica server or the endpoint
    BF_SIDE_CONFIG = 4,  // what the administrator configured
};

// What failed, on which side, and what to do next: one sentence each, no trailing newline.
struct bf_fault {
    enum bf_err code;
    enum bf_side side;
    char what[192];
    char todo[192];
};

// A stable lower-case word for scripts ("timeout", "no-space"); "unknown" for a foreign value.
const char *bf_err_name(enum bf_err err);

// "none", "source", "network", "server", "config".
const char *bf_side_name(enum bf_side side);

// Fills *fault. what is formatted like bf_snprintf; both are cut at the field's size.
// Returns code, so that a function can end with it.
enum bf_err bf_fault_set(struct bf_fault *fault, enum bf_err code, enum bf_side side,
                         const char *todo, const char *what_format, ...)
    __attribute__((format(printf, 5, 6)));

// Writes the remedy of a fault that was set, where it is not a constant. Returns the fault's code.
enum bf_err bf_fault_todo(struct bf_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// True for codes after which reconnecting or asking again is reasonable.
int bf_err_is_transient(enum bf_err err);

#endif
