// SPDX-License-Identifier: Apache-2.0
// Every screen as a picture in tests/unit/golden/, at 80x25 and larger, in the good and in the bad
// moments. BF_GOLDEN=write makes the pictures anew; look at them before committing.
#include <stdlib.h>

#include "boot/screen_layout.h"
#include "migrate/assess.h"
#include "migrate/unseen.h"
#include "tests/unit/test.h"

static struct bf_screen screen;
static struct bf_inventory inventory;
static struct bf_progress progress;
static struct bf_fault fault;
static struct bf_grid grid;
static char picture[BF_SCREEN_MAX_ROWS * (BF_SCREEN_MAX_COLUMNS + 1) + 1];

static void add_disk(const char *model, const char *serial, uint64_t gib, const char *why)
{
    struct bf_inventory_disk *d = &inventory.disk[inventory.disks];
    struct bf_progress_disk *p = &progress.disk[inventory.disks++];
    snprintf(d->identity.model, sizeof d->identity.model, "%s", model);
    snprintf(d->identity.serial, sizeof d->identity.serial, "%s", serial);
    snprintf(d->identity.path, sizeof d->identity.path, "PciRoot(0x0)/Pci(0x4,0x0)");
    d->identity.bytes = p->bytes = gib << 30;
    d->identity.block_size = 512;
    snprintf(d->why, sizeof d->why, "%s", why);
    snprintf(d->driver, sizeof d->driver, "%s", "virtio-blk");
    d->planned = p->planned = !why[0];
    progress.disks = inventory.disks;
    if (d->planned)
        progress.bytes_total += p->bytes;
}

static void machine(void)
{
    memset(&screen, 0, sizeof screen);
    memset(&inventory, 0, sizeof inventory);
    memset(&progress, 0, sizeof progress);
    memset(&fault, 0, sizeof fault);
    grid.columns = 80;
    grid.rows = 25;
    strcpy(inventory.system_vendor, "Dell Inc.");
    strcpy(inventory.system_product, "PowerEdge R640");
    inventory.processors = 32;
    screen.workers = 8;
    inventory.memory_bytes = 64ull << 30;
    add_disk("Samsung SSD 870", "S5SVNG0N", 80, "");
    add_disk("", "", 4000, "");
    add_disk("Generic USB", "", 16, "Bootferry was started from it");
    screen.version = "0.1";
    screen.link = 1;
    screen.countdown = UINT32_MAX;
    screen.elapsed_seconds = 3661;
    screen.memory_used = 21 << 20;
    screen.memory_limit = 64 << 20;
    strcpy(screen.nic, "52:54:00:12:34:56 (PCI 00:03.0)");
    strcpy(screen.driver, "virtio-net");
    strcpy(screen.address, "10.0.2.15/24");
    strcpy(screen.gateway, "10.0.2.2");
    strcpy(screen.dns, "10.0.2.3");
}

static void copying(void)
{
    machine();
    screen.kind = BF_SCREEN_RUNNING;
    screen.inventory = &inventory;
    screen.progress = &progress;
    progress.phase = BF_PHASE_COPYING;
    strcpy(progress.machine, "web-1.example");
    strcpy(progress.server, "10.0.2.2:7667");
    progress.connections = 1;
    progress.disk[0].position = progress.disk[0].durable = 80ull << 30;
    progress.disk[0].done = 1;
    progress.disk[1].position = 1000ull << 30;
    progress.disk[1].durable = 900ull << 30;
    progress.bytes_position = 1080ull << 30;
    progress.read_bytes = 400ull << 30;
    progress.sent_bytes = 130ull << 30;
    progress.unused_bytes = 680ull << 30;
    progress.rate = 118 << 20;
    progress.eta_seconds = 25990;
    bf_screen_event(&screen, "Secure Boot is off");
    bf_screen_event(&screen, "server=10.0.2.2:7667 (bootferry.conf)");
    bf_screen_event(&screen, "connected to 10.0.2.2:7667 as web-1.example");
    bf_screen_event(&screen, "disk 0 is complete\x1b[2J");
}

