// SPDX-License-Identifier: Apache-2.0
// See tests/proto_any.h.
#include "tests/proto_any.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cursor.h"

#define AGAIN(message, name)                                                                       \
    static enum bf_err name##_again(const struct bf_frame *f, uint8_t *out, size_t size,           \
                                    size_t *len)                                                   \
    {                                                                                              \
        static struct message m;                                                                   \
        enum bf_err err = bf_get_##name(f, &m);                                                    \
        if (!err)                                                                                  \
            *len = bf_put_##name(out, size, &m);                                                   \
        return err;                                                                                \
    }

AGAIN(bf_hello, hello)
AGAIN(bf_inventory, inventory)
AGAIN(bf_enrol, enrol)
AGAIN(bf_enrolled, enrolled)
AGAIN(bf_welcome, welcome)
AGAIN(bf_planned_disk, plan)
AGAIN(bf_base_want, base_want)
AGAIN(bf_base_run, base)
AGAIN(bf_range, range)
AGAIN(bf_unreadable, unreadable)
AGAIN(bf_unseen, unseen)
AGAIN(bf_boot_entry, boot_entry)
AGAIN(bf_place, place)
AGAIN(bf_disk_done, disk_done)
AGAIN(bf_commit, commit)
AGAIN(bf_need, need)
AGAIN(bf_pace, pace)
AGAIN(bf_verifying, verifying)
AGAIN(bf_committed, committed)
AGAIN(bf_busy, busy)
AGAIN(bf_event, event)
AGAIN(bf_fault, fault)
AGAIN(bf_bye, bye)
AGAIN(bf_assessment, assessment)
AGAIN(bf_assessed, assessed)

static enum bf_err data_again(const struct bf_frame *f, uint8_t *out, size_t size, size_t *len)
{
    struct bf_data m;
    enum bf_err err = bf_get_data(f, &m);
    if (err)
        return err;
    *len = bf_put_data_head(out, size, &m);
    if (*len && m.body_len <= size - *len) {
        memcpy(out + *len, m.body, m.body_len);
        *len += m.body_len;
    }
    return BF_OK;
}

static enum bf_err checkpoint_again(const struct bf_frame *f, uint8_t *out, size_t size,
                                    size_t *len)
{
    struct bf_checkpoint m;
    enum bf_err err = bf_get_checkpoint(f, &m);
    if (!err)
        *len = bf_put_checkpoint(out, size, f->type, &m);
    return err;
}

static enum bf_err ping_again(const struct bf_frame *f, uint8_t *out, size_t size, size_t *len)
{
    uint64_t echo;
    enum bf_err err = bf_get_ping(f, &echo);
    if (!err)
        *len = bf_put_ping(out, size, f->type, echo);
    return err;
}

static const struct {
    uint16_t type;
    enum bf_err (*again)(const struct bf_frame *f, uint8_t *out, size_t size, size_t *len);
} table[] = {
    {BF_MSG_HELLO, hello_again},
    {BF_MSG_INVENTORY, inventory_again},
    {BF_MSG_ENROL, enrol_again},
    {BF_MSG_ENROLLED, enrolled_again},
    {BF_MSG_WELCOME, welcome_again},
    {BF_MSG_PLAN, plan_again},
    {BF_MSG_BASE_WANT, base_want_again},
    {BF_MSG_BASE, base_again},
    {BF_MSG_DATA, data_again},
    {BF_MSG_RANGE, range_again},
    {BF_MSG_UNREADABLE, unreadable_again},
    {BF_MSG_UNSEEN, unseen_again},
    {BF_MSG_BOOT_ENTRY, boot_entry_again},
    {BF_MSG_PLACE, place_again},
    {BF_MSG_CHECKPOINT, checkpoint_again},
    {BF_MSG_DURABLE, checkpoint_again},
    {BF_MSG_DISK_DONE, disk_done_again},
    {BF_MSG_COMMIT, commit_again},
    {BF_MSG_NEED, need_again},
    {BF_MSG_PACE, pace_again},
    {BF_MSG_VERIFYING, verifying_again},
    {BF_MSG_COMMITTED, committed_again},
    {BF_MSG_BUSY, busy_again},
    {BF_MSG_EVENT, event_again},
    {BF_MSG_PING, ping_again},
    {BF_MSG_PONG, ping_again},
    {BF_MSG_FAULT, fault_again},
    {BF_MSG_BYE, bye_again},
    {BF_MSG_ASSESSMENT, assessment_again},
    {BF_MSG_ASSESSED, assessed_again},
};

enum bf_err proto_any(const struct bf_frame *f, uint8_t *out, size_t size, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < BF_COUNT(table); i++)
        if (table[i].type == f->type)
            return table[i].again(f, out, size, len);
    return BF_ERR_UNSUPPORTED;
}

int proto_is_canonical(const struct bf_frame *f)
{
    struct bf_hello hello;
    struct bf_reader r;
    if (f->type == BF_MSG_HELLO)
        return !bf_get_hello(f, &hello) && hello.version_max <= BF_PROTO_VERSION_MAX;
    if (f->type != BF_MSG_FAULT)
        return 1;
    bf_reader_init(&r, f->payload, f->length);
    return strcmp(bf_err_name((enum bf_err)bf_get_u16(&r)), "unknown") != 0;
}
