// SPDX-License-Identifier: Apache-2.0
// TAP as a NIC: one read or write per frame (Documentation/networking/tuntap.rst of Linux).
#include "linux/tap_nic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

struct tap {
    int fd;
    struct bf_nic *nic;
};

static enum bf_err tap_send(void *impl, const void *frame, size_t len)
{
    struct tap *t = impl;
    ssize_t sent = write(t->fd, frame, len);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
        t->nic->counters.tx_refused++;
        return BF_AGAIN;
    }
    if (sent < 0)
        return BF_ERR_IO; // the device is down
    t->nic->counters.tx_frames++;
    t->nic->counters.tx_bytes += (uint64_t)sent;
    return BF_OK;
}

static enum bf_err tap_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    struct tap *t = impl;
    ssize_t got = read(t->fd, buffer, size);
    if (got <= 0)
        return BF_AGAIN;
    *len = (size_t)got;
    t->nic->counters.rx_frames++;
    t->nic->counters.rx_bytes += (uint64_t)got;
    return BF_OK;
}

static void tap_poll(void *impl)
{
}

static int tap_link(void *impl)
{
    return 1;
}

static void tap_close(void *impl)
{
    struct tap *t = impl;
    close(t->fd);
    bf_free(t);
}

static const struct bf_nic_ops tap_ops = {.driver = "tap",
                                          .send = tap_send,
                                          .receive = tap_receive,
                                          .poll = tap_poll,
                                          .link = tap_link,
                                          .close = tap_close};

enum bf_err bf_tap_open(const char *name, const uint8_t mac[6], uint16_t mtu, struct bf_nic *nic)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES || errno == EPERM ? BF_ERR_DENIED : BF_ERR_UNSUPPORTED;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    struct tap *t = NULL;
    enum bf_err err = BF_ERR_DENIED;
    if (ioctl(fd, TUNSETIFF, &request) == 0) {
        err = BF_ERR_NO_MEMORY;
        t = bf_alloc(sizeof *t);
    }
    if (!t) {
        close(fd);
        return err;
    }
    t->fd = fd;
    t->nic = nic;
    memset(nic, 0, sizeof *nic);
    nic->ops = &tap_ops;
    nic->impl = t;
    nic->mtu = mtu;
    memcpy(nic->mac, mac, 6);
    snprintf(nic->name, sizeof nic->name, "tap %s", name);
    return BF_OK;
}

int bf_tap_fd(const struct bf_nic *nic)
{
    const struct tap *t = nic->impl;
    return t->fd;
}
