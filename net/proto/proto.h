// SPDX-License-Identifier: Apache-2.0
// The replica protocol: the one definition that both ends compile. Little-endian, versioned,
// capability bits, length-bounded frames. docs/protocol.md describes it; this file decides.
//
// Frame: u16 type, u16 flags, u32 length of the payload. A frame of an unknown type is skipped when
// its flag OPTIONAL is set and ends the connection otherwise.
//
// Every message has an encoder that returns the whole frame's length (0: does not fit), and a
// decoder that judges everything in the payload before anybody acts on it.
#ifndef BF_NET_PROTO_PROTO_H
#define BF_NET_PROTO_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "image/identity.h"
#include "image/manifest.h"

#define BF_PROTO_MAGIC 0x0a0d59524546544fULL

enum {
    BF_PROTO_VERSION_MIN = 1,
    BF_PROTO_VERSION_MAX = 1,
    BF_PROTO_PORT = 7667,
    BF_FRAME_HEADER = 8,
    BF_SMALL_FRAME = 512,           // room for any HELLO or FAULT, header included
    BF_FRAME_OPTIONAL = 1,          // flag
    BF_FRAME_PAYLOAD_MAX = 1310720, // 1 MiB of data, digests and the fixed part
    BF_DATA_MAX = 1048576,          // raw bytes in one DATA frame
    BF_DATA_CHUNKS_MAX = 32,        // chunks in one DATA frame
    BF_BASE_ENTRIES_MAX = 4096,     // digests in one BASE frame
    BF_BASE_WANT_MAX = 65536,       // chunks in one BASE_WANT
    BF_BASE_WANTS_MAX = 64,         // BASE_WANT frames that may wait for their answer
    BF_NEED_MAX = 256,              // NEED frames in answer to one COMMIT
    BF_CSR_MAX = 4096,
    BF_CERTIFICATE_MAX = 8192,
    BF_PROTO_DISKS_MAX = 64,
    BF_PROTO_NICS_MAX = 32,
    BF_UNSEEN_MAX = 64,       // UNSEEN frames on one connection
    BF_BOOT_ENTRIES_MAX = 32, // BOOT_ENTRY frames likewise
    BF_PLACES_MAX = 1024,     // PLACE frames for one disk
    BF_PLACE_SPANS_MAX = 256,
    BF_NAME_MAX = 64,        // machine names, with the NUL
    BF_HEARTBEAT_MS = 5000,  // something is sent at least this often
    BF_DEAD_MS = 15000,      // silence after which the peer is missed
    BF_BUSY_MAX_MS = 120000, // longest silence that BUSY may announce
};

enum bf_cap {
    BF_CAP_LZ4 = 1u << 0,
    BF_CAP_ZSTD = 1u << 1,
    BF_CAP_ASSESS = 1u << 2, // of the source: no session, but an assessment; of the server: granted
};

enum bf_frame_type {
    // source to server
    BF_MSG_HELLO = 1,
    BF_MSG_INVENTORY = 2,
    BF_MSG_ENROL = 3,
    BF_MSG_BASE_WANT = 4,
    BF_MSG_DATA = 5,
    BF_MSG_RANGE = 6,
    BF_MSG_CHECKPOINT = 7,
    BF_MSG_DISK_DONE = 8,
    BF_MSG_COMMIT = 9,
    BF_MSG_BUSY = 10,
    BF_MSG_EVENT = 11, // optional: a line for the server's log
    BF_MSG_UNREADABLE = 12,
    BF_MSG_UNSEEN = 13,     // optional: storage of the machine that could not be asked or read
    BF_MSG_PLACE = 14,      // optional: what lies in one place of a planned disk
    BF_MSG_BOOT_ENTRY = 15, // optional: what the machine's firmware starts
    BF_MSG_FILL = 16,       // of an assessment: bytes that are thrown away
    BF_MSG_ASSESSMENT = 17, // and what the source found
    // server to source
    BF_MSG_WELCOME = 32,
    BF_MSG_ENROLLED = 33,
    BF_MSG_PLAN = 34,
    BF_MSG_BASE = 35,
    BF_MSG_DURABLE = 36,
    BF_MSG_NEED = 37,
    BF_MSG_VERIFYING = 38, // optional: progress of the server's own reading
    BF_MSG_COMMITTED = 39,
    BF_MSG_PACE = 40,     // optional: what the server waits for
    BF_MSG_ASSESSED = 41, // it was kept, and how fast the bytes came
    // both ways
    BF_MSG_PING = 64,
    BF_MSG_PONG = 65,
    BF_MSG_FAULT = 66,
    BF_MSG_BYE = 67,
};