static void draw(void)
{
    char *at = picture;
    bf_screen_render(&screen, &grid);
    for (uint32_t row = 0; row < grid.rows; row++) {
        char *start = at;
        for (uint32_t column = 0; column < grid.columns; column++) {
            char c = grid.cell[row][column].ch;
            CHECK((c >= BF_CELL_BLOCK && c <= BF_CELL_SINGLE) || (c >= 0x20 && c < 0x7f));
            *at++ = c <= BF_CELL_SINGLE ? " #=-"[(int)c] : c;
        }
        while (at > start && at[-1] == ' ')
            at--;
        *at++ = '\n';
    }
    *at = 0;
}

static void compare(const char *name)
{
    char path[128], expected[sizeof picture] = "";
    const char *mode = getenv("BF_GOLDEN");
    snprintf(path, sizeof path, "tests/unit/golden/screen-%s.txt", name);
    draw();
    FILE *file = fopen(path, mode && strcmp(mode, "write") == 0 ? "w" : "r");
    if (!file)
        FAIL("%s cannot be opened", path);
    if (mode && strcmp(mode, "write") == 0)
        fputs(picture, file);
    else
        expected[fread(expected, 1, sizeof expected - 1, file)] = 0;
    fclose(file);
    if (expected[0] && strcmp(picture, expected) != 0) {
        printf("%s", picture);
        FAIL("the screen is not as in %s", path);
    }
    CHECK(expected[0] || mode);
}

static void add_unseen(const char *what, const char *slot, int asked, const char *why)
{
    struct bf_unseen *u = &inventory.unseen[inventory.unseens++];
    snprintf(u->what, sizeof u->what, "%s", what);
    snprintf(u->slot, sizeof u->slot, "%s", slot);
    snprintf(u->why, sizeof u->why, "%s", why);
    u->vendor = 0x8086;
    u->device = (uint16_t)(0x1000 + inventory.unseens);
    u->asked = (uint8_t)asked;
}

static int row_tone(uint32_t row, const char *text)
{
    for (uint32_t column = 0; column < grid.columns; column++) {
        uint32_t n = 0;
        while (text[n] && column + n < grid.columns && grid.cell[row][column + n].ch == text[n])
            n++;
        if (!text[n])
            return grid.cell[row][column].tone;
    }
    return -1;
}

// The tone of a text, wherever it stands; -1 when it is not there.
static int tone_of(const char *text)
{
    int tone = -1;
    draw();
    for (uint32_t row = 0; row < grid.rows && tone < 0; row++)
        tone = row_tone(row, text);
    return tone;
}

static void starting(void)
{
    machine();
    screen.kind = BF_SCREEN_STARTING;
    screen.nic[0] = 0;
    strcpy(screen.step, "examining the machine");
    compare("starting");
    screen.inventory = &inventory;
    strcpy(screen.step, "starting the network");
    inventory.disk[0].hibernated = 1;
    compare("starting-disks");
}

static void running(void)
{
    copying();
    compare("copying");
    CHECK_EQ(tone_of("COPYING"), BF_TONE_BRIGHT);
    screen.confirming = 1;
    CHECK_EQ(tone_of("Cancel the migration?"), BF_TONE_WARN);
    copying();
    progress.eta_seconds = UINT64_MAX;
    progress.rate = 0;
    progress.unreadable_bytes = 1 << 20;
    progress.limit = 50 << 20;
    compare("copying-errors");
}

// Blocks fill their cells: in two rows that follow each other they would look like one bar.
static void bars_apart(void)
{
    copying();
    draw();
    for (uint32_t row = 8; row + 1 < grid.rows; row++)
        for (uint32_t column = 0; column < grid.columns; column++)
            CHECK(grid.cell[row][column].ch != BF_CELL_BLOCK ||
                  grid.cell[row + 1][column].ch != BF_CELL_BLOCK);
    CHECK(strstr(picture, "====") && strstr(picture, "=-"));
}

