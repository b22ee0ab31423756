// SPDX-License-Identifier: Apache-2.0
// The lines of a sending program, from its inventory and its progress. Nothing here knows where the
// lines go.
#include "migrate/announce.h"

#include "base/assert.h"
#include "base/fmt.h"
#include "migrate/report.h"
#include "migrate/unseen.h"

enum { PROGRESS_US = 1000000, EVENT_MAX = 240 };

static void send(const struct bf_announcer *a, const struct bf_report *r)
{
    a->line(a->user, bf_report_end(r));
}

static void tell_people(const struct bf_announcer *a, const char *text)
{
    if (a->event)
        a->event(a->user, text);
}

void bf_announce_log(const struct bf_announcer *a, uint64_t now_us, enum bf_log_level level,
                     const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct bf_report r;

    bf_report_begin(&r, "log");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "level", names[level > BF_LOG_DEBUG ? BF_LOG_DEBUG : level]);
    bf_report_text(&r, "text", text);
    send(a, &r);
}

// ---- Inventory ---------------------------------------------------------------------------------

void bf_mac_text(char out[18], const uint8_t mac[6])
{
    bf_snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
}

static void tell_disk(const struct bf_announcer *a, const struct bf_inventory_disk *disk,
                      uint32_t number)
{
    struct bf_report r;
    char guid[37] = "";

    if (disk->identity.has_gpt)
        bf_guid_text(guid, disk->identity.gpt_guid);
    bf_report_begin(&r, "disk");
    bf_report_u64(&r, "number", number);
    bf_report_u64(&r, "planned", disk->planned);
    bf_report_u64(&r, "bytes", disk->identity.bytes);
    bf_report_u64(&r, "block", disk->identity.block_size);
    bf_report_u64(&r, "hibernated", disk->hibernated);
    bf_report_text(&r, "driver", disk->driver);
    bf_report_text(&r, "serial", disk->identity.serial);
    bf_report_text(&r, "wwn", disk->identity.wwn);
    bf_report_text(&r, "gpt", guid);
    bf_report_text(&r, "why", disk->why);
    bf_report_text(&r, "path", disk->identity.path);
    send(a, &r);
}

static void tell_unseen(const struct bf_announcer *a, const struct bf_unseen *entry)
{
    char id[10], class[7];
    struct bf_report r;

    bf_snprintf(id, sizeof id, "%04x:%04x", entry->vendor, entry->device);
    bf_hex(class, entry->class_code, sizeof entry->class_code);
    bf_report_begin(&r, "unseen");
    bf_report_text(&r, "kind", entry->kind == BF_UNSEEN_UNIT ? "unit" : "controller");
    bf_report_u64(&r, "asked", entry->asked);
    bf_report_text(&r, "slot", entry->slot);
    bf_report_text(&r, "id", id);
    bf_report_text(&r, "class", class);
    bf_report_text(&r, "what", entry->what);
    bf_report_text(&r, "why", entry->why);
    send(a, &r);
}

void bf_announce_inventory(struct bf_announcer *a, const char *name,
                           const struct bf_inventory *inventory)
{
    struct bf_report r;
    char mac[18];

    BF_ASSERT(inventory->disks <= BF_PROTO_DISKS_MAX && inventory->unseens <= BF_UNSEEN_MAX);
    bf_report_begin(&r, "machine");
    bf_report_text(&r, "name", name);
    bf_report_u64(&r, "memory", inventory->memory_bytes);
    bf_report_u64(&r, "processors", inventory->processors);
    bf_report_text(&r, "vendor", inventory->system_vendor);
    bf_report_text(&r, "product", inventory->system_product);
    bf_report_u64(&r, "workers", a->workers);
    send(a, &r);
    for (uint32_t i = 0; i < inventory->nics; i++) {
        bf_mac_text(mac, inventory->nic[i].mac);
        bf_report_begin(&r, "nic");
        bf_report_text(&r, "mac", mac);
        bf_report_text(&r, "link",
                       inventory->nic[i].link < 0 ? "unknown"
                       : inventory->nic[i].link   ? "up"
                                                  : "down");
        bf_report_text(&r, "driver", inventory->nic[i].driver);
        bf_report_text(&r, "name", inventory->nic[i].name);
        send(a, &r);
    }
    for (uint32_t i = 0; i < inventory->disks; i++)
        tell_disk(a, &inventory->disk[i], i);
    for (uint32_t i = 0; i < inventory->unseens; i++)
        tell_unseen(a, &inventory->unseen[i]);
    a->unknown = bf_unseen_unknown(inventory);
    bf_unseen_list(a->unknown_list, sizeof a->unknown_list, inventory);
}

// ---- Progress ----------------------------------------------------------------------------------

static void tell_progress(const struct bf_announcer *a, uint64_t now_us,
                          const struct bf_progress *p)
{
    struct bf_report r;

    bf_report_begin(&r, "progress");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "phase", bf_phase_name(p->phase));
    bf_report_u64(&r, "total", p->bytes_total);
    bf_report_u64(&r, "position", p->bytes_position);
    bf_report_u64(&r, "read", p->read_bytes);
    bf_report_u64(&r, "sent", p->sent_bytes);
    bf_report_u64(&r, "data", p->data_bytes);
    bf_report_u64(&r, "zero", p->zero_bytes);
    bf_report_u64(&r, "same", p->same_bytes);
    bf_report_u64(&r, "unused", p->unused_bytes);
    bf_report_u64(&r, "rate", p->rate);
    if (p->unreadable_bytes)
        bf_report_u64(&r, "unreadable", p->unreadable_bytes);
    if (p->limit)
        bf_report_u64(&r, "limit", p->limit);
    if (p->eta_seconds != UINT64_MAX)
        bf_report_u64(&r, "eta", p->eta_seconds);
    send(a, &r);
}

