// SPDX-License-Identifier: Apache-2.0
// The virtio-net driver against a model of the device, well-behaved and otherwise, and TCP through
// both of them to the kernel's stack over TAP (skipped without privileges).
#include "drivers/virtio_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "base/platform.h"
#include "net/ip/stack.h"
#include "tests/net/lan.h"
#include "tests/platform_sim.h"
#include "tests/sim_virtio_net.h"
#include "tests/unit/test.h"

enum { IN_FLIGHT = 128, RX_RING = 256, FRAME = 1514, JUMBO = 9014 };

static const uint8_t own[6] = {0x52, 0x54, 0, 9, 0, 1};
static struct sim_vnet model;
static struct bf_nic nic;

// What came out of the wire, the last frame and how many.
static uint8_t out[JUMBO];
static size_t out_len;
static uint32_t out_count;

static void on_wire(void *user, const uint8_t *frame, size_t len)
{
    CHECK(len <= sizeof out);
    memcpy(out, frame, len);
    out_len = len;
    out_count++;
}

static void prepare(void)
{
    sim_platform_reset(7);
    sim_vnet_init(&model, own);
    model.wire = on_wire;
    memset(&nic, 0, sizeof nic);
    strcpy(nic.name, "vnet");
    out_count = 0;
}

static void start(void)
{
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_OK);
}

// Closing leaves nothing open to the device, whatever happened before.
static void stop(void)
{
    nic.ops->close(nic.impl);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    CHECK_EQ(model.virtio.pci.stray, 0);
    CHECK_EQ(model.bad, 0);
}

static void poll_now(void)
{
    nic.ops->poll(nic.impl);
}

// Time passes while the loop turns.
static void poll_after(uint64_t us)
{
    while (us) {
        uint64_t turn = us < 50000 ? us : 50000;
        sim_clock_advance(turn);
        poll_now();
        us -= turn;
    }
}

// A frame of this length to `to`, told apart by its number.
static const uint8_t *make_frame(const uint8_t *to, size_t len, uint32_t number)
{
    static uint8_t frame[JUMBO];
    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(number * 7 + i * 13 + (i >> 8));
    memcpy(frame, to, 6);
    return frame;
}

static enum bf_err give_frame(size_t len, uint32_t number)
{
    return nic.ops->send(nic.impl, make_frame(own, len, number), len);
}

static enum bf_err send_frame(size_t len, uint32_t number)
{
    enum bf_err err = give_frame(len, number);
    poll_now();
    return err;
}

static int sent_was(size_t len, uint32_t number)
{
    return out_len == len && memcmp(out, make_frame(own, len, number), len) == 0;
}

static enum bf_err receive(uint8_t *buffer, size_t size, size_t *len)
{
    return nic.ops->receive(nic.impl, buffer, size, len);
}

static int arrives_and_is_received(size_t len, uint32_t number)
{
    uint8_t buffer[JUMBO];
    size_t got;
    const uint8_t *frame = make_frame(own, len, number);
    return sim_vnet_arrive(&model, frame, len) && receive(buffer, sizeof buffer, &got) == BF_OK &&
           got == len && memcmp(buffer, frame, len) == 0;
}

static int works(void)
{
    uint32_t before = out_count;
    return send_frame(100, 1) == BF_OK && out_count == before + 1 && sent_was(100, 1) &&
           arrives_and_is_received(FRAME, 2);
}

// ---- What it does ------------------------------------------------------------------------------

static void test_serves_both_ids(void)
{
    struct bf_pci_id id = {.vendor = 0x1af4, .device = 0x1000};
    CHECK(bf_virtio_net_serves(&id));
    id.device = 0x1041;
    CHECK(bf_virtio_net_serves(&id));
    id.device = 0x1042;
    CHECK(!bf_virtio_net_serves(&id));
    id = (struct bf_pci_id){.vendor = 0x8086, .device = 0x1000};
    CHECK(!bf_virtio_net_serves(&id));
}

static void test_opens(void)
{
    prepare();
    start();
    CHECK(memcmp(nic.mac, own, 6) == 0);
    CHECK_EQ(nic.mtu, 1500);
    CHECK_EQ(nic.ops->link(nic.impl), 1);
    CHECK_STR(nic.ops->driver, "virtio-net");
    CHECK_STR(nic.name, "vnet");
    // Version 1, status, MAC, MTU; no offloads, no mergeable buffers, no control queue.
    CHECK_EQ(model.virtio.driver_features, 1ull << 32 | 1u << 16 | 1u << 5 | 1u << 3);
    CHECK_EQ(model.ready_count, RX_RING);
    stop();
}