static void network_facts(void)
{
    copying();
    screen.kind = BF_SCREEN_FAILURE;
    screen.fault = &fault;
    bf_fault_set(&fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "look", "it does not answer");
    strcpy(screen.address6, "2001:db8:1234:5678:5054:ff:fe12:3456/64");
    compare("failure-network");
    CHECK(strstr(picture, "NIC 52:54:00:12:34:56 (PCI 00:03.0), driver virtio-net, link up"));
    CHECK(strstr(picture, "10.0.2.15/24") && strstr(picture, "fe12:3456/64"));
    CHECK(strstr(picture, "gateway 10.0.2.2") && strstr(picture, "DNS 10.0.2.3"));
    screen.address[0] = screen.address6[0] = screen.gateway[0] = screen.dns[0] = 0;
    screen.link = 0;
    draw();
    CHECK(strstr(picture, "no link"));
    CHECK(strstr(picture, "address none, gateway none, DNS none"));
    screen.nic[0] = 0;
    draw();
    CHECK(!strstr(picture, "gateway"));
}

static void large_screen(void)
{
    copying();
    for (int i = 0; i < 20; i++)
        add_disk("Model", "more", 1, i % 2 ? "not named by disk=" : "");
    grid.columns = 200;
    grid.rows = 40;
    compare("copying-large");
    CHECK_EQ(grid.columns, BF_SCREEN_MAX_COLUMNS);
    grid.columns = 80;
    grid.rows = 25;
    compare("many-disks");
}

static void trouble(void)
{
    copying();
    progress.phase = BF_PHASE_WAITING;
    strcpy(progress.last_fault.what, "the server has not answered for 15 s");
    progress.last_fault.code = BF_ERR_TIMEOUT;
    compare("waiting");
    CHECK_EQ(tone_of("the server has not answered"), BF_TONE_WARN);
    copying();
    screen.link = 0;
    compare("no-link");
    CHECK_EQ(tone_of("NO LINK"), BF_TONE_BAD);
}

static void verifying(void)
{
    copying();
    progress.phase = BF_PHASE_VERIFYING;
    progress.bytes_position = progress.bytes_total;
    progress.disk[1].position = progress.disk[1].durable = progress.disk[1].bytes;
    progress.disk[0].verified = 80ull << 30;
    progress.disk[1].verified = 1960ull << 30;
    compare("verifying");
}

static void success(void)
{
    copying();
    screen.kind = BF_SCREEN_SUCCESS;
    progress.phase = BF_PHASE_DONE;
    progress.point = 3;
    memset(progress.point_root.bytes, 0xab, sizeof progress.point_root.bytes);
    for (int i = 0; i < 2; i++) {
        struct bf_progress_disk *d = &progress.disk[i];
        d->position = d->durable = d->verified = d->bytes;
        d->done = 1;
    }
    screen.next = "power off";
    screen.countdown = 3;
    compare("success");
    CHECK(!strstr(picture, "connected to"));
    add_unseen("SD controller", "0000:00:02.0", 0, "no driver serves it");
    progress.unreadable_bytes = 1 << 20;
    compare("success-lacking");
    CHECK_EQ(tone_of("could not be read"), BF_TONE_BAD);
    CHECK_EQ(tone_of("that could not be read"), BF_TONE_WARN);
}

static void failure(void)
{
    copying();
    screen.kind = BF_SCREEN_FAILURE;
    screen.fault = &fault;
    bf_fault_set(&fault, BF_ERR_AUTH, BF_SIDE_SERVER,
                 "check that server= names the right machine, and that the medium was made by this "
                 "server: `bootferry media web-1.example`",
                 "the certificate of 10.0.2.2:7667 was not issued by the root that this medium "
                 "trusts");
    char line[256];
    snprintf(line, sizeof line, "server side: %s", fault.what);
    bf_screen_event(&screen, line); // cut, and a repetition all the same
    screen.next = "power off";
    screen.countdown = 59;
    compare("failure");
    CHECK(!strstr(picture, "server side:") && strstr(picture, "disk 0 is complete"));
    CHECK_EQ(tone_of("the replica server"), BF_TONE_BRIGHT);
    screen.events--;
    bf_fault_set(&fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG, "give disk= a serial number",
                 "disk=size:1G matches 0 of this machine's 3 disks");
    screen.progress = NULL;
    screen.countdown = UINT32_MAX;
    strcpy(screen.machine, "web-1");
    for (int i = 0; i < 2; i++) {
        inventory.disk[i].planned = 0;
        inventory.disk[i].identity.has_gpt = 1;
        memset(inventory.disk[i].identity.gpt_guid, 0x11 * (i + 1), 16);
        strcpy(inventory.disk[i].why, "not named by disk=");
    }
    compare("failure-disks");
    bf_fault_set(&fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "", "%s", "");
    draw();
    CHECK(strstr(picture, "the configuration\n") && strstr(picture, "disk 0 is complete"));
    screen.fault = NULL;
    draw();
}

