// SPDX-License-Identifier: Apache-2.0
// See nbd.h. Whatever can be read from the storage daemon, or written to it, is progress: it takes
// nothing from its socket and puts nothing there when it hangs.
#include "replica/qemu/nbd.h"

#include "base/assert.h"
#include "base/fmt.h"

short bf_nbd_events(struct nbd_handle *nbd)
{
    unsigned direction = nbd_aio_get_direction(nbd);

    return (short)((direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
                   (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
}

enum bf_err bf_nbd_go_on(struct nbd_handle *nbd, short revents)
{
    unsigned direction = nbd_aio_get_direction(nbd);
    int bad = 0;

    if ((direction & LIBNBD_AIO_DIRECTION_READ) && (revents & (POLLIN | POLLHUP | POLLERR)))
        bad = nbd_aio_notify_read(nbd);
    else if ((direction & LIBNBD_AIO_DIRECTION_WRITE) && (revents & (POLLOUT | POLLHUP | POLLERR)))
        bad = nbd_aio_notify_write(nbd);
    return bad || nbd_aio_is_dead(nbd) || nbd_aio_is_closed(nbd) ? BF_ERR_BUSY : BF_OK;
}

enum bf_err bf_nbd_turn(struct nbd_handle *nbd, struct bf_wait *wait)
{
    struct pollfd p = {.fd = nbd_aio_get_fd(nbd), .events = bf_nbd_events(nbd)};
    enum bf_err err = p.fd < 0 ? BF_ERR_BUSY : bf_wait_for(wait, &p, 1);

    if (err || !p.revents)
        return err;
    bf_child_progress(&wait->child);
    return bf_nbd_go_on(nbd, p.revents);
}

static enum bf_err refused(const struct bf_qsd *qsd, enum bf_err err, struct bf_fault *fault)
{
    const char *why = nbd_get_error();

    if (err == BF_ERR_TIMEOUT || err == BF_ERR_CANCELLED || bf_qsd_has_hung(qsd))
        return bf_qsd_fault(qsd, err, "connecting to it", fault);
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "look at the server's log",
                        "the storage daemon cannot be reached: %s", why ? why : "no reason given");
}

enum bf_err bf_nbd_connect(struct nbd_handle *nbd, struct bf_qsd *qsd, uint16_t disk,
                           struct bf_fault *fault)
{
    struct bf_wait wait;
    char name[32];
    enum bf_err err = BF_OK;

    BF_ASSERT(nbd_aio_is_created(nbd)); // a handle connects once
    bf_snprintf(name, sizeof name, "disk-%u", disk);
    bf_qsd_wait(qsd, &wait);
    if (nbd_set_export_name(nbd, name) != 0 || nbd_aio_connect_unix(nbd, bf_qsd_socket(qsd)) != 0)
        return refused(qsd, BF_ERR_IO, fault);
    while (!err && nbd_aio_is_connecting(nbd))
        err = bf_nbd_turn(nbd, &wait);
    return err || !nbd_aio_is_ready(nbd) ? refused(qsd, err, fault) : BF_OK;
}
