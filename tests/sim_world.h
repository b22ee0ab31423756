// SPDX-License-Identifier: Apache-2.0
// A whole migration in one process on the virtual clock: a source with simulated disks, a server
// with a store in memory, and links that break. A scenario names what happens; the world runs it
// until the source ends, and checks what must hold whatever happened:
//  - a point that exists is byte for byte what the disks held during one boot, zero where a part
//    was unused or could not be read, and the server knows exactly what could not be read;
//  - the source's "committed" is never said without such a point;
//  - as long as no byte changes under way, neither end takes anything for a breach of the protocol,
//    and a run to which nothing happens needs one connection;
//  - memory comes back.
#ifndef BF_TESTS_SIM_WORLD_H
#define BF_TESTS_SIM_WORLD_H

#include "migrate/receiver/receiver.h"
#include "migrate/sender.h"
#include "migrate/workers.h"
#include "tests/sim_disk.h"
#include "tests/sim_link.h"
#include "tests/sim_store.h"

enum { SIM_EVENTS = 16, SIM_LINKS = 64, SIM_BAD = 512, SIM_PLACES = 8 };

enum sim_event_kind {
    SIM_CUT = 1,     // the connection is reset
    SIM_GO_SILENT,   // it stays open and carries nothing any more
    SIM_STALL,       // nothing arrives for `amount` us
    SIM_POWER_LOSS,  // the server: connection reset, store loses power, back after `amount` us
    SIM_SOURCE_BOOT, // the source starts again, with `amount` chunks of its disks changed
    SIM_ROT,         // `amount` stored bytes change behind the store's back
    SIM_SERVER_BUSY, // the server refuses for `amount` us
    SIM_CANCEL,
};

struct sim_event {
    enum sim_event_kind kind;
    uint64_t at_bytes; // bytes carried by all connections so far
    uint64_t amount;
    uint8_t happened;
    uint64_t at_us; // and not before, since the run began
};

struct sim_world {
    // The scenario.
    uint32_t disks;
    struct sim_disk_model disk_model[SIM_STORE_DISKS];
    uint32_t chunk_size;
    uint64_t swap_bytes[SIM_STORE_DISKS]; // a swap area at its beginning, 0: none
    uint64_t asleep_at[SIM_STORE_DISKS];  // a page of a hibernated system's swap file, 0: none
    uint64_t server_pause_us;             // longest time between two turns of the server
    struct sim_link_model link_model;
    struct sim_event event[SIM_EVENTS];
    uint32_t events;
    uint64_t retry_us;
    uint8_t compression;
    uint8_t map_errors;
    const struct bf_config *choices; // about single places
    int wanted_whole;                // they want all of every disk
    uint64_t limit;
    const struct bf_fault *refusal; // why the source sends nothing
    uint32_t buffer_bytes;
    uint32_t workers; // virtual ones (tests/platform_sim.h)
    enum bf_err (*allowed)(void *impl, struct bf_fault *fault);

    // What the source said that it could not read, as the server keeps it.
    struct bf_unreadable bad[SIM_BAD];
    uint32_t bads;

    // What the source said about itself and its first disk, by its numbers.
    struct bf_unseen unseen[SIM_PLACES];
    struct bf_place place[SIM_PLACES];
    uint32_t unseens, boot_entries, places; // frames
    struct bf_boot_entry boot_entry;        // the first

    // The parts.
    uint8_t *data[SIM_STORE_DISKS];
    struct sim_disk disk[SIM_STORE_DISKS];
    struct bf_source_disk *source[SIM_STORE_DISKS];
    struct bf_inventory inventory;
    struct sim_store store;
    struct sim_link *link[SIM_LINKS];
    uint32_t links;
    uint64_t bytes_before;   // by links that are gone
    uint64_t server_turn_us; // its next one
    uint64_t begun_us;       // the run
    struct bf_workers pool;
    struct bf_sender *sender;
    struct bf_receiver *receiver;
    uint8_t boot[16];
    uint32_t boots, refused;
    uint64_t server_back_us;
    uint64_t bytes_sent; // of the last sender
    uint32_t connections;
    struct bf_fault sender_fault, receiver_fault;
    struct bf_progress progress;
    char what[256]; // why a check failed
};

// Fills the disks with a mixture of zeros, text-like and random chunks.
void sim_world_init(struct sim_world *w);
void sim_world_fill(struct sim_world *w);
// What is left out of a disk, as bytes: all but the first 64 KiB of its swap area, whole chunks;
// nothing when a system hibernated into a swap file that lies where something is used.
void sim_world_unused(const struct sim_world *w, uint32_t disk, uint64_t *first, uint64_t *end);
// Changes some chunks of the source's disks; swap areas stay.
void sim_world_change(struct sim_world *w, uint64_t chunks);
// Runs the source until it ends; the outcome of its last boot. BF_ERR_LIMIT: it never ended, or a
// check failed, w->what says which.
enum bf_err sim_world_run(struct sim_world *w);
void sim_world_free(struct sim_world *w);

#endif
