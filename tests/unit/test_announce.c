// SPDX-License-Identifier: Apache-2.0
// What a sending program announces: each change once, progress once per second, the verdict last.
#include "tests/unit/test.h"

#include "migrate/announce.h"
#include "migrate/unseen.h"

static char lines[8192], events[1024];

static void take(char *into, size_t size, const char *text)
{
    size_t used = strlen(into);

    snprintf(into + used, size - used, "%s\n", text);
}

static void to_lines(void *user, const char *line)
{
    CHECK(user == lines);
    take(lines, sizeof lines, line);
}

static void to_events(void *user, const char *text)
{
    CHECK(user == lines);
    take(events, sizeof events, text);
}

static struct bf_announcer begin(void)
{
    lines[0] = events[0] = 0;
    return (struct bf_announcer){.line = to_lines, .event = to_events, .user = lines};
}

static struct bf_progress *progress(void)
{
    static struct bf_progress p;

    memset(&p, 0, sizeof p);
    p.eta_seconds = UINT64_MAX;
    p.disks = 2;
    p.bytes_total = 1000;
    strcpy(p.server, "10.0.2.2:7667");
    strcpy(p.machine, "web-1");
    return &p;
}

static void test_changes_once(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();

    p->phase = BF_PHASE_CONNECTING;
    bf_announce_progress(&a, 1000, p);
    bf_announce_progress(&a, 2000, p);
    p->connections = 1;
    p->phase = BF_PHASE_COPYING;
    bf_announce_progress(&a, 3000, p);
    bf_announce_progress(&a, 4000, p);
    p->bytes_position = 10;
    bf_announce_progress(&a, 5000, p);
    bf_announce_progress(&a, 6000, p);
    CHECK_STR(lines, "BOOTFERRY event=phase t=0.001 phase=connecting server=10.0.2.2:7667\n"
                     "BOOTFERRY event=connected t=0.003 server=10.0.2.2:7667 machine=web-1 "
                     "connections=1\n"
                     "BOOTFERRY event=phase t=0.003 phase=copying server=10.0.2.2:7667\n"
                     "BOOTFERRY event=first-byte t=0.005\n");
    CHECK_STR(events, "connected to 10.0.2.2:7667 as web-1\n");
}

static void test_key_exchange_of_each_connection(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();

    strcpy(p->kex, "X25519MLKEM768");
    p->connections = 1;
    p->phase = BF_PHASE_COPYING;
    bf_announce_progress(&a, 3000, p);
    strcpy(p->kex, "P-256");
    p->connections = 2;
    bf_announce_progress(&a, 4000, p);
    CHECK_STR(lines, "BOOTFERRY event=tls t=0.003 server=10.0.2.2:7667 group=X25519MLKEM768\n"
                     "BOOTFERRY event=connected t=0.003 server=10.0.2.2:7667 machine=web-1 "
                     "connections=1\n"
                     "BOOTFERRY event=phase t=0.003 phase=copying server=10.0.2.2:7667\n"
                     "BOOTFERRY event=tls t=0.004 server=10.0.2.2:7667 group=P-256\n"
                     "BOOTFERRY event=connected t=0.004 server=10.0.2.2:7667 machine=web-1 "
                     "connections=2\n");
    CHECK_STR(events, "connected to 10.0.2.2:7667 as web-1, key exchange X25519MLKEM768\n"
                      "connected to 10.0.2.2:7667 as web-1, key exchange P-256\n");
}

static void test_progress_every_second(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();
    int count = 0;

    p->phase = BF_PHASE_COPYING;
    for (uint64_t t = 1; t < 5000000; t += 1000)
        bf_announce_progress(&a, t, p);
    for (const char *at = lines; (at = strstr(at, "event=progress")); at++)
        count++;
    CHECK_EQ(count, 4);
    CHECK(!strstr(lines, "eta="));
    p->eta_seconds = 77;
    bf_announce_progress(&a, 9000000, p);
    CHECK(strstr(lines, "rate=0 eta=77\n"));
    p->limit = 50 << 20;
    bf_announce_progress(&a, 11000000, p);
    CHECK(strstr(lines, "rate=0 limit=52428800 eta=77\n"));
}

