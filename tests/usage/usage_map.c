// SPDX-License-Identifier: Apache-2.0
// What the maps say about a disk image: `usage_map [-b BLOCK_SIZE] [-d NUMBER] FILE...` prints one
// line for each extent of the disk with this number (0) that is certainly unused, "FIRST END" in
// bytes, in order of the disk and joined. The other files are the other disks of the session.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "image/usage.h"
#include "linux/file_disk.h"

static struct bf_file_disk disk[BF_USAGE_DISKS_MAX];
static struct bf_source_disk *source[BF_USAGE_DISKS_MAX];

static void print_map(struct bf_usage *u, const struct bf_source_disk *of)
{
    uint64_t first = 0, end = 0, bytes = bf_source_bytes(of);
    bf_usage_select(u, of);
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
}

int main(int argc, char **argv)
{
    struct bf_fault fault = {0};
    uint32_t block = 0, number = 0, disks = 0;
    int option;
    while ((option = getopt(argc, argv, "b:d:")) != -1) {
        if (option == '?')
            return EXIT_FAILURE;
        *(option == 'b' ? &block : &number) = (uint32_t)atoi(optarg);
    }
    for (; optind < argc && disks < BF_USAGE_DISKS_MAX; optind++, disks++) {
        if (bf_file_disk_open(&disk[disks], argv[optind], block, 0, &fault)) {
            fprintf(stderr, "usage_map: %s\n", fault.what);
            return EXIT_FAILURE;
        }
        source[disks] = &disk[disks].source;
    }
    if (number >= disks) {
        fprintf(stderr, "usage_map: [-b BLOCK_SIZE] [-d NUMBER] FILE...\n");
        return EXIT_FAILURE;
    }
    struct bf_usage *u = bf_usage_open(source, disks);
    print_map(u, source[number]);
    bf_usage_free(u);
    while (disks > 0)
        bf_source_close(source[--disks]);
    return EXIT_SUCCESS;
}
