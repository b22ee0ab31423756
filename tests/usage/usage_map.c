// SPDX-License-Identifier: Apache-2.0
// What the maps say about a disk image: `usage_map FILE [BLOCK_SIZE]` prints one line for each
// extent that is certainly unused, "FIRST END" in bytes, in order of the disk and joined.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/usage.h"
#include "linux/file_disk.h"

int main(int argc, char **argv)
{
    struct bf_file_disk disk;
    struct bf_fault fault = {0};
    uint64_t first = 0, end = 0;
    if (argc < 2 ||
        bf_file_disk_open(&disk, argv[1], argc > 2 ? (uint32_t)atoi(argv[2]) : 0, 0, &fault)) {
        fprintf(stderr, "usage_map: %s\n", argc < 2 ? "FILE [BLOCK_SIZE]" : fault.what);
        return EXIT_FAILURE;
    }
    uint64_t bytes = bf_source_bytes(&disk.source);
    struct bf_usage *u = bf_usage_open(&disk.source);
    for (uint64_t at = 0, next; at < bytes; at = next) {
        if (!bf_usage_extent(u, at, bytes, &next))
            continue;
        if (at != end && end)
            printf("%" PRIu64 " %" PRIu64 "\n", first, end);
        if (at != end || !end)
            first = at;
        end = next;
    }
    if (end)
        printf("%" PRIu64 " %" PRIu64 "\n", first, end);
    bf_usage_free(u);
    bf_source_close(&disk.source);
    return EXIT_SUCCESS;
}
