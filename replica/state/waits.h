// SPDX-License-Identifier: Apache-2.0
// How long the server and the operator's command wait for what, in one place; docs/waits.md has all
// waits of all programs, and tests/docs/waits.sh compares. A source presumes the server dead after
// BF_DEAD_MS (net/proto/proto.h) of silence, so a connection's thread never waits longer in one
// turn than BF_WAIT_TURN_MOST_MS. Children are judged by linux/child_state.h.
#ifndef BF_REPLICA_STATE_WAITS_H
#define BF_REPLICA_STATE_WAITS_H

#include "linux/child_state.h"

enum { BF_WAIT_LV_ALIVE_COUNT = 5 }; // questions without an answer, then the daemon is given up

enum {
    BF_WAIT_QSD_QUIT_MS = 4000,  // for a storage daemon to flush and end, then it is killed
    BF_WAIT_KILLED_MS = 2000,    // for a child that was killed to be gone, then it is left behind
    BF_WAIT_QSD_CHECK_MS = 2000, // for an answer of a storage daemon that others complain about
    BF_WAIT_QSD_LOCK_MS = 5000,  // for the locks of a storage daemon that was killed

    BF_WAIT_QMP_MS = 20000,          // for the answer of a new machine's QEMU to a command
    BF_WAIT_QMP_GREETING_MS = 20000, // for its greeting, while another client may have it
    BF_WAIT_QMP_LOOK_MS = 50,        // between two attempts to reach it, and two looks at it
    BF_WAIT_AGENT_MS = 5000,         // for the agent in a new machine to answer
    BF_WAIT_QEMU_START_MS = 60000,   // for the greeting of one that was just started
    BF_WAIT_QEMU_GONE_MS = 20000,    // for its end after it was told to quit; then it is killed
    BF_WAIT_MIRROR_LOOK_MS = 500,    // between two looks at the copying of its disks
    BF_WAIT_PIVOT_MS = 60000,        // for the change to the copies, while the machine is paused

    BF_WAIT_REFUSED_MS = 2000,   // for a peer to take the words of a refusal
    BF_WAIT_STOPPING_MS = 1500,  // the same when the daemon stops
    BF_WAIT_TURN_MS = 1000,      // for anything at all: then a connection looks around
    BF_WAIT_TURN_MOST_MS = 8000, // for the database, all calls of one turn together

    BF_WAIT_DB_MS = 10000,        // for another writer of the database, elsewhere
    BF_WAIT_DB_LOOK_MS = 1000,    // the same, for the main thread of the daemon
    BF_WAIT_CONTROL_MS = 500,     // for a caller at the control socket to speak, and to listen
    BF_WAIT_ANSWER_MS = 3000,     // for the daemon's answer at the control socket
    BF_WAIT_SAY_MS = 1000,        // the same, until the command says what it waits for
    BF_WAIT_UNWRITTEN_MS = 2000,  // between two attempts to write what the database did not take
    BF_WAIT_JOBS_MS = 5000,       // between two looks at jobs that nobody works on
    BF_WAIT_REPORT_MS = 30000,    // for a whole report, from accept to its last byte
    BF_WAIT_REPORT_LOOK_MS = 500, // between two looks at those who report
    BF_WAIT_TICK_MS = 400,        // between two looks at what was revoked
    BF_WAIT_STOP_MS = 8000,       // from SIGTERM until threads that hang are left behind
    BF_WAIT_END_MS = 9000,        // from SIGTERM to the end of the daemon, whatever hangs
    BF_WAIT_INTERRUPT_S = 9,      // from Ctrl-C to the end of a command, whatever hangs

    BF_WAIT_LV_CONNECT_MS = 30000, // for libvirt to connect
    BF_WAIT_LV_BACK_MS = 20000,    // for a libvirt daemon that is being restarted
    BF_WAIT_LV_ALIVE_S = 5,        // of silence of a libvirt daemon, until it is asked
    BF_WAIT_LV_TURN_MS = 1000,     // for an event of libvirt: then its loop looks around
    BF_WAIT_LV_LOOK_MS = 250,      // between two looks at a copy or a machine
    BF_WAIT_LV_AGENT_S = 5,        // for the agent in a machine to answer
    BF_WAIT_LV_COPY_MS = 120000,   // for a block of a disk to be copied
};

#endif