static void tell_phase(const struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p)
{
    struct bf_report r;

    bf_report_begin(&r, "phase");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "phase", bf_phase_name(p->phase));
    bf_report_text(&r, "server", p->server);
    if (p->phase == BF_PHASE_WAITING && p->last_fault.code) {
        bf_report_text(&r, "code", bf_err_name(p->last_fault.code));
        bf_report_text(&r, "side", bf_side_name(p->last_fault.side));
        bf_report_text(&r, "what", p->last_fault.what);
    }
    send(a, &r);
}

static void tell_tls(const struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p)
{
    struct bf_report r;

    if (!p->kex[0])
        return;
    bf_report_begin(&r, "tls");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "server", p->server);
    bf_report_text(&r, "group", p->kex);
    send(a, &r);
}

static void tell_connected(const struct bf_announcer *a, uint64_t now_us,
                           const struct bf_progress *p)
{
    char text[EVENT_MAX];
    struct bf_report r;

    tell_tls(a, now_us, p);

    bf_report_begin(&r, "connected");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "server", p->server);
    bf_report_text(&r, "machine", p->machine);
    bf_report_u64(&r, "connections", p->connections);
    send(a, &r);
    bf_snprintf(text, sizeof text, "connected to %s as %s%s%s", p->server, p->machine,
                p->kex[0] ? ", key exchange " : "", p->kex);
    tell_people(a, text);
}

static void tell_disks_done(struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p)
{
    BF_ASSERT(p->disks <= BF_PROTO_DISKS_MAX);
    for (uint32_t i = 0; i < p->disks; i++) {
        char root[2 * sizeof p->disk[i].root.bytes + 1];
        struct bf_report r;
        if (!p->disk[i].done || a->disk_done[i])
            continue;
        a->disk_done[i] = 1;
        bf_hex(root, p->disk[i].root.bytes, sizeof p->disk[i].root.bytes);
        bf_report_begin(&r, "disk-done");
        bf_report_seconds(&r, "t", now_us);
        bf_report_u64(&r, "number", i);
        bf_report_u64(&r, "bytes", p->disk[i].bytes);
        bf_report_text(&r, "root", root);
        send(a, &r);
    }
}

static void tell_first_byte(const struct bf_announcer *a, uint64_t now_us)
{
    struct bf_report r;

    bf_report_begin(&r, "first-byte");
    bf_report_seconds(&r, "t", now_us);
    send(a, &r);
}

void bf_announce_looking(struct bf_announcer *a, uint64_t now_us, const struct bf_looking *looking)
{
    struct bf_report r;

    if (now_us < a->next_looking_us)
        return;
    a->next_looking_us = now_us + PROGRESS_US;
    bf_report_begin(&r, "looking");
    bf_report_seconds(&r, "t", now_us);
    bf_report_u64(&r, "disk", looking->disk);
    bf_report_text(&r, "place", looking->place);
    bf_report_text(&r, "step", looking->step);
    bf_report_u64(&r, "bytes", looking->bytes);
    send(a, &r);
}

void bf_announce_progress(struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p)
{
    if (p->connections != a->connections) {
        a->connections = p->connections;
        tell_connected(a, now_us, p);
    }
    if (p->phase != a->phase || !a->begun) {
        a->phase = p->phase;
        a->begun = 1;
        a->next_progress_us = now_us + PROGRESS_US;
        tell_phase(a, now_us, p);
    }
    if (!a->first_byte && p->bytes_position && p->phase == BF_PHASE_COPYING) {
        a->first_byte = 1;
        tell_first_byte(a, now_us);
    }
    if (now_us >= a->next_progress_us &&
        (p->phase == BF_PHASE_COPYING || p->phase == BF_PHASE_VERIFYING)) {
        a->next_progress_us = now_us + PROGRESS_US;
        tell_progress(a, now_us, p);
    }
    if (p->looking.step[0])
        bf_announce_looking(a, now_us, &p->looking);
    tell_disks_done(a, now_us, p);
}

// ---- The end -----------------------------------------------------------------------------------

static void add_point(struct bf_report *r, const struct bf_progress *p)
{
    char root[2 * sizeof p->point_root.bytes + 1];

    bf_hex(root, p->point_root.bytes, sizeof p->point_root.bytes);
    bf_report_u64(r, "point", p->point);
    bf_report_text(r, "root", root);
    if (p->unreadable_bytes)
        bf_report_u64(r, "unreadable", p->unreadable_bytes);
    if (p->asleep) {
        bf_report_u64(r, "hibernated-disk", p->asleep_disk);
        bf_report_u64(r, "hibernated-byte", p->asleep_byte);
    }
}

void bf_announce_verdict(const struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p,
                         const struct bf_fault *fault)
{
    struct bf_report r;

    if (p)
        tell_progress(a, now_us, p);
    bf_report_begin(&r, NULL);
    bf_report_text(&r, "verdict", fault->code ? "fail" : "ok");
    bf_report_text(&r, "code", bf_err_name(fault->code));
    bf_report_text(&r, "side", bf_side_name(fault->side));
    bf_report_seconds(&r, "t", now_us);
    if (fault->code) {
        bf_report_text(&r, "what", fault->what);
        bf_report_text(&r, "todo", fault->todo);
    } else if (p) {
        add_point(&r, p);
    }
    if (a->unknown) {
        bf_report_u64(&r, "unseen", a->unknown);
        bf_report_text(&r, "which", a->unknown_list);
    }
    send(a, &r);
}
