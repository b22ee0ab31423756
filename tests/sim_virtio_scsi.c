// SPDX-License-Identifier: Apache-2.0
// See tests/sim_virtio_scsi.h. Offsets are the specifications': virtio 5.6.4 and 5.6.6; SPC-5, 6.7
// and 7.7; SBC-4, 5.16 to 5.21.
#include "tests/sim_virtio_scsi.h"

#include <string.h>

#include "base/bytes.h"

enum { REQUEST = 51, RESPONSE = 108, CONTROLQ = 0, REQUESTQ = 2 };

struct response {
    uint32_t sense_len, residual;
    uint16_t qualifier;
    uint8_t status, response, sense[SIM_VSCSI_SENSE];
};

struct task {
    struct sim_virtio_desc d[3];
    const uint8_t *request;
    uint8_t *data;
    uint32_t done; // bytes of data
    struct response answer;
};

static void check(struct task *t, uint8_t key, uint8_t asc)
{
    memset(t->answer.sense, 0, sizeof t->answer.sense);
    t->answer.status = 2;
    t->answer.sense[0] = 0x70;
    t->answer.sense[2] = key;
    t->answer.sense[7] = 10;
    t->answer.sense[12] = asc;
    t->answer.sense_len = 18;
    t->done = 0;
}

static void give(struct task *t, const uint8_t *bytes, uint32_t len)
{
    t->done = len < t->d[2].len ? len : t->d[2].len;
    memcpy(t->data, bytes, t->done);
}

static struct sim_vscsi_unit *find(struct sim_vscsi *m, const uint8_t lun[8])
{
    uint32_t number = bf_be16(lun + 2) - 0x4000u;
    if (lun[0] != 1 || bf_be32(lun + 4))
        return NULL;
    if (lun[1] == SIM_VSCSI_MANY && number < m->many)
        return &m->unit[0];
    for (size_t i = 0; i < SIM_VSCSI_UNITS; i++) {
        struct sim_vscsi_unit *u = &m->unit[i];
        if (u->present && lun[1] == u->target && number == u->lun)
            return u;
    }
    return NULL;
}

static int has_target(const struct sim_vscsi *m, uint8_t target)
{
    for (size_t i = 0; i < SIM_VSCSI_UNITS; i++)
        if (m->unit[i].present && m->unit[i].target == target)
            return 1;
    return m->many && target == SIM_VSCSI_MANY;
}

// ---- Commands ----------------------------------------------------------------------------------

static void vital_data(const struct sim_vscsi_unit *u, struct task *t, uint8_t page)
{
    uint8_t data[64] = {u->type, page};
    if (u->mute_pages) {
        check(t, 5, 0x24);
        return;
    }
    switch (page) {
    case 0x00:
        memcpy(data + 4, "\x00\x80\x83\xb0", 4);
        data[3] = u->max_transfer ? 4 : 3;
        break;
    case 0x80:
        memcpy(data + 4, "unit-", 5);
        data[9] = (uint8_t)('0' + u->target);
        data[3] = 6;
        break;
    case 0x83:
        data[3] = 12;
        memcpy(data + 4, "\x01\x03\x00\x08\x50\x01\x40\x50\x00\x00\x00", 11);
        data[15] = u->target;
        break;
    case 0xb0:
        data[3] = 0x3c;
        bf_put_be32(data + 8, u->max_transfer);
        break;
    default:
        check(t, 5, 0x24);
        return;
    }
    give(t, data, sizeof data);
}

static void inquiry(const struct sim_vscsi_unit *u, struct task *t, const uint8_t *cdb)
{
    uint8_t data[36] = {u->type, 0, 6, 2, 31};
    if (cdb[1] & 1) {
        vital_data(u, t, cdb[2]);
        return;
    }
    data[5] = u->protection != 0;
    memcpy(data + 8, "MAKER   A disk          ", 24);
    give(t, data, sizeof data);
}