static void test_frames_out(void)
{
    prepare();
    start();
    CHECK_EQ(send_frame(FRAME, 5), BF_OK);
    CHECK(sent_was(FRAME, 5));
    CHECK_EQ(send_frame(42, 6), BF_OK);
    CHECK_EQ(out_len, 60);
    CHECK(memcmp(out, make_frame(own, 42, 6), 42) == 0);
    for (int i = 42; i < 60; i++)
        CHECK_EQ(out[i], 0);
    CHECK_EQ(send_frame(FRAME + 5, 5), BF_ERR_RANGE);
    CHECK_EQ(send_frame(13, 5), BF_ERR_RANGE);
    for (uint32_t i = 0; i < 3 * IN_FLIGHT; i++) {
        CHECK_EQ(send_frame(200, i), BF_OK);
        CHECK(sent_was(200, i));
        poll_now();
    }
    CHECK_EQ(nic.counters.tx_frames, 2 + 3 * IN_FLIGHT);
    stop();
}

static void test_built_in_place(void)
{
    uint8_t *room;
    prepare();
    start();
    room = nic.ops->room(nic.impl);
    CHECK(room != NULL);
    memcpy(room, make_frame(own, 300, 9), 300);
    CHECK_EQ(nic.ops->send(nic.impl, room, 300), BF_OK);
    poll_now();
    CHECK(sent_was(300, 9));
    model.hold = 1;
    for (uint32_t i = 0; i < IN_FLIGHT; i++)
        CHECK_EQ(send_frame(60, i), BF_OK);
    CHECK(nic.ops->room(nic.impl) == NULL);
    CHECK_EQ(nic.counters.tx_refused, 1);
    stop();
}

// Several frames share a notification; the next poll tells of what is left.
static void test_frames_go_together(void)
{
    uint32_t before;
    prepare();
    start();
    before = model.virtio.notifications;
    for (uint32_t i = 0; i < 15; i++)
        CHECK_EQ(give_frame(100, i), BF_OK);
    CHECK_EQ(out_count, 0);
    CHECK_EQ(give_frame(100, 15), BF_OK);
    CHECK_EQ(out_count, 16);
    CHECK_EQ(give_frame(100, 16), BF_OK);
    CHECK_EQ(out_count, 16);
    poll_now();
    CHECK_EQ(out_count, 17);
    CHECK(sent_was(100, 16));
    CHECK_EQ(model.virtio.notifications, before + 2);
    stop();
}

static void test_many_in_flight_in_any_order(void)
{
    prepare();
    start();
    model.hold = 1;
    for (uint32_t i = 0; i < IN_FLIGHT; i++)
        CHECK_EQ(send_frame(100 + i, i), BF_OK);
    CHECK_EQ(send_frame(100, 0), BF_AGAIN);
    CHECK_EQ(nic.counters.tx_refused, 1);
    sim_vnet_complete(&model, 77);
    CHECK(sent_was(177, 77));
    poll_now();
    CHECK_EQ(send_frame(99, 500), BF_OK);
    CHECK_EQ(send_frame(100, 0), BF_AGAIN);
    while (model.held_count > 1)
        sim_vnet_complete(&model, model.held_count - 2);
    sim_vnet_complete(&model, 0);
    CHECK(sent_was(99, 500));
    CHECK_EQ(out_count, IN_FLIGHT + 1);
    poll_now();
    CHECK_EQ(model.virtio.resets, 1);
    stop();
}

static void test_frames_in(void)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255},
                         group[6] = {0x33, 0x33, 0, 0, 0, 1}, other[6] = {0x52, 0x54, 0, 9, 0, 2};
    uint8_t buffer[JUMBO];
    size_t len;
    prepare();
    start();
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_AGAIN);
    for (uint32_t i = 0; i < 5 * RX_RING; i++) {
        CHECK(arrives_and_is_received(60 + i % 1455, i));
        if (i % 100 == 0)
            poll_now();
    }
    CHECK(sim_vnet_arrive(&model, make_frame(all, 60, 1), 60));
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_OK);
    CHECK(sim_vnet_arrive(&model, make_frame(group, 60, 1), 60));
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_OK);
    // What is for others is passed over, and what comes after it is not lost.
    CHECK(sim_vnet_arrive(&model, make_frame(other, 60, 1), 60));
    CHECK(sim_vnet_arrive(&model, make_frame(own, 61, 2), 61));
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_OK);
    CHECK_EQ(len, 61);
    CHECK_EQ(nic.counters.rx_dropped, 1);
    // More than the caller has room for.
    CHECK(sim_vnet_arrive(&model, make_frame(own, 200, 1), 200));
    CHECK_EQ(receive(buffer, 199, &len), BF_AGAIN);
    CHECK_EQ(nic.counters.rx_dropped, 2);
    CHECK(works());
    stop();
}

