// SPDX-License-Identifier: Apache-2.0
// The machine's screen, which libvirt streams as QEMU writes it.
#include <stdlib.h>
#include <string.h>

#include "replica/state/file.h"
#include "replica/targets/libvirt.h"

enum { PICTURE_MOST = 64 << 20, PIECE = 65536 };

// ---- From libvirt ------------------------------------------------------------------------------

struct received {
    uint8_t *bytes;
    size_t len;
};

static int receive_some(virStreamPtr stream, struct received *r)
{
    uint8_t *grown = r->len + PIECE <= PICTURE_MOST ? realloc(r->bytes, r->len + PIECE) : NULL;
    int n;

    if (!grown)
        return -1;
    r->bytes = grown;
    n = virStreamRecv(stream, (char *)grown + r->len, PIECE);
    if (n > 0)
        r->len += (size_t)n;
    return n;
}

static enum bf_err receive(const struct bf_lv *lv, virDomainPtr dom, struct received *r,
                           struct bf_fault *fault)
{
    virStreamPtr stream = virStreamNew(lv->conn, 0);
    char *type = stream ? virDomainScreenshot(dom, stream, 0, 0) : NULL;
    int n = type ? 1 : -1;

    free(type);
    while (n > 0)
        n = receive_some(stream, r);
    if (stream && n == 0)
        virStreamFinish(stream);
    else if (stream)
        virStreamAbort(stream);
    if (stream)
        virStreamFree(stream);
    return n == 0 ? BF_OK : bf_lv_fault(lv, fault, "a picture of the screen cannot be had");
}

enum bf_err bf_lv_picture(const struct bf_lv *lv, const char *path, struct bf_fault *fault)
{
    struct received r = {.bytes = NULL};
    virDomainPtr dom;
    uint8_t *png = NULL;
    size_t len = 0;
    enum bf_err err = bf_lv_domain_get(lv, &dom, fault);

    if (err)
        return err;
    err = receive(lv, dom, &r, fault);
    virDomainFree(dom);
    if (!err && bf_lv_png(r.bytes, r.len, &png, &len) != BF_OK)
        err = bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                           "look at the screen there: virsh screenshot",
                           "the picture of the screen is neither PNG nor PPM");
    if (!err)
        err = bf_file_replace(path, png, len, 0600, fault);
    free(png);
    free(r.bytes);
    return err;
}
