// SPDX-License-Identifier: Apache-2.0
// fw_cfg through its two I/O ports (QEMU, docs/specs/fw_cfg.rst): a selector and a data port that
// gives one byte after the other. Numbers in the directory are big-endian.
#include "boot/fwcfg.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "boot/cpu.h"

enum {
    PORT_SELECT = 0x510,
    PORT_DATA = 0x511,
    KEY_SIGNATURE = 0x00,
    KEY_DIRECTORY = 0x19,
    FILES_MAX = 4096, // more is no directory
};

struct entry {
    uint32_t size;
    uint16_t key;
    char name[BF_FWCFG_NAME_MAX + 1];
};

static void select_item(uint16_t key)
{
    bf_cpu_port_write16(PORT_SELECT, key);
}

static void read_bytes(void *out, size_t len)
{
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++)
        if (bf_cpu_port_read8(PORT_DATA, &to[i]) != BF_OK)
            to[i] = 0;
}

static uint32_t read_big(size_t len)
{
    uint8_t bytes[sizeof(uint32_t)];
    read_bytes(bytes, len);
    return (uint32_t)bf_be(bytes, len);
}

static int is_there(void)
{
    char hypervisor[13], signature[4];
    bf_cpu_hypervisor(hypervisor);
    if (!hypervisor[0])
        return 0;
    select_item(KEY_SIGNATURE);
    read_bytes(signature, sizeof signature);
    return memcmp(signature, "QEMU", sizeof signature) == 0;
}

static void read_entry(struct entry *e)
{
    e->size = read_big(4);
    e->key = (uint16_t)read_big(2);
    read_big(2);
    read_bytes(e->name, BF_FWCFG_NAME_MAX);
    e->name[BF_FWCFG_NAME_MAX] = 0;
}

// The directory has to be read in one go: selecting a file starts it anew.
static int find_file(const char *prefix, uint32_t number, struct entry *out)
{
    select_item(KEY_DIRECTORY);
    uint32_t count = read_big(4);
    for (uint32_t i = 0; i < count && i < FILES_MAX; i++) {
        read_entry(out);
        if (strncmp(out->name, prefix, strlen(prefix)) == 0 && !number--)
            return 1;
    }
    return 0;
}

static enum bf_err use_file(const struct entry *e, const char *name, size_t max,
                            enum bf_err (*use)(void *user, const char *name, const char *value),
                            void *user)
{
    if (e->size > max)
        return BF_ERR_LIMIT;
    char *value = bf_alloc((size_t)e->size + 1);
    if (!value)
        return BF_ERR_NO_MEMORY;
    select_item(e->key);
    read_bytes(value, e->size);
    value[e->size] = 0;
    enum bf_err err = use(user, name, value);
    bf_wipe(value, e->size);
    bf_free(value);
    return err;
}

enum bf_err bf_fwcfg_files(const char *prefix, size_t max,
                           enum bf_err (*use)(void *user, const char *name, const char *value),
                           void *user)
{
    struct entry e;
    enum bf_err err = BF_OK;
    if (!is_there())
        return BF_ERR_NOT_FOUND;
    for (uint32_t i = 0; err == BF_OK && find_file(prefix, i, &e); i++)
        err = use_file(&e, e.name + strlen(prefix), max, use, user);
    return err;
}