static void test_a_burst_and_a_full_ring(void)
{
    uint8_t buffer[JUMBO];
    size_t len;
    prepare();
    start();
    for (uint32_t i = 0; i < RX_RING; i++)
        CHECK(sim_vnet_arrive(&model, make_frame(own, 100, i), 100));
    CHECK(!sim_vnet_arrive(&model, make_frame(own, 100, 0), 100));
    for (uint32_t i = 0; i < RX_RING; i++) {
        CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_OK);
        CHECK(memcmp(buffer, make_frame(own, 100, i), 100) == 0);
    }
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_AGAIN);
    poll_now(); // tells the device of all that is free again, at once
    CHECK_EQ(model.ready_count, RX_RING);
    stop();
}

static void test_a_device_that_looks_by_itself_is_not_notified(void)
{
    uint32_t before;
    uint8_t *flags;
    prepare();
    start();
    flags = sim_pci_reach(&model.virtio.pci, model.virtio.queue[1].used, 2);
    before = model.virtio.notifications;
    flags[0] = 1;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    CHECK_EQ(model.virtio.notifications, before);
    flags[0] = 0;
    CHECK_EQ(send_frame(100, 2), BF_OK);
    CHECK_EQ(model.virtio.notifications, before + 1);
    CHECK_EQ(out_count, 2);
    stop();
}

static void test_link(void)
{
    prepare();
    start();
    model.link = 0;
    sim_vnet_configure(&model);
    poll_now();
    CHECK_EQ(nic.ops->link(nic.impl), 1); // not asked yet
    poll_after(100000);
    CHECK_EQ(nic.ops->link(nic.impl), 0);
    model.link = 1;
    sim_vnet_configure(&model);
    poll_after(100000);
    CHECK_EQ(nic.ops->link(nic.impl), 1);
    stop();
    prepare();
    model.virtio.features &= ~(1ull << 16);
    start();
    CHECK_EQ(nic.ops->link(nic.impl), -1);
    CHECK(works());
    stop();
}

static void test_large_frames(void)
{
    prepare();
    model.mtu = 9000;
    sim_vnet_configure(&model);
    start();
    CHECK_EQ(nic.mtu, 9000);
    CHECK_EQ(model.ready_count, 64); // the memory is bounded
    CHECK_EQ(send_frame(JUMBO, 3), BF_OK);
    CHECK(sent_was(JUMBO, 3));
    CHECK(arrives_and_is_received(JUMBO, 4));
    stop();
    prepare();
    model.mtu = 65535;
    sim_vnet_configure(&model);
    start();
    CHECK_EQ(nic.mtu, 9216);
    stop();
    prepare();
    model.virtio.features &= ~(1ull << 3);
    model.mtu = 9000;
    sim_vnet_configure(&model);
    start();
    CHECK_EQ(nic.mtu, 1500);
    stop();
}

// A device that says nothing takes what the operator wants; one that says less is believed.
static void test_wanted_size(void)
{
    prepare();
    model.virtio.features &= ~(1ull << 3);
    model.mtu = 9000;
    nic.mtu = 9000;
    start();
    CHECK_EQ(nic.mtu, 9000);
    CHECK_EQ(send_frame(JUMBO, 3), BF_OK);
    CHECK(sent_was(JUMBO, 3));
    stop();
    prepare();
    nic.mtu = 9000;
    start();
    CHECK_EQ(nic.mtu, 1500);
    stop();
}

static void test_room_for_a_vlan_tag(void)
{
    prepare();
    start();
    CHECK_EQ(nic.tag_room, 4);
    CHECK_EQ(send_frame(1518, 3), BF_OK);
    CHECK(sent_was(1518, 3));
    CHECK_EQ(send_frame(1519, 3), BF_ERR_RANGE);
    CHECK(arrives_and_is_received(1518, 4));
    stop();
}

static void test_short_queues(void)
{
    prepare();
    model.virtio.queue_max = 16;
    start();
    CHECK_EQ(model.ready_count, 16);
    for (int i = 0; i < 100; i++) {
        CHECK(works());
        poll_now();
    }
    stop();
}

