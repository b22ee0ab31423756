// SPDX-License-Identifier: Apache-2.0
#include "tests/lvm_image.h"

#include <string.h>

enum { LABEL_CRC = 16, LABEL_SUMMED = 20, TEXT_AT = 40, TEXT_BYTES = 48, TEXT_CRC = 56 };

static uint32_t sum(const uint8_t *at, size_t len)
{
    uint32_t crc = 0xf597a6cf;
    while (len--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

static void put(uint8_t *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 8; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

void lvm_image_sum(uint8_t *disk, size_t size)
{
    uint8_t *label = disk + LVM_IMAGE_HEAD, *area = disk + LVM_IMAGE_AREA;
    if (size < LVM_IMAGE_TEXT)
        return;
    put(label + LABEL_CRC, sum(label + LABEL_SUMMED, 512 - LABEL_SUMMED), 4);
    uint64_t at = get(area + TEXT_AT), len = get(area + TEXT_BYTES), left = size - LVM_IMAGE_AREA;
    if (at <= left && len <= left - at)
        put(area + TEXT_CRC, sum(area + at, (size_t)len), 4);
    put(area, sum(area + 4, 512 - 4), 4);
}

void lvm_image_make(uint8_t *disk, const char *uuid, uint64_t device, uint64_t area,
                    const void *text, size_t len)
{
    uint8_t *label = disk + LVM_IMAGE_HEAD, *pv = label + 32, *at = disk + LVM_IMAGE_AREA;
    memcpy(label, "LABELONE", 8);
    put(label + 8, 1, 8);
    put(label + 20, 32, 4);
    memcpy(label + 24, "LVM2 001", 8);
    memcpy(pv, uuid, 32);
    put(pv + 32, device, 8);
    put(pv + 40, LVM_IMAGE_AREA + area, 8); // data, up to the end
    put(pv + 72, LVM_IMAGE_AREA, 8);
    put(pv + 80, area, 8);
    put(pv + 104, 2, 4); // version of the extension
    memcpy(at + 4, " LVM2 x[5A%r0N*>", 16);
    put(at + 20, 1, 4);
    put(at + 24, LVM_IMAGE_AREA, 8);
    put(at + 32, area, 8);
    put(at + TEXT_AT, 512, 8);
    put(at + TEXT_BYTES, len, 8);
    memcpy(at + 512, text, len);
    lvm_image_sum(disk, LVM_IMAGE_TEXT + len);
}