struct bf_frame {
    uint16_t type, flags;
    uint32_t length;
    const uint8_t *payload;
};

// Looks at the start of a buffer. BF_AGAIN: not complete yet (*need = bytes wanted in total, at
// least the header); BF_ERR_PROTOCOL: longer than allowed.
enum bf_err bf_frame_parse(const uint8_t *bytes, size_t len, struct bf_frame *out, size_t *need);

struct bf_hello {
    uint16_t version_min, version_max;
    uint64_t caps;
    uint8_t boot[16];    // random, drawn at each start of the source program
    uint8_t session[16]; // zero: a new session
    int64_t clock;       // the source's claim, seconds since 1970 UTC
    char program[64];    // name and version, for the log
};

enum bf_firmware { BF_FIRMWARE_UNKNOWN = 0, BF_FIRMWARE_BIOS = 1, BF_FIRMWARE_UEFI = 2 };
struct bf_inventory_nic {
    uint8_t mac[6];
    int8_t link;
    char driver[16];
    char name[64];
};
struct bf_inventory_disk {
    struct bf_disk_identity identity;
    uint8_t planned;    // 0: excluded by configuration, or a boot medium, removable...
    uint8_t named;      // planned because the configuration names it, and not by default
    uint8_t hibernated; // a hibernation image was recognised
    char driver[16];
    char why[96]; // why it is excluded; empty when planned
};
enum bf_unseen_kind { BF_UNSEEN_CONTROLLER = 0, BF_UNSEEN_UNIT = 1 };
// Storage of the machine that no disk of the inventory stands for: a controller from which no disk
// came, or a unit (a disk, namespace or logical unit) that is there and cannot be read.
struct bf_unseen {
    uint8_t kind;
    uint8_t asked; // a driver asked the controller and found no disk; 0: unknown if it has any
    uint16_t vendor, device;
    uint8_t class_code[3]; // PCI's base class, subclass and programming interface, in this order
    char slot[16];         // "0000:00:05.0", empty where it has none
    char what[64];         // "RAID controller", "namespace 2"
    char why[128];
};
// A boot entry of the machine's firmware (UEFI 2.10, section 3.1): which loader it starts. A disk
// in a new machine has none of them.
struct bf_boot_entry {
    uint16_t number; // NNNN of BootNNNN
    uint8_t current; // this start came from it
    uint8_t active;  // LOAD_OPTION_ACTIVE: the firmware tries it by itself
    char name[64];   // its description: "debian"
    char path[128];  // its device path as a text
};
// Evidence, never identity: who the machine is says its certificate.
struct bf_inventory {
    uint8_t firmware;
    uint8_t secure_boot; // 0 off, 1 on, 2 unknown
    uint16_t processors;
    uint64_t memory_bytes;
    char firmware_vendor[64];
    char system_vendor[64], system_product[64], system_serial[64];
    char system_uuid[37];
    char processor[64];
    uint16_t nics, disks;
    struct bf_inventory_nic nic[BF_PROTO_NICS_MAX];
    struct bf_inventory_disk disk[BF_PROTO_DISKS_MAX];
    // Not in the frame INVENTORY: one UNSEEN each, sent right after it.
    uint16_t unseens;
    struct bf_unseen unseen[BF_UNSEEN_MAX];
    // Likewise one BOOT_ENTRY each, in the order in which the firmware tries them.
    uint16_t boot_entries;
    struct bf_boot_entry boot_entry[BF_BOOT_ENTRIES_MAX];
};