// ---- What goes wrong ---------------------------------------------------------------------------

static void test_a_stall_resets_once(void)
{
    prepare();
    start();
    model.tx = SIM_VNET_LOST;
    model.tx_faults = 1;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(BF_VIRTIO_NET_STALL_US);
    CHECK_EQ(model.virtio.resets, 1);
    poll_after(2);
    CHECK_EQ(model.virtio.resets, 2);
    CHECK(strstr(sim_log(), "does not send; resetting it"));
    poll_now();
    CHECK(works());
    CHECK_EQ(model.ready_count, RX_RING - 1); // one was taken by works
    CHECK(!nic.failed);
    stop();
}

// A frame now and then is not a stall: what counts is how long nothing was sent.
static void test_slow_is_not_stalled(void)
{
    prepare();
    start();
    model.hold = 1;
    for (uint32_t i = 0; i < 20; i++)
        CHECK_EQ(send_frame(100, i), BF_OK);
    for (uint32_t i = 0; i < 20; i++) {
        poll_after(BF_VIRTIO_NET_STALL_US - 1);
        sim_vnet_complete(&model, 0);
        poll_now();
    }
    CHECK_EQ(model.virtio.resets, 1);
    // Long idle, then a frame: its time begins when it is given.
    poll_after(10 * BF_VIRTIO_NET_STALL_US);
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(1000);
    CHECK_EQ(model.virtio.resets, 1);
    stop();
}

// The whole machine stood still, as for a snapshot of it: the device has not had its time either.
static void test_a_pause_is_no_stall(void)
{
    prepare();
    start();
    model.hold = 1;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    sim_clock_advance(100 * (uint64_t)BF_VIRTIO_NET_STALL_US);
    poll_now();
    poll_after(BF_VIRTIO_NET_STALL_US);
    CHECK_EQ(model.virtio.resets, 1);
    poll_after(2);
    CHECK_EQ(model.virtio.resets, 2);
    stop();
}

static void test_no_link_is_no_stall(void)
{
    prepare();
    start();
    model.hold = 1;
    model.link = 0;
    sim_vnet_configure(&model);
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(100000);
    poll_after(3 * BF_VIRTIO_NET_STALL_US);
    CHECK_EQ(model.virtio.resets, 1);
    stop();
}

static void test_the_second_time_it_has_failed(void)
{
    uint8_t buffer[100];
    size_t len;
    prepare();
    start();
    model.tx = SIM_VNET_LOST;
    model.tx_faults = 1000;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(BF_VIRTIO_NET_STALL_US + 1);
    poll_now();
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(BF_VIRTIO_NET_STALL_US + 1);
    poll_now();
    CHECK(nic.failed);
    CHECK_EQ(model.virtio.status, 0);
    CHECK(strstr(sim_log(), "giving up on it"));
    CHECK_EQ(nic.ops->link(nic.impl), 0);
    CHECK_EQ(send_frame(100, 1), BF_ERR_IO);
    CHECK(nic.ops->room(nic.impl) == NULL);
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_ERR_IO);
    poll_after(BF_VIRTIO_NET_STALL_US);
    CHECK_EQ(model.virtio.resets, 3);
    stop();
}

// Nothing waits for a reset: poll returns, and the clock has not moved.
static void test_a_reset_that_takes_time(void)
{
    uint64_t before;
    uint8_t buffer[100];
    size_t len;
    prepare();
    start();
    model.tx = SIM_VNET_LOST;
    model.tx_faults = 1;
    model.virtio.reset_stuck = 1;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(BF_VIRTIO_NET_STALL_US + 1);
    before = bf_platform_now_us();
    for (int i = 0; i < 10; i++)
        poll_now();
    CHECK_EQ(bf_platform_now_us(), before);
    CHECK_EQ(send_frame(100, 1), BF_AGAIN);
    CHECK(nic.ops->room(nic.impl) == NULL);
    CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_AGAIN);
    CHECK_EQ(nic.ops->link(nic.impl), 1);
    poll_after(2900000);
    sim_vnet_finish_reset(&model);
    poll_now();
    CHECK(works());
    CHECK_EQ(model.virtio.resets, 2);
    stop();
}

static void test_a_reset_that_never_ends(void)
{
    prepare();
    start();
    model.tx = SIM_VNET_LOST;
    model.tx_faults = 1;
    model.virtio.reset_stuck = 1;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    poll_after(BF_VIRTIO_NET_STALL_US + 1);
    poll_after(2999999);
    CHECK(!nic.failed);
    poll_after(1);
    CHECK(nic.failed && !model.virtio.pci.master);
    stop();
}

