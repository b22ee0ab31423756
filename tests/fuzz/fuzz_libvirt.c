// SPDX-License-Identifier: Apache-2.0
// What the target libvirt reads: its URI, libvirt's XML (of a host, of a machine that a copy is
// made of), its own record of copies, addresses, and pictures of a screen that a guest draws. The
// first byte says which.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "replica/targets/libvirt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_uri(const char *text, size_t len)
{
    struct bf_lv_uri uri;
    struct bf_fault fault;

    if (bf_lv_uri_parse(text, &uri, &fault) == BF_OK)
        BF_ASSERT(strncmp(uri.connect, "qemu", 4) == 0 && !strchr(uri.connect, '\n'));
    else
        BF_ASSERT(fault.what[0] && fault.todo[0]);
}

static void read_host(const char *text, size_t len)
{
    struct bf_lv_host host;

    bf_lv_host_read(text, len, &host);
}

static void read_disk(const char *text, size_t len)
{
    struct bf_lv_disk_state state;

    bf_lv_disk_read(text, "vda", &state);
}

// Whatever the definition was, the lasting one is XML with the disk where it was copied to.
static void settle(const char *text, size_t len)
{
    static const struct bf_lv_volume volume = {.path = "/new/<0>&'\""};
    struct bf_tgt_machine *m = calloc(1, sizeof *m);
    struct bf_lv_disk_state state;
    char *lasting;

    m->disks = 1;
    memcpy(m->disk_bus, "virtio-blk", sizeof "virtio-blk");
    lasting = bf_lv_lasting_xml(text, m, &volume);
    if (lasting) {
        BF_ASSERT(bf_lv_disk_read(lasting, "vda", &state));
        BF_ASSERT(strcmp(state.source, volume.path) == 0 && !state.copy[0]);
    }
    free(lasting);
    free(m);
}

static void read_copies(const char *text, size_t len)
{
    struct bf_lv_copy copy[BF_TGT_DISKS];

    if (bf_lv_copies_parse(text, len, copy, 2))
        BF_ASSERT(copy[0].name[0] && copy[1].name[0]);
}

static void read_address(const char *text, size_t len)
{
    struct bf_lv_address a, b;
    char again[64];

    if (bf_lv_address_read(text, &a) != BF_OK)
        return;
    bf_lv_address_text(&a, again);
    BF_ASSERT(bf_lv_address_read(again, &b) == BF_OK);
    BF_ASSERT(memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0 && bf_lv_address_in(&a, &b));
}

static void read_picture(const char *text, size_t len)
{
    uint8_t *png;
    size_t png_len;

    if (bf_lv_png((const uint8_t *)text, len, &png, &png_len) == BF_OK)
        BF_ASSERT(png_len > 8);
    free(png);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *text, size_t len) = {
        read_uri, read_host, read_disk, settle, read_copies, read_address, read_picture};
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size); // with a zero at the end, which the readers of strings need
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    readers[data[0] % BF_COUNT(readers)](text, size - 1);
    free(text);
    return 0;
}