static void capacity(const struct sim_vscsi_unit *u, struct task *t, int wide)
{
    uint8_t data[32] = {0};
    uint64_t blocks = u->claims ? u->claims : u->blocks;
    if (wide) {
        bf_put_be64(data, blocks - 1);
        bf_put_be32(data + 8, u->block_size);
        data[12] = u->protection;
    } else {
        bf_put_be32(data, blocks > UINT32_MAX ? UINT32_MAX : blocks - 1);
        bf_put_be32(data + 4, u->block_size);
    }
    give(t, data, wide ? 32 : 8);
}

static void read_blocks(struct sim_vscsi *m, const struct sim_vscsi_unit *u, struct task *t,
                        const uint8_t *cdb)
{
    int wide = cdb[0] == 0x88;
    uint64_t block = wide ? bf_be64(cdb + 2) : bf_be32(cdb + 2);
    uint64_t count = wide ? bf_be32(cdb + 10) : bf_be16(cdb + 7);
    m->reads++;
    m->long_reads += wide;
    if (u->claims && block >= u->blocks)
        block %= u->blocks;
    if (block > u->blocks || count > u->blocks - block)
        check(t, 5, 0x21);
    else if (u->max_transfer && count > u->max_transfer)
        check(t, 5, 0x24);
    else if (count * u->block_size != t->d[2].len)
        t->answer.response = 1; // VIRTIO_SCSI_S_OVERRUN
    else
        give(t, u->content + block * u->block_size, t->d[2].len);
}

// Numbers below 256 in the short form, others flat, as QEMU writes them.
static uint32_t put_lun(uint8_t *list, uint32_t at, uint32_t lun)
{
    bf_put_be16(list + at, lun < 256 ? lun : 0x4000u | lun);
    return at + 8;
}

static void report_luns(struct sim_vscsi *m, struct task *t, uint8_t target)
{
    static uint8_t list[8 + 8 * 0x4100];
    uint32_t end = 8;
    memset(list, 0, sizeof list);
    for (size_t i = 0; i < SIM_VSCSI_UNITS; i++)
        if (m->unit[i].present && m->unit[i].target == target)
            end = put_lun(list, end, m->unit[i].lun);
    for (uint32_t i = 0; target == SIM_VSCSI_MANY && i < m->many; i++)
        end = put_lun(list, end, i);
    if (m->luns) {
        memcpy(list + 8, m->luns, m->luns_bytes);
        end = 8 + m->luns_bytes;
    }
    bf_put_be32(list, m->luns_claimed ? m->luns_claimed : end - 8);
    give(t, list, end);
}

static void report_reservation(const struct sim_vscsi_unit *u, struct task *t)
{
    uint8_t data[24] = {[3] = 1, [7] = 16, [21] = u->reserved};
    give(t, data, u->reserved ? 24 : 8);
}

static void execute(struct sim_vscsi *m, struct task *t)
{
    static const uint8_t absent[36] = {0x7f};
    const uint8_t *cdb = t->request + 19;
    struct sim_vscsi_unit *u = find(m, t->request);
    if (has_target(m, t->request[1]) && cdb[0] == 0xa0) {
        if (m->refuse_luns)
            check(t, 5, 0x20);
        else
            report_luns(m, t, t->request[1]);
        return;
    }
    if (!u && has_target(m, t->request[1]) && cdb[0] == 0x12) {
        give(t, absent, sizeof absent);
        return;
    }
    if (!u) {
        t->answer.response = 3; // VIRTIO_SCSI_S_BAD_TARGET
        return;
    }
    if (cdb[0] != 0x12 && u->attentions) {
        u->attentions--;
        check(t, 6, 0x29);
        return;
    }
    switch (cdb[0]) {
    case 0x12:
        inquiry(u, t, cdb);
        break;
    case 0x5e:
        if (cdb[1] != 1 || u->reserved == 0xff)
            check(t, 5, 0x20);
        else
            report_reservation(u, t);
        break;
    case 0x25:
        capacity(u, t, 0);
        break;
    case 0x9e:
        capacity(u, t, 1);
        break;
    case 0x28:
    case 0x88:
        read_blocks(m, u, t, cdb);
        break;
    default:
        check(t, 5, 0x20);
    }
}