struct bf_enrol {
    char name[BF_NAME_MAX];
    uint8_t key[32];
    const uint8_t *csr; // PKCS#10, DER; points into the frame
    uint32_t csr_len;   // <= BF_CSR_MAX
};
struct bf_enrolled {
    const uint8_t *certificate; // DER
    uint32_t certificate_len;   // <= BF_CERTIFICATE_MAX
};

struct bf_welcome {
    uint16_t version;
    uint64_t caps; // the intersection
    uint8_t session[16];
    int64_t clock;
    uint8_t resumed;        // same session and boot as before: PLAN's resume_chunk may be > 0
    char name[BF_NAME_MAX]; // of the machine, from its certificate
    char program[64];
};

// One per planned disk, by ascending number, after WELCOME. Numbers may have gaps: a disk of an
// earlier run that is not planned now keeps its own.
struct bf_planned_disk {
    uint16_t disk;           // number within the replica and the point
    uint16_t inventory_disk; // index in the inventory that was sent
    uint16_t disks;          // how many PLAN frames there are
    uint8_t has_base;        // the server can answer BASE_WANT with more than zero
    struct bf_geometry geometry;
    // Everything before it is durable for this boot. The source may begin the disk there or at any
    // chunk before it, and from then on goes in order.
    uint64_t resume_chunk;
    uint8_t done; // DISK_DONE was accepted for this boot already
};

struct bf_base_want {
    uint16_t disk;
    uint64_t first;
    uint32_t count; // <= BF_BASE_WANT_MAX
};
// What the server has now for chunks [first, first + count): runs of equal state.
struct bf_base_run {
    uint16_t disk;
    uint8_t state; // enum bf_chunk_state, UNKNOWN: must be sent
    uint64_t first;
    uint32_t count;         // digests: <= BF_BASE_ENTRIES_MAX, other states: <= BF_BASE_WANT_MAX
    const uint8_t *digests; // count * 32 bytes for DATA, else NULL
};

enum bf_codec { BF_CODEC_NONE = 0, BF_CODEC_LZ4 = 1, BF_CODEC_ZSTD = 2 };
struct bf_data {
    uint16_t disk;
    uint8_t codec;
    uint8_t count;    // chunks, 1..BF_DATA_CHUNKS_MAX
    uint64_t first;   // first chunk
    uint32_t raw_len; // bytes after decompression, <= BF_DATA_MAX
    const uint8_t *digests;
    const uint8_t *body;
    uint32_t body_len;
};

enum { BF_RANGE_SAME = 16 }; // besides ZERO, UNUSED, UNREADABLE of enum bf_chunk_state
struct bf_range {
    uint16_t disk;
    uint8_t state;
    uint64_t first, count;
};

// Bytes of the disk that could not be read, within chunks that were sent just before, in which they
// are zero. In ascending order; it comes before the CHECKPOINT that covers the chunks.
struct bf_unreadable {
    uint16_t disk;
    uint64_t offset, bytes;
};

// What lies in a place of the disk (a partition, a volume, the whole disk), and whether all of it
// is copied. Comes when the source turns to the disk, again on each connection: the server keeps
// the last one of each ordinal.
struct bf_place_span {
    uint64_t first, bytes; // of the disk
};
struct bf_place {
    uint16_t disk;    // number within the replica
    uint16_t ordinal; // < BF_PLACES_MAX
    char name[64];    // "partition 2", "volume vg0/root", "the whole disk"
    char what[48];    // "ext4", "NTFS", "LVM2 member", "unknown"
    char why[128];    // it is copied whole; empty: only what is used is
    uint16_t count;   // of spans, in any order; 0: not known, or too many to name
    struct bf_place_span span[BF_PLACE_SPANS_MAX];
};

