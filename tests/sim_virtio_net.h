// SPDX-License-Identifier: Apache-2.0
// A model of a virtio network device, written from the specification (Virtual I/O Device 1.2, 5.1),
// that also does what a device must not. The other end of its wire is the test's.
#ifndef BF_TESTS_SIM_VIRTIO_NET_H
#define BF_TESTS_SIM_VIRTIO_NET_H

#include <stddef.h>

#include "tests/sim_virtio.h"

enum sim_vnet_fault {
    SIM_VNET_GOOD,
    SIM_VNET_LOST,       // a frame is taken and never completed
    SIM_VNET_WRONG_ID,   // completes another buffer, which is not out
    SIM_VNET_HUGE_ID,    // beyond the ring
    SIM_VNET_TWICE,      // completes it two times
    SIM_VNET_INDEX_JUMP, // the used index runs ahead
    SIM_VNET_LONG,       // claims to have written more than there is room
    SIM_VNET_SHORT,      // less than a header
    SIM_VNET_NO_FRAME,   // a header and nothing
};

struct sim_vnet {
    struct sim_virtio virtio;
    uint8_t mac[6];
    uint16_t mtu;
    uint8_t link;

    void (*wire)(void *user, const uint8_t *frame, size_t len); // where sent frames go; may be NULL
    void *user;

    uint8_t hold;               // sent frames wait for sim_vnet_complete
    enum sim_vnet_fault tx, rx; // of the next tx_faults, rx_faults frames
    uint32_t tx_faults, rx_faults;

    // the device's state
    uint16_t held[256];
    uint32_t held_count;
    uint16_t ready[256]; // receive buffers that were offered
    uint32_t ready_count;
    uint32_t sent, bad; // bad: frames with a header or in a shape that the driver must not make
};

void sim_vnet_init(struct sim_vnet *m, const uint8_t mac[6]);
// Lays out configuration space; call it after changing fields above.
void sim_vnet_plug(struct sim_vnet *m);
// Link and the rest of the device's configuration as it is now; call it after changing them.
void sim_vnet_configure(struct sim_vnet *m);
// A frame arrives on the wire: 1, or 0 when no buffer is offered for it or it does not fit.
int sim_vnet_arrive(struct sim_vnet *m, const void *frame, size_t len);
// Sends the held frame number i.
void sim_vnet_complete(struct sim_vnet *m, uint32_t i);
// Comes to the end of a reset that was stuck.
void sim_vnet_finish_reset(struct sim_vnet *m);

#endif