// ---- Completions -------------------------------------------------------------------------------

static int fetch(struct sim_vscsi *m, uint16_t head, struct task *t)
{
    memset(t, 0, sizeof *t);
    if (sim_virtio_chain(&m->virtio, REQUESTQ, head, t->d, 3) != 3 || (t->d[0].flags & 2) ||
        !(t->d[1].flags & 2) || !(t->d[2].flags & 2) || t->d[0].len != REQUEST ||
        t->d[1].len != RESPONSE)
        return 0;
    t->request = sim_pci_reach(&m->virtio.pci, t->d[0].addr, REQUEST);
    t->data = sim_pci_reach(&m->virtio.pci, t->d[2].addr, t->d[2].len);
    return t->request && t->data;
}

static void answer(struct sim_vscsi *m, uint16_t head, struct task *t, enum sim_vscsi_fault fault)
{
    uint32_t id = fault == SIM_VSCSI_WRONG_ID    ? (head + 9u) % 24
                  : fault == SIM_VSCSI_MIDDLE_ID ? head + 1u
                  : fault == SIM_VSCSI_HUGE_ID   ? 70000u
                                                 : head;
    uint32_t len = RESPONSE + t->done + (fault == SIM_VSCSI_LONG ? 1u << 20 : 0);
    uint8_t *to = sim_pci_reach(&m->virtio.pci, t->d[1].addr, RESPONSE);
    if (to && fault != SIM_VSCSI_NO_RESPONSE)
        memcpy(to, &t->answer, RESPONSE);
    sim_virtio_put(&m->virtio, REQUESTQ, id, len);
    if (fault == SIM_VSCSI_TWICE)
        sim_virtio_put(&m->virtio, REQUESTQ, id, len);
}

static void spoil(struct sim_vscsi *m, struct task *t, enum sim_vscsi_fault fault)
{
    if (fault == SIM_VSCSI_SHORT)
        t->done /= 2;
    if (fault == SIM_VSCSI_RESPONSE)
        t->answer.response = m->response;
    if (fault == SIM_VSCSI_STATUS) {
        t->answer.status = m->status;
        memcpy(t->answer.sense, m->sense, sizeof m->sense);
        t->answer.sense_len = m->sense_len;
    }
    t->answer.residual = fault == SIM_VSCSI_RESIDUAL ? UINT32_MAX : t->d[2].len - t->done;
}

static void finish(struct sim_vscsi *m, uint16_t head)
{
    struct task t;
    enum sim_vscsi_fault fault = SIM_VSCSI_GOOD;
    if (!fetch(m, head, &t)) {
        m->virtio.pci.stray++;
        return;
    }
    if (m->faults && (t.request[19] == 0x28 || t.request[19] == 0x88)) {
        m->faults--;
        fault = m->fault;
    }
    if (fault == SIM_VSCSI_STUCK)
        m->stuck[m->stuck_count++] = head;
    if (fault == SIM_VSCSI_STUCK || fault == SIM_VSCSI_LOST)
        return;
    execute(m, &t);
    spoil(m, &t, fault);
    answer(m, head, &t, fault);
}

