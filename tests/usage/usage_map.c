// SPDX-License-Identifier: Apache-2.0
// What the maps say about a disk image: `usage_map [-b BLOCK_SIZE] [-d NUMBER] FILE...` prints one
// line for each extent of the disk with this number (0) that is certainly unused, "FIRST END" in
// bytes, in order of the disk and joined. The other files are the other disks of the session. The
// log goes to standard error, and with -w the notes for the server, and how many bytes were
// examined until the maps were ready, and until the last answer; -p N ends after N answers.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "image/usage/usage.h"
#include "linux/file_disk.h"

static struct bf_file_disk disk[BF_USAGE_DISKS_MAX];
static struct bf_source_disk *source[BF_USAGE_DISKS_MAX];

static void print_map(struct bf_usage *u, const struct bf_source_disk *of, uint64_t answers,
                      int work)
{
    uint64_t first = 0, end = 0, bytes = bf_source_bytes(of), ready;
    bf_usage_select(u, of);
    ready = bf_usage_work(u);
    for (uint64_t at = 0, next; at < bytes && answers; at = next, answers--) {
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
    for (uint32_t i = 0; work && i < bf_usage_notes(u); i++)
        fprintf(stderr, "note %s: %s: %s\n", bf_usage_note(u, i)->name, bf_usage_note(u, i)->what,
                bf_usage_note(u, i)->why ? bf_usage_note(u, i)->why : "");
    if (work)
        fprintf(stderr, "work %" PRIu64 " %" PRIu64 "\n", ready, bf_usage_work(u));
}

int main(int argc, char **argv)
{
    struct bf_fault fault = {0};
    uint32_t block = 0, number = 0, disks = 0, answers = 0;
    int option, work = 0;
    while ((option = getopt(argc, argv, "b:d:p:w")) != -1) {
        if (option == '?')
            return EXIT_FAILURE;
        if (option == 'w')
            work = 1;
        else
            *(option == 'b' ? &block : option == 'd' ? &number : &answers) = (uint32_t)atoi(optarg);
    }
    for (; optind < argc && disks < BF_USAGE_DISKS_MAX; optind++, disks++) {
        if (bf_file_disk_open(&disk[disks], argv[optind], block, 0, &fault)) {
            fprintf(stderr, "usage_map: %s\n", fault.what);
            return EXIT_FAILURE;
        }
        source[disks] = &disk[disks].source;
    }
    if (number >= disks) {
        fprintf(stderr, "usage_map: [-b BLOCK_SIZE] [-d NUMBER] [-p N] [-w] FILE...\n");
        return EXIT_FAILURE;
    }
    struct bf_usage *u = bf_usage_open(source, disks, NULL);
    print_map(u, source[number], answers ? answers : UINT64_MAX, work);
    bf_usage_free(u);
    while (disks > 0)
        bf_source_close(source[--disks]);
    return EXIT_SUCCESS;
}