// Neither is confirmed: closing comes to an end, and what the device may write to is not given
// back.
static void test_a_device_that_keeps_its_memory(void)
{
    prepare();
    start();
    model.virtio.reset_stuck = 1;
    model.virtio.pci.master_stuck = 1;
    nic.ops->close(nic.impl);
    CHECK(sim_pci_open_ranges(&model.virtio.pci) == 4);
    CHECK(strstr(sim_log(), "not used again"));
    for (size_t i = 0; i < SIM_PCI_RANGES; i++) // the test's own end
        if (model.virtio.pci.range[i].live)
            free(model.virtio.pci.range[i].host);
}

static void nonsense(enum sim_vnet_fault tx, enum sim_vnet_fault rx)
{
    uint8_t buffer[JUMBO];
    size_t len;
    prepare();
    start();
    model.tx = tx;
    model.rx = rx;
    model.tx_faults = tx != SIM_VNET_GOOD;
    model.rx_faults = rx != SIM_VNET_GOOD;
    CHECK_EQ(send_frame(100, 1), BF_OK);
    CHECK(sim_vnet_arrive(&model, make_frame(own, 100, 1), 100));
    for (int i = 0; i < 3; i++)
        receive(buffer, sizeof buffer, &len);
    poll_now();
    poll_now();
    CHECK_EQ(model.virtio.resets, 2);
    CHECK(works());
    stop();
}

static void test_nonsense_resets_once(void)
{
    nonsense(SIM_VNET_WRONG_ID, SIM_VNET_GOOD);
    nonsense(SIM_VNET_HUGE_ID, SIM_VNET_GOOD);
    nonsense(SIM_VNET_TWICE, SIM_VNET_GOOD);
    nonsense(SIM_VNET_INDEX_JUMP, SIM_VNET_GOOD);
    nonsense(SIM_VNET_GOOD, SIM_VNET_HUGE_ID);
    nonsense(SIM_VNET_GOOD, SIM_VNET_INDEX_JUMP);
    nonsense(SIM_VNET_GOOD, SIM_VNET_LONG);
}

// Too short to be frames: dropped, and nothing else happens.
static void test_runts(void)
{
    uint8_t buffer[JUMBO];
    size_t len;
    prepare();
    start();
    for (int i = 0; i < 2; i++) {
        model.rx = i ? SIM_VNET_SHORT : SIM_VNET_NO_FRAME;
        model.rx_faults = 1;
        CHECK(sim_vnet_arrive(&model, make_frame(own, 100, 1), 100));
        CHECK_EQ(receive(buffer, sizeof buffer, &len), BF_AGAIN);
    }
    CHECK_EQ(nic.counters.rx_dropped, 2);
    CHECK(works());
    CHECK_EQ(model.virtio.resets, 1);
    stop();
}

static void test_it_asks_to_be_reset(void)
{
    prepare();
    start();
    model.virtio.status |= 64;
    poll_after(100000);
    poll_now();
    CHECK_EQ(model.virtio.resets, 2);
    CHECK(works());
    stop();
}

static void test_pulled_out(void)
{
    prepare();
    start();
    model.virtio.pci.gone = 1;
    poll_after(100000);
    poll_after(3000000);
    CHECK(nic.failed);
    model.virtio.pci.gone = 0;
    stop();
}

static void test_what_is_left_to_the_firmware(void)
{
    prepare();
    model.virtio.legacy = 1;
    sim_vnet_plug(&model);
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_UNSUPPORTED);
    CHECK_EQ(model.virtio.resets, 0);
    prepare();
    model.virtio.features &= ~(1ull << 32);
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_UNSUPPORTED);
    prepare();
    model.virtio.features &= ~(1ull << 5);
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_UNSUPPORTED);
    prepare();
    model.virtio.queue_max = 8;
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_UNSUPPORTED);
    prepare();
    model.mtu = 1000;
    sim_vnet_configure(&model);
    CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_UNSUPPORTED);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    CHECK(nic.ops == NULL);
}

static void test_half_opened(void)
{
    for (uint32_t fail = 1; fail <= 4; fail++) {
        prepare();
        model.virtio.pci.alloc_fails = fail;
        CHECK_EQ(bf_virtio_net_open(&model.virtio.pci.pci, &nic), BF_ERR_NO_MEMORY);
        CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
        CHECK_EQ(model.virtio.status, 0);
    }
}