// "All chunks before next_chunk have been sent." Answered with DURABLE once they are flushed.
struct bf_checkpoint {
    uint16_t disk;
    uint64_t next_chunk;
};
struct bf_disk_done {
    uint16_t disk;
    struct bf_digest root;
};
struct bf_commit {
    struct bf_digest point_root;
    int64_t clock;
};
// Chunks that have to be sent again, at most BF_NEED_MAX frames in answer to one COMMIT. What is
// still missing then is asked for after the next COMMIT.
struct bf_need {
    uint16_t disk;
    uint64_t first, count;
    uint8_t more; // another NEED follows; 0: that was all, repair and send COMMIT again
};
// How the server spent its time since the last PACE, per mille; what is left it was working.
struct bf_pace {
    uint16_t waited; // for bytes from the source
    uint16_t stored; // for room in its store
};
struct bf_verifying {
    uint16_t disk;
    uint64_t done, total; // bytes
};
struct bf_committed {
    uint32_t point;
    int64_t time; // server's clock, UTC
    struct bf_digest point_root;
};
// "My reads keep me from the network": until the next BUSY, silence of up to ms is no sign of
// death.
struct bf_busy {
    uint32_t ms; // <= BF_BUSY_MAX_MS; below BF_DEAD_MS: as usual
};
struct bf_event {
    uint8_t level;
    char text[256];
};
struct bf_bye {
    uint8_t ok;
};

// What a source finds out without sending anything of its disks: how much is used, how fast it is
// read and made ready for the wire. All of it are the source's claims.
struct bf_assessed_disk {
    uint16_t number;          // in the source's inventory
    uint64_t bytes, used;     // used <= bytes: what a copy would read
    uint64_t rate;            // bytes read per second; 0: it could not be timed
    uint64_t sampled, packed; // bytes of samples, and what LZ4 makes of them; packed <= sampled
    char name[96];            // bf_identity_text
};
struct bf_assessment {
    uint64_t compute;      // bytes per second digested and compressed, all processors together
    uint32_t unseen;       // controllers and units that could not be seen
    char unseen_list[192]; // bf_unseen_list
    uint16_t disks;        // that would be copied, 1..BF_PROTO_DISKS_MAX
    struct bf_assessed_disk disk[BF_PROTO_DISKS_MAX];
};
struct bf_assessed {
    uint64_t filled; // bytes of FILL frames
    uint64_t link;   // of them per second; 0: too few to tell
};

// Encoders: the whole frame into out; its length, or 0 when it does not fit or is not allowed.
size_t bf_put_hello(uint8_t *out, size_t size, const struct bf_hello *m);
size_t bf_put_inventory(uint8_t *out, size_t size, const struct bf_inventory *m);
size_t bf_put_enrol(uint8_t *out, size_t size, const struct bf_enrol *m);
size_t bf_put_enrolled(uint8_t *out, size_t size, const struct bf_enrolled *m);
size_t bf_put_welcome(uint8_t *out, size_t size, const struct bf_welcome *m);
size_t bf_put_plan(uint8_t *out, size_t size, const struct bf_planned_disk *m);
size_t bf_put_base_want(uint8_t *out, size_t size, const struct bf_base_want *m);
size_t bf_put_base(uint8_t *out, size_t size, const struct bf_base_run *m);
// DATA without copying the body twice: the header and digests only; body_len bytes must follow.
size_t bf_put_data_head(uint8_t *out, size_t size, const struct bf_data *m);
size_t bf_put_range(uint8_t *out, size_t size, const struct bf_range *m);
size_t bf_put_unreadable(uint8_t *out, size_t size, const struct bf_unreadable *m);
size_t bf_put_unseen(uint8_t *out, size_t size, const struct bf_unseen *m);
size_t bf_put_boot_entry(uint8_t *out, size_t size, const struct bf_boot_entry *m);
size_t bf_put_place(uint8_t *out, size_t size, const struct bf_place *m);
size_t bf_put_checkpoint(uint8_t *out, size_t size, uint16_t type, const struct bf_checkpoint *m);
size_t bf_put_disk_done(uint8_t *out, size_t size, const struct bf_disk_done *m);
size_t bf_put_commit(uint8_t *out, size_t size, const struct bf_commit *m);
size_t bf_put_need(uint8_t *out, size_t size, const struct bf_need *m);
size_t bf_put_pace(uint8_t *out, size_t size, const struct bf_pace *m);
size_t bf_put_verifying(uint8_t *out, size_t size, const struct bf_verifying *m);
size_t bf_put_committed(uint8_t *out, size_t size, const struct bf_committed *m);
size_t bf_put_busy(uint8_t *out, size_t size, const struct bf_busy *m);
size_t bf_put_event(uint8_t *out, size_t size, const struct bf_event *m);
size_t bf_put_ping(uint8_t *out, size_t size, uint16_t type, uint64_t echo);
size_t bf_put_fault(uint8_t *out, size_t size, const struct bf_fault *m);
size_t bf_put_bye(uint8_t *out, size_t size, const struct bf_bye *m);
// The header only; len bytes must follow, 1..BF_DATA_MAX.
size_t bf_put_fill_head(uint8_t *out, size_t size, uint32_t len);
size_t bf_put_assessment(uint8_t *out, size_t size, const struct bf_assessment *m);
size_t bf_put_assessed(uint8_t *out, size_t size, const struct bf_assessed *m);