// What no disk came from stands in the table of disks, and is not lost where that is long.
static void unseen(void)
{
    copying();
    add_unseen("Fibre Channel controller", "0000:af:00.1", 0, "no driver serves it");
    add_unseen("NVMe namespace 2", "0001:3b:00.0", 1,
               "its protection format has no room for a word");
    inventory.unseen[1].kind = BF_UNSEEN_UNIT;
    inventory.unseen[1].vendor = inventory.unseen[1].device = 0;
    add_unseen("USB controller", "0000:00:14.0", 1, "no disk on it");
    compare("unseen");
    CHECK_EQ(tone_of("Fibre Channel"), BF_TONE_WARN);
    CHECK_EQ(tone_of("NVMe namespace 2"), BF_TONE_WARN);
    CHECK_EQ(tone_of("USB controller"), BF_TONE_DIM);
    for (int i = 0; i < 20; i++)
        add_disk("Model", "more", 1, i % 2 ? "not named by disk=" : "");
    compare("unseen-many-disks");
    CHECK_EQ(tone_of("of which 2 cannot be seen"), BF_TONE_WARN);
}

static void refused(void)
{
    machine();
    inventory.disks = 1;
    add_unseen("RAID controller", "0000:00:05.0", 0, "no driver serves it");
    add_unseen("USB controller", "0000:00:14.0", 1, "no disk on it");
    screen.kind = BF_SCREEN_FAILURE;
    screen.inventory = &inventory;
    screen.progress = &progress;
    screen.fault = &fault;
    screen.next = "power off";
    screen.countdown = 59;
    strcpy(screen.machine, "web-1.example");
    struct bf_config config = {.name = "web-1.example"};
    CHECK_EQ(bf_unseen_check(&config, &inventory, &fault), BF_OK); // without a class
    inventory.unseen[0].class_code[0] = 1;
    inventory.unseen[0].class_code[1] = 4;
    CHECK_EQ(bf_unseen_check(&config, &inventory, &fault), BF_ERR_UNSUPPORTED);
    compare("unseen-stop");
    draw();
    CHECK(strstr(picture, "unseen=warn"));
}

// It lives elsewhere: powered off, or not because the medium says so.
static void fenced(void)
{
    copying();
    screen.kind = BF_SCREEN_FENCED;
    screen.fault = &fault;
    screen.next = "power off";
    screen.countdown = 19;
    bf_fault_set(&fault, BF_ERR_FENCED, BF_SIDE_SOURCE,
                 "to bring it back here, run bootferry rollback web-1.example on the replica "
                 "server, then start this machine again",
                 "this machine lives elsewhere now: on libvirt host kvm-3.example as web-1, since "
                 "2026-11-30 20:15:00Z (an unplanned failover)");
    compare("fenced");
    CHECK_EQ(tone_of("LIVES ELSEWHERE"), BF_TONE_BAD);
    CHECK_EQ(tone_of("first in the boot order"), BF_TONE_WARN);
    screen.fence_off = 1;
    screen.next = "exit";
    compare("fenced-off");
    CHECK_EQ(tone_of("fence=off"), BF_TONE_BAD);
    CHECK(!strstr(picture, "powered off") && !strstr(picture, "boot order"));
    memset(fault.what, 'w', sizeof fault.what - 1); // three rows each: the rest still fits
    memset(fault.todo, 't', sizeof fault.todo - 1);
    draw();
    CHECK(strstr(picture, "keep the power off after a power loss\n") &&
          strstr(picture, "Next: exit"));
    screen.fault = NULL;
    draw();
}

static struct bf_assess_view view;

