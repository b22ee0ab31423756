// SPDX-License-Identifier: Apache-2.0
// Any bytes as LVM's own files in an initramfs. What they hide is read within bounds, also in what
// an adapter has made of them.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/lvm.h"
#include "finalize/system/lvm.h"
#include "finalize/target/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_device item[2] = {{.part = 2, .type = "LVM2_member"},
                                {.disk = 1, .part = 1, .type = "LVM2_member"}};
    struct bf_devices devices = {.item = item, .count = 2};
    struct bf_fin_report report;
    struct bf_fin fin = {.devices = &devices, .target = bf_targets[0], .report = &report};
    struct bf_text out = {0};
    if (size > 16384)
        return 0;
    bf_fin_report_init(&report, "fuzz");
    bf_budget_begin(&fin.budget, "fuzz");
    char *text = malloc(size + 1);
    if (!text)
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    (void)bf_lvm_lists_hardware(text, size);
    (void)bf_lvm_devices_of_hardware(text, size);
    (void)bf_lvm_sees(&fin, text, size);
    if (bf_lvm_accept(&fin, "lvm.conf", text, size, &out) && bf_text_ok(&out))
        (void)bf_lvm_sees(&fin, bf_text_get(&out), out.len);
    bf_text_free(&out);
    free(text);
    bf_fin_report_free(&report);
    return 0;
}