// LOGICAL UNIT RESET: what is out at the unit comes back.
static void manage(struct sim_vscsi *m, uint16_t head)
{
    struct sim_virtio_desc d[2];
    const uint8_t *request;
    uint8_t *response;
    if (sim_virtio_chain(&m->virtio, CONTROLQ, head, d, 2) != 2 || d[0].len != 24 ||
        d[1].len != 1 || !(request = sim_pci_reach(&m->virtio.pci, d[0].addr, 24)) ||
        !(response = sim_pci_reach(&m->virtio.pci, d[1].addr, 1))) {
        m->virtio.pci.stray++;
        return;
    }
    if (m->deaf_control)
        return;
    *response = 9;
    if (request[0] == 0 && request[4] == 5 && find(m, request + 8)) {
        m->unit_resets++;
        while (m->stuck_count) {
            struct task t;
            uint16_t stuck = m->stuck[--m->stuck_count];
            if (!fetch(m, stuck, &t))
                continue;
            t.answer.response = 4; // VIRTIO_SCSI_S_RESET
            answer(m, stuck, &t, SIM_VSCSI_GOOD);
        }
        *response = m->tmf_response;
    }
    sim_virtio_put(&m->virtio, CONTROLQ, head, 1);
}

static int waits_for_others(struct sim_vscsi *m, uint16_t head)
{
    struct task t;
    return m->together && fetch(m, head, &t) && t.request[19] == 0xa0 && t.d[2].len == 16;
}

static void offered(struct sim_virtio *v, uint32_t queue, uint16_t head)
{
    struct sim_vscsi *m = (struct sim_vscsi *)v;
    if (m->deaf)
        return;
    if (queue == CONTROLQ) {
        manage(m, head);
        return;
    }
    if (!m->hold && !waits_for_others(m, head)) {
        finish(m, head);
        return;
    }
    m->held[m->held_count++] = head;
    if (m->held_count > m->most_out)
        m->most_out = m->held_count;
    if (!m->hold && m->held_count == m->together)
        while (m->held_count)
            finish(m, m->held[--m->held_count]);
}

static void was_reset(struct sim_virtio *v)
{
    struct sim_vscsi *m = (struct sim_vscsi *)v;
    m->held_count = m->stuck_count = 0;
}

void sim_vscsi_complete(struct sim_vscsi *m, uint32_t i)
{
    uint16_t head = m->held[i];
    memmove(m->held + i, m->held + i + 1, (m->held_count - i - 1) * sizeof m->held[0]);
    m->held_count--;
    finish(m, head);
}

void sim_vscsi_set_sense(struct sim_vscsi *m, uint8_t key, uint8_t asc)
{
    memset(m->sense, 0, sizeof m->sense);
    m->fault = SIM_VSCSI_STATUS;
    m->status = 2;
    m->sense[0] = 0x70;
    m->sense[2] = key;
    m->sense[7] = 10;
    m->sense[12] = asc;
    m->sense_len = 18;
}

void sim_vscsi_init(struct sim_vscsi *m, const uint8_t *content, uint64_t bytes)
{
    memset(m, 0, sizeof *m);
    m->unit[0] = (struct sim_vscsi_unit){
        .present = 1, .content = content, .blocks = bytes / 512, .block_size = 512};
    m->unit[1] = (struct sim_vscsi_unit){.present = 1,
                                         .target = 3,
                                         .lun = 300,
                                         .content = content,
                                         .blocks = bytes / 4096,
                                         .block_size = 4096,
                                         .max_transfer = 128};
    m->max_sectors = 65535;
    m->max_target = 255;
    m->cmd_per_lun = 128;
    m->sense_size = SIM_VSCSI_SENSE;
    m->virtio.device_id = 0x1004;
    m->virtio.class_code = 0x010000;
    m->virtio.features = 1ull << 32 | 7;
    m->virtio.queue_max = 256;
    m->virtio.queues = 3;
    m->virtio.offered = offered;
    m->virtio.was_reset = was_reset;
    sim_vscsi_plug(m);
}

void sim_vscsi_plug(struct sim_vscsi *m)
{
    uint32_t config[9] = {1,
                          254,
                          m->max_sectors,
                          m->cmd_per_lun,
                          16,
                          m->sense_size,
                          32,
                          (uint32_t)m->max_target << 16,
                          16383};
    memcpy(m->virtio.config, config, sizeof config);
    sim_virtio_plug(&m->virtio);
}