static void test_waiting_says_why(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();

    p->phase = BF_PHASE_WAITING;
    bf_fault_set(&p->last_fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "look at the cable",
                 "no answer from %s", "10.0.2.2");
    bf_announce_progress(&a, 0, p);
    CHECK_STR(lines, "BOOTFERRY event=phase t=0.000 phase=waiting server=10.0.2.2:7667 "
                     "code=network side=network what=\"no answer from 10.0.2.2\"\n");
    CHECK_STR(events, ""); // the sender has logged it already
}

static void test_disk_done_once(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();

    bf_announce_progress(&a, 0, p);
    lines[0] = 0;
    p->disk[1].done = 1;
    p->disk[1].bytes = 4096;
    memset(p->disk[1].root.bytes, 0xab, sizeof p->disk[1].root.bytes);
    bf_announce_progress(&a, 1000, p);
    bf_announce_progress(&a, 2000, p);
    CHECK_STR(lines, "BOOTFERRY event=disk-done t=0.001 number=1 bytes=4096 root="
                     "abababababababababababababababababababababababababababababababab\n");
}

static void test_verdict(void)
{
    struct bf_announcer a = begin();
    struct bf_progress *p = progress();
    struct bf_fault fault = {0};

    p->point = 3;
    bf_announce_verdict(&a, 2500000, p, &fault);
    CHECK(strstr(lines, "\nBOOTFERRY verdict=ok code=ok side=none t=2.500 point=3 root=0000"));
    lines[0] = 0;
    bf_fault_set(&fault, BF_ERR_AUTH, BF_SIDE_SERVER, "make a new medium", "it \"hates\" us");
    bf_announce_verdict(&a, 2500000, NULL, &fault);
    CHECK_STR(lines, "BOOTFERRY verdict=fail code=auth side=server t=2.500 "
                     "what=\"it 'hates' us\" todo=\"make a new medium\"\n");
}

static void test_inventory(void)
{
    struct bf_announcer a = begin();
    static struct bf_inventory inventory;

    inventory.nics = inventory.disks = 1;
    inventory.memory_bytes = 1 << 20;
    memcpy(inventory.nic[0].mac, "\x52\x54\x00\x12\x34\x56", 6);
    inventory.nic[0].link = -1;
    strcpy(inventory.nic[0].driver, "virtio-net");
    inventory.disk[0].identity.bytes = 1 << 30;
    inventory.disk[0].identity.block_size = 4096;
    strcpy(inventory.disk[0].why, "boot medium");
    struct bf_unseen unseen = {.vendor = 0x1000,
                               .device = 0x60,
                               .class_code = {1, 4, 0},
                               .slot = "0000:00:05.0",
                               .what = "RAID controller",
                               .why = "no driver"};
    bf_unseen_add(&inventory, &unseen);
    bf_announce_inventory(&a, "web-1", &inventory);
    CHECK(strstr(lines, "event=machine name=web-1 memory=1048576"));
    CHECK(strstr(lines, "event=nic mac=52:54:00:12:34:56 link=unknown driver=virtio-net name="));
    CHECK(strstr(lines, "event=disk number=0 planned=0 bytes=1073741824 block=4096 hibernated=0"));
    CHECK(strstr(lines, "why=\"boot medium\""));
    CHECK(strstr(lines, "event=unseen kind=controller asked=0 slot=0000:00:05.0 id=1000:0060 "
                        "class=010400 what=\"RAID controller\" why=\"no driver\"\n"));
    lines[0] = 0;
    bf_announce_verdict(&a, 0, NULL, &(struct bf_fault){0});
    CHECK_STR(lines, "BOOTFERRY verdict=ok code=ok side=none t=0.000 unseen=1 "
                     "which=\"RAID controller 1000:0060 at 0000:00:05.0\"\n");
}

TEST_MAIN(TEST(test_changes_once), TEST(test_key_exchange_of_each_connection),
          TEST(test_progress_every_second), TEST(test_waiting_says_why),
          TEST(test_disk_done_once), TEST(test_verdict), TEST(test_inventory))