// ---- TCP over it -------------------------------------------------------------------------------

static struct lan lan;

static void to_tap(void *user, const uint8_t *frame, size_t len)
{
    lan.nic[0].inner.ops->send(lan.nic[0].inner.impl, frame, len);
}

static void tcp_turn(void)
{
    uint8_t frame[JUMBO];
    size_t len;
    lan_turn(&lan);
    while (model.ready_count > 8 &&
           lan.nic[0].inner.ops->receive(lan.nic[0].inner.impl, frame, sizeof frame, &len) == BF_OK)
        sim_vnet_arrive(&model, frame, len);
    if (bf_ip_poll() == 0)
        nanosleep(&(struct timespec){0, 50000}, NULL);
}

static int listen_now(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(bind(s, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(s, 1), 0);
    CHECK_EQ(getsockname(s, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return s;
}

// Two mebibytes to the kernel and back; in the middle the device loses what it should send.
static void test_tcp_survives_a_reset(void)
{
    enum { BYTES = 2 << 20 };
    static uint8_t data[BYTES], seen[BYTES], back[BYTES];
    static struct bf_config config;
    struct bf_nic *list[] = {&nic};
    struct bf_fault fault;
    struct bf_stream stream;
    size_t given = 0, taken = 0, returned = 0, got = 0, done;
    uint16_t port;
    int listener, peer = -1;
    const char *why;
    prepare();
    why = lan_open(&lan, 1500);
    if (why) {
        lan_close(&lan);
        SKIP("%s", why);
    }
    model.wire = to_tap;
    start();
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)sim_random();
    listener = listen_now(&port);
    CHECK_EQ(bf_ip_start(list, 1, &config, &fault), BF_OK);
    struct bf_dialer dialer = bf_ip_dialer();
    CHECK_EQ(dialer.dial(dialer.impl, &bf_peer_server, "10.9.0.1", port, &stream, &fault), BF_OK);
    for (time_t end = time(NULL) + TEST_PATIENCE_S; time(NULL) < end && got < BYTES;) {
        tcp_turn();
        stream.ops->poll(stream.impl);
        if (peer < 0)
            peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (given < BYTES &&
            stream.ops->write(stream.impl, data + given, BYTES - given, &done) == BF_OK)
            given += done;
        ssize_t n = peer < 0 ? 0 : recv(peer, seen + taken, BYTES - taken, 0);
        taken += n > 0 ? (size_t)n : 0;
        model.tx = SIM_VNET_LOST;
        model.tx_faults = taken > BYTES / 2 && model.virtio.resets == 1 ? UINT32_MAX : 0;
        if (model.tx_faults)
            lan_skip(BF_VIRTIO_NET_STALL_US / 100);
        n = returned < taken ? send(peer, seen + returned, taken - returned, 0) : 0;
        returned += n > 0 ? (size_t)n : 0;
        if (stream.ops->read(stream.impl, back + got, BYTES - got, &done) == BF_OK)
            got += done;
    }
    CHECK_EQ(got, BYTES);
    CHECK(memcmp(back, data, BYTES) == 0);
    CHECK_EQ(model.virtio.resets, 2);
    stream.ops->close(stream.impl);
    bf_ip_stop();
    close(peer);
    close(listener);
    stop();
    lan_close(&lan);
}

TEST_MAIN(TEST(test_serves_both_ids), TEST(test_opens), TEST(test_frames_out),
          TEST(test_built_in_place), TEST(test_frames_go_together),
          TEST(test_many_in_flight_in_any_order), TEST(test_frames_in),
          TEST(test_a_burst_and_a_full_ring),
          TEST(test_a_device_that_looks_by_itself_is_not_notified), TEST(test_link),
          TEST(test_large_frames), TEST(test_wanted_size), TEST(test_room_for_a_vlan_tag),
          TEST(test_short_queues), TEST(test_a_stall_resets_once), TEST(test_slow_is_not_stalled),
          TEST(test_a_pause_is_no_stall), TEST(test_no_link_is_no_stall),
          TEST(test_the_second_time_it_has_failed), TEST(test_a_reset_that_takes_time),
          TEST(test_a_reset_that_never_ends), TEST(test_a_device_that_keeps_its_memory),
          TEST(test_nonsense_resets_once), TEST(test_runts), TEST(test_it_asks_to_be_reset),
          TEST(test_pulled_out), TEST(test_what_is_left_to_the_firmware), TEST(test_half_opened),
          TEST(test_tcp_survives_a_reset))
