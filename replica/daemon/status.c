// SPDX-License-Identifier: Apache-2.0
// The figures of a live session, see daemon_status.h.
#include "replica/daemon/status.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "migrate/rate.h"
#include "replica/state/text.h"

enum {
    SECOND_US = 1000000,
    SETTLED_MS = 5000, // over less than that, a burst looks like speed
};

void bf_live_begin(struct bf_live *live, const char *machine, const char *from, const char *kex)
{
    memset(live, 0, sizeof *live);
    bf_snprintf(live->machine, sizeof live->machine, "%s", machine);
    bf_snprintf(live->from, sizeof live->from, "%s", from);
    bf_snprintf(live->kex, sizeof live->kex, "%s", kex);
    live->started = time(NULL);
    bf_live_phase(live, "opening");
}

void bf_live_phase(struct bf_live *live, const char *phase)
{
    bf_snprintf(live->phase, sizeof live->phase, "%s", phase);
}

static void set_position(struct bf_live_disk *d, uint64_t next_chunk)
{
    uint64_t position = next_chunk * d->chunk_size;
    d->position = position < d->bytes ? position : d->bytes;
}

void bf_live_disk(struct bf_live *live, uint16_t number, uint64_t bytes, uint32_t chunk_size,
                  uint64_t next_chunk)
{
    if (live->disks == BF_PROTO_DISKS_MAX)
        return;
    BF_ASSERT(live->disks == 0 || live->disk[live->disks - 1].number < number);
    struct bf_live_disk *d = &live->disk[live->disks++];
    *d = (struct bf_live_disk){.number = number, .bytes = bytes, .chunk_size = chunk_size};
    set_position(d, next_chunk);
}

// The oldest sample that is kept; the newest figures are those of now.
static const struct bf_live_sample *oldest(const struct bf_live *live)
{
    if (live->samples == 0)
        return NULL;
    return &live->sample[live->samples > BF_LIVE_SAMPLES ? live->samples % BF_LIVE_SAMPLES : 0];
}

static void note_wire(struct bf_live *live, uint64_t now_us)
{
    const struct bf_live_sample *from = oldest(live);
    uint64_t passed_ms = from ? (now_us - from->at_us) / 1000 : 0;
    BF_ASSERT(!from || (now_us >= from->at_us && live->wire >= from->wire));
    if (passed_ms < SETTLED_MS)
        return;
    uint64_t rate = (live->wire - from->wire) * 1000 / passed_ms;
    if (rate > live->wire_most)
        live->wire_most = rate;
}

static void take_sample(struct bf_live *live, uint64_t now_us)
{
    const struct bf_live_sample *last = &live->sample[(live->samples - 1) % BF_LIVE_SAMPLES];
    if (live->samples && now_us - last->at_us < SECOND_US)
        return;
    note_wire(live, now_us);
    live->sample[live->samples++ % BF_LIVE_SAMPLES] =
        (struct bf_live_sample){now_us, live->raw, live->wire};
}

void bf_live_progress(struct bf_live *live, uint16_t number, uint64_t next_chunk, uint64_t raw,
                      uint64_t wire, uint64_t now_us)
{
    if (live->samples == 0)
        take_sample(live, now_us);
    live->raw += raw;
    live->wire += wire;
    for (uint16_t i = 0; i < live->disks; i++)
        if (live->disk[i].number == number)
            set_position(&live->disk[i], next_chunk);
    take_sample(live, now_us);
}

void bf_live_totals(const struct bf_live *live, uint64_t now_us, struct bf_live_totals *out)
{
    const struct bf_live_sample *from = oldest(live);
    memset(out, 0, sizeof *out);
    for (uint16_t i = 0; i < live->disks; i++) {
        out->bytes += live->disk[i].bytes;
        out->position += live->disk[i].position;
    }
    BF_ASSERT(out->position <= out->bytes);
    uint64_t passed_ms = from && now_us > from->at_us ? (now_us - from->at_us) / 1000 : 0;
    if (passed_ms > 0) {
        out->rate = (live->raw - from->raw) * 1000 / passed_ms;
        out->wire_rate = (live->wire - from->wire) * 1000 / passed_ms;
    }
    struct bf_outlook pace = {.left = out->bytes - out->position,
                              .rate = out->rate,
                              .done = live->raw,
                              .wire = live->wire,
                              .wire_rate = out->wire_rate,
                              .wire_most = live->wire_most};
    uint64_t eta = bf_eta_seconds(&pace);
    out->eta = !pace.left ? 0 : eta < INT64_MAX ? (int64_t)eta : -1;
}

json_t *bf_live_json(const struct bf_live *live, uint64_t now_us)
{
    struct bf_live_totals t;
    json_t *disks = json_array();
    bf_live_totals(live, now_us, &t);
    for (uint16_t i = 0; i < live->disks; i++)
        json_array_append_new(disks, json_pack("{s:i, s:I, s:I}", "disk", (int)live->disk[i].number,
                                               "bytes", (json_int_t)live->disk[i].bytes, "position",
                                               (json_int_t)live->disk[i].position));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "machine",
        live->machine, "phase", live->phase, "from", live->from, "kex", live->kex, "session",
        bf_json_hex(live->session, sizeof live->session), "started", bf_json_time(live->started),
        "bytes", (json_int_t)t.bytes, "position", (json_int_t)t.position, "received",
        (json_int_t)live->raw, "wire", (json_int_t)live->wire, "rate", (json_int_t)t.rate,
        "wire_rate", (json_int_t)t.wire_rate, "eta", t.eta >= 0 ? json_integer(t.eta) : json_null(),
        "point", live->point ? json_integer(live->point) : json_null(), "disks", disks);
}
