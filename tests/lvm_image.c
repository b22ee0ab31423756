// SPDX-License-Identifier: Apache-2.0
#include "tests/lvm_image.h"

#include <string.h>

#include "base/bytes.h"

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

void lvm_image_sum(uint8_t *disk, size_t size)
{
    uint8_t *label = disk + LVM_IMAGE_HEAD, *area = disk + LVM_IMAGE_AREA;
    if (size < LVM_IMAGE_TEXT)
        return;
    bf_put_le32(label + LABEL_CRC, sum(label + LABEL_SUMMED, 512 - LABEL_SUMMED));
    uint64_t at = bf_le64(area + TEXT_AT), len = bf_le64(area + TEXT_BYTES),
             left = size - LVM_IMAGE_AREA;
    if (at <= left && len <= left - at)
        bf_put_le32(area + TEXT_CRC, sum(area + at, (size_t)len));
    bf_put_le32(area, sum(area + 4, 512 - 4));
}

void lvm_image_make(uint8_t *disk, const char *uuid, uint64_t device, uint64_t area,
                    const void *text, size_t len)
{
    uint8_t *label = disk + LVM_IMAGE_HEAD, *pv = label + 32, *at = disk + LVM_IMAGE_AREA;
    memcpy(label, "LABELONE", 8);
    bf_put_le64(label + 8, 1);
    bf_put_le32(label + 20, 32);
    memcpy(label + 24, "LVM2 001", 8);
    memcpy(pv, uuid, 32);
    bf_put_le64(pv + 32, device);
    bf_put_le64(pv + 40, LVM_IMAGE_AREA + area); // data, up to the end
    bf_put_le64(pv + 72, LVM_IMAGE_AREA);
    bf_put_le64(pv + 80, area);
    bf_put_le32(pv + 104, 2); // version of the extension
    memcpy(at + 4, " LVM2 x[5A%r0N*>", 16);
    bf_put_le32(at + 20, 1);
    bf_put_le64(at + 24, LVM_IMAGE_AREA);
    bf_put_le64(at + 32, area);
    bf_put_le64(at + TEXT_AT, 512);
    bf_put_le64(at + TEXT_BYTES, len);
    memcpy(at + 512, text, len);
    lvm_image_sum(disk, LVM_IMAGE_TEXT + len);
}