// Decoders: BF_ERR_PROTOCOL when anything in the payload is not allowed. Spans point into it.
enum bf_err bf_get_hello(const struct bf_frame *f, struct bf_hello *m);
enum bf_err bf_get_inventory(const struct bf_frame *f, struct bf_inventory *m);
enum bf_err bf_get_enrol(const struct bf_frame *f, struct bf_enrol *m);
enum bf_err bf_get_enrolled(const struct bf_frame *f, struct bf_enrolled *m);
enum bf_err bf_get_welcome(const struct bf_frame *f, struct bf_welcome *m);
enum bf_err bf_get_plan(const struct bf_frame *f, struct bf_planned_disk *m);
enum bf_err bf_get_base_want(const struct bf_frame *f, struct bf_base_want *m);
enum bf_err bf_get_base(const struct bf_frame *f, struct bf_base_run *m);
enum bf_err bf_get_data(const struct bf_frame *f, struct bf_data *m);
enum bf_err bf_get_range(const struct bf_frame *f, struct bf_range *m);
enum bf_err bf_get_unreadable(const struct bf_frame *f, struct bf_unreadable *m);
enum bf_err bf_get_unseen(const struct bf_frame *f, struct bf_unseen *m);
enum bf_err bf_get_boot_entry(const struct bf_frame *f, struct bf_boot_entry *m);
enum bf_err bf_get_place(const struct bf_frame *f, struct bf_place *m);
enum bf_err bf_get_checkpoint(const struct bf_frame *f, struct bf_checkpoint *m); // DURABLE too
enum bf_err bf_get_disk_done(const struct bf_frame *f, struct bf_disk_done *m);
enum bf_err bf_get_commit(const struct bf_frame *f, struct bf_commit *m);
enum bf_err bf_get_need(const struct bf_frame *f, struct bf_need *m);
enum bf_err bf_get_pace(const struct bf_frame *f, struct bf_pace *m);
enum bf_err bf_get_verifying(const struct bf_frame *f, struct bf_verifying *m);
enum bf_err bf_get_committed(const struct bf_frame *f, struct bf_committed *m);
enum bf_err bf_get_busy(const struct bf_frame *f, struct bf_busy *m);
enum bf_err bf_get_event(const struct bf_frame *f, struct bf_event *m);
enum bf_err bf_get_ping(const struct bf_frame *f, uint64_t *echo);
enum bf_err bf_get_fault(const struct bf_frame *f, struct bf_fault *m);
enum bf_err bf_get_bye(const struct bf_frame *f, struct bf_bye *m);
enum bf_err bf_get_assessment(const struct bf_frame *f, struct bf_assessment *m);
enum bf_err bf_get_assessed(const struct bf_frame *f, struct bf_assessed *m);

// A machine name: lower-case letters, digits, '-' and '.', begins with a letter or digit, at most
// 63 characters, no "..".
int bf_machine_name_ok(const char *name);

#endif