static struct bf_assessed_disk measured(uint16_t number, uint64_t gib, uint64_t used, uint64_t mib)
{
    struct bf_assessed_disk d = {.number = number, .bytes = gib << 30, .used = used << 30};
    d.rate = mib << 20;
    snprintf(d.name, sizeof d.name, "serial S%u", number + 1u);
    return d;
}

// What copying would take: while it finds out, at the end, and with more disks than rows.
static void assessing(void)
{
    machine();
    screen.kind = BF_SCREEN_RUNNING;
    memset(&view, 0, sizeof view);
    screen.assess = &view;
    view.found.disks = 2;
    view.found.disk[0] = measured(0, 2000, 812, 180);
    view.found.disk[1] = measured(2, 4, 1, 0);
    view.phase = BF_ASSESS_DISKS;
    bf_assess_text(screen.step, sizeof screen.step, &view);
    compare("assessing");
    CHECK(!strstr(picture, "STARTING"));
    screen.kind = BF_SCREEN_ASSESSED;
    screen.next = "power off";
    screen.countdown = 600;
    view.phase = BF_ASSESS_DONE;
    strcpy(view.server, "10.0.2.2:7667");
    view.link.link = 112 << 20;
    view.estimate.first = 2 * 3600 + 5 * 60;
    view.estimate.later = 71 * 60;
    view.found.unseen = 2;
    strcpy(view.found.unseen_list, "RAID controller 1000:0411 at 0000:00:05.0, NVMe namespace 2 at "
                                   "0001:3b:00.0, its protection format has no room for a word");
    compare("assessed");
    CHECK_EQ(tone_of("not timed"), BF_TONE_BAD);
    CHECK_EQ(tone_of("RAID controller 1000"), BF_TONE_WARN);
    view.estimate.later = UINT64_MAX;
    draw();
    CHECK(strstr(picture, "Later copy     cannot be told\n"));
    view.found.disks = 40;
    for (uint16_t i = 0; i < 40; i++)
        view.found.disk[i] = measured(i, 10, 5, 200);
    compare("assessed-many-disks");
    CHECK(strstr(picture, "and 30 more") && strstr(picture, "NVMe namespace 2"));
}

static void no_config(void)
{
    machine();
    screen.kind = BF_SCREEN_NO_CONFIG;
    screen.next = "power off";
    screen.countdown = 60;
    compare("no-config");
}

// Whatever is in it, and whatever the mode is, the picture stays within the grid.
static void long_texts(void)
{
    copying();
    memset(progress.machine, 'm', sizeof progress.machine - 1);
    memset(progress.server, 's', sizeof progress.server - 1);
    memset(screen.nic, 'n', sizeof screen.nic - 1);
    memset(screen.address, 'a', sizeof screen.address - 1);
    memset(inventory.disk[0].identity.model, 'd', BF_MODEL_MAX - 1);
    memset(fault.what, 'w', sizeof fault.what - 1);
    memset(fault.todo, 't', sizeof fault.todo - 1);
    progress.bytes_position = UINT64_MAX;
    progress.rate = progress.sent_bytes = progress.read_bytes = UINT64_MAX;
    screen.fault = &fault;
    screen.next = "power off";
    for (int i = 0; i < 300; i++)
        bf_screen_event(&screen, fault.what);
    for (int kind = BF_SCREEN_STARTING; kind <= BF_SCREEN_NO_CONFIG; kind++)
        for (uint32_t size = 0; size < 300; size += 23) {
            screen.kind = (enum bf_screen_kind)kind;
            grid.columns = (uint16_t)size;
            grid.rows = (uint16_t)(size / 2);
            draw();
        }
}

static void long_event(void)
{
    machine();
    screen.kind = BF_SCREEN_RUNNING;
    bf_screen_event(&screen, "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
                             "0123456789 0123456789 0123456789");
    grid.columns = 80;
    grid.rows = 25;
    draw();
    CHECK(strstr(picture, "  0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
                          "01234567..\n"));
}

TEST_MAIN(TEST(starting), TEST(running), TEST(bars_apart), TEST(network_facts), TEST(large_screen),
          TEST(trouble), TEST(verifying), TEST(success), TEST(failure), TEST(unseen), TEST(refused),
          TEST(fenced), TEST(assessing), TEST(no_config), TEST(long_texts), TEST(long_event))
