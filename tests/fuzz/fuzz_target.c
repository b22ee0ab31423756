// SPDX-License-Identifier: Apache-2.0
// A new machine of any inventory and any plan, which stand one behind the other with a zero
// between: what is described keeps its bounds, and its command line has no argument that a text of
// either could have made. The record in a script is read of the same bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/target/plan_parse.h"
#include "replica/targets/machine.h"
#include "replica/targets/qemu_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bf_plan plan;
static struct bf_tgt_machine machine;
static struct bf_point point;

static void check_line(void)
{
    static struct bf_image_layer layer = {"machines/web-1/disk-0/layer-000001.qcow2"};
    struct bf_qemu_place place = {.home = ""};
    struct bf_qemu_line line = {&machine, &place, "../../", false, false, "tcg", "/code.fd"};
    struct bf_args args = {0};
    struct bf_text text = {0};

    for (uint32_t i = 0; i < machine.disks; i++) {
        machine.disk[i].chain.layer = &layer;
        machine.disk[i].chain.layers = 1;
    }
    bf_qemu_args(&args, &line);
    bf_args_shell(&text, &args);
    // Options stand alone, each with the one value behind it.
    for (size_t i = 1; !args.failed && i < args.count; i++)
        if (strpbrk(args.arg[i], "\n\r") ||
            (args.arg[i][0] == '-' && args.arg[i][strcspn(args.arg[i], "=, ")]))
            abort();
    bf_args_free(&args);
    bf_text_free(&text);
}

static void check_machine(void)
{
    if (machine.disks > BF_TGT_DISKS || machine.nics > BF_TGT_NICS || machine.notes > BF_TGT_NOTES)
        abort();
    if (machine.processors < 1 || machine.processors > 255 || machine.memory_mib < 64)
        abort();
    for (uint32_t i = 0; i < machine.nics; i++)
        if (strlen(machine.nic[i].mac) != 17 || machine.nic[i].addresses > BF_TGT_ADDRESSES)
            abort();
    check_line();
}

static void make_point(void)
{
    memset(&point, 0, sizeof point);
    strcpy(point.machine, "web-1");
    point.number = 1;
    point.disks = 1;
    point.disk[0].bytes = 1 << 20;
    point.disk[0].identity.block_size = 512;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t first = end ? (size_t)(end - data) : size;
    struct bf_qemu_place place;
    struct bf_fault fault;
    char *text = strndup((const char *)data, first);

    make_point();
    machine.disks = 1;
    if (text)
        bf_qemu_place_parse(text, &machine, &place);
    machine.disks = 0;
    if (text)
        bf_qemu_place_machine(text, &machine);
    free(text);
    if (!end || bf_plan_parse((const char *)end + 1, size - first - 1, &plan, &fault))
        return 0;
    json_t *inventory = json_loadb((const char *)data, first, 0, NULL);
    struct bf_tgt_source source = {&point, inventory, &plan, size % 2};
    enum bf_err err = bf_tgt_machine_fill(&source, &machine, &fault);
    json_decref(inventory);
    if (!err)
        check_machine();
    else if (!fault.what[0])
        abort();
    return 0;
}
