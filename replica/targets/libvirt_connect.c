// SPDX-License-Identifier: Apache-2.0
// The connection to libvirt. A daemon that is stopped would keep every call waiting for ever, so
// keepalive ends the connection (virConnectSetKeepAlive needs an event loop, which a thread turns),
// and connecting, which comes before keepalive, is done by a thread that is left behind.
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/state/waits.h"
#include "replica/targets/libvirt.h"

// ---- Errors ------------------------------------------------------------------------------------

static const struct {
    int number;
    enum bf_err code;
} codes[] = {
    {VIR_ERR_AUTH_FAILED, BF_ERR_DENIED},
    {VIR_ERR_AUTH_CANCELLED, BF_ERR_DENIED},
    {VIR_ERR_AUTH_UNAVAILABLE, BF_ERR_DENIED},
    {VIR_ERR_ACCESS_DENIED, BF_ERR_DENIED},
    {VIR_ERR_OPERATION_DENIED, BF_ERR_DENIED},
    {VIR_ERR_NO_DOMAIN, BF_ERR_NOT_FOUND},
    {VIR_ERR_NO_NETWORK, BF_ERR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_POOL, BF_ERR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_VOL, BF_ERR_NOT_FOUND},
    {VIR_ERR_STORAGE_VOL_EXIST, BF_ERR_EXISTS},
    {VIR_ERR_DOM_EXIST, BF_ERR_EXISTS},
    {VIR_ERR_NETWORK_EXIST, BF_ERR_EXISTS},
    {VIR_ERR_NO_SUPPORT, BF_ERR_UNSUPPORTED},
    {VIR_ERR_OPERATION_UNSUPPORTED, BF_ERR_UNSUPPORTED},
    {VIR_ERR_CONFIG_UNSUPPORTED, BF_ERR_UNSUPPORTED},
    {VIR_ERR_ARGUMENT_UNSUPPORTED, BF_ERR_UNSUPPORTED},
    {VIR_ERR_OPERATION_TIMEOUT, BF_ERR_TIMEOUT},
    {VIR_ERR_NO_MEMORY, BF_ERR_NO_MEMORY},
};

static enum bf_err code_of(const virError *e)
{
    for (size_t i = 0; i < BF_COUNT(codes); i++)
        if (e && codes[i].number == e->code)
            return codes[i].code;
    if (e && e->message && strstr(e->message, "No space left on device"))
        return BF_ERR_NO_SPACE;
    return BF_ERR_IO;
}

// libvirt's text without what would break a line.
static void clean(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text && n + 1 < size; text++)
        out[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}

enum bf_err bf_lv_fault(const struct bf_lv *lv, struct bf_fault *fault, const char *doing, ...)
{
    const virError *e = virGetLastError();
    enum bf_err code = code_of(e);
    char what[128], why[160];
    va_list args;

    va_start(args, doing);
    bf_vsnprintf(what, sizeof what, doing, args);
    va_end(args);
    clean(why, sizeof why, e && e->message ? e->message : "libvirt gave no reason");
    bf_log(BF_LOG_DEBUG, "libvirt: %s: error %d: %s", what, e ? e->code : 0, why);
    if (lv->conn && virConnectIsAlive(lv->conn) != 1)
        return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                            "see whether libvirtd or virtqemud still runs there, restart it, and "
                            "run the command again",
                            "%s: the libvirt daemon of %s stopped answering", what,
                            lv->uri.connect);
    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        code == BF_ERR_NO_SPACE
                            ? "free space there, and run the command again"
                            : "look at the log of the libvirt daemon (journalctl -u libvirtd -u "
                              "virtqemud) and at /var/log/libvirt/qemu",
                        "%s: %s", what, why);
}

bool bf_lv_goes_on(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    if (!tgt->goes_on || tgt->goes_on(tgt->user))
        return true;
    bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "nothing: it was asked for",
                 "the job was cancelled");
    return false;
}

void bf_lv_tell(const struct bf_tgt *tgt, const char *format, ...)
{
    char sentence[512];
    va_list args;

    if (!tgt->tell)
        return;
    va_start(args, format);
    bf_vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    tgt->tell(tgt->user, sentence);
}

// ---- The event loop ----------------------------------------------------------------------------

static void ignore_error(void *user, virErrorPtr error)
{
}

static void nothing(int timer, void *user)
{
}

// virEventRunDefaultImpl returns after each event; the timer sees to it that there is one.
static void *turn(void *user)
{
    while (virEventRunDefaultImpl() == 0)
        continue;
    return NULL;
}

static bool library_ready;

static void begin_library(void)
{
    pthread_t thread;

    virSetErrorFunc(NULL, ignore_error); // its default prints to standard error
    if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0 ||
        virEventAddTimeout(BF_WAIT_LV_TURN_MS, nothing, NULL, NULL) < 0)
        return;
    library_ready = pthread_create(&thread, NULL, turn, NULL) == 0;
    if (library_ready)
        pthread_detach(thread);
}

// ---- Connecting --------------------------------------------------------------------------------

// Shared with the thread that connects; whoever comes last frees it.
struct attempt {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over, left; // the call has returned; nobody waits for it any more
    virConnectPtr conn;
    virErrorPtr error;
    char uri[512];
};

static void attempt_free(struct attempt *a)
{
    if (a->conn)
        virConnectClose(a->conn);
    if (a->error)
        virFreeError(a->error);
    pthread_cond_destroy(&a->ended);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void *connect_now(void *user)
{
    struct attempt *a = user;
    virConnectPtr conn = virConnectOpenAuth(a->uri, NULL, 0);
    virErrorPtr error = conn ? NULL : virSaveLastError();
    bool left;

    pthread_mutex_lock(&a->lock);
    a->conn = conn;
    a->error = error;
    a->over = true;
    left = a->left;
    pthread_cond_signal(&a->ended);
    pthread_mutex_unlock(&a->lock);
    if (left)
        attempt_free(a);
    return NULL;
}

static struct attempt *attempt_start(const char *uri)
{
    struct attempt *a = calloc(1, sizeof *a);
    pthread_t thread;

    if (!a)
        return NULL;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->ended, NULL);
    bf_snprintf(a->uri, sizeof a->uri, "%s", uri);
    if (pthread_create(&thread, NULL, connect_now, a) != 0) {
        attempt_free(a);
        return NULL;
    }
    pthread_detach(thread);
    return a;
}

// Waits for a second at most. True: the call has returned.
static bool attempt_wait(struct attempt *a)
{
    struct timespec until;
    bool over;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&a->lock);
    while (!a->over && pthread_cond_timedwait(&a->ended, &a->lock, &until) == 0)
        continue;
    over = a->over;
    pthread_mutex_unlock(&a->lock);
    return over;
}

static void attempt_leave(struct attempt *a)
{
    bool over;

    pthread_mutex_lock(&a->lock);
    a->left = true;
    over = a->over;
    pthread_mutex_unlock(&a->lock);
    if (over)
        attempt_free(a);
}

// The daemon that a URI leads to, for a fault that names it.
static const char *connect_todo(const struct bf_lv_uri *uri, enum bf_err code)
{
    if (code == BF_ERR_DENIED)
        return "let the user that bootferryd runs as join the group libvirt, or name "
               "qemu:///session";
    if (uri->session)
        return "install libvirt-daemon (virtqemud or libvirtd), which a session starts by itself";
    return "install libvirt-daemon-system and start it: systemctl start libvirtd (or "
           "virtqemud.socket)";
}

static enum bf_err connect_fault(const struct bf_lv *lv, struct attempt *a, struct bf_fault *fault)
{
    enum bf_err code = code_of(a->error);
    const char *text = a->error && a->error->message ? a->error->message : "no reason was given";
    char why[160];

    if (strstr(text, "Permission denied"))
        code = BF_ERR_DENIED;
    else if (code == BF_ERR_IO)
        code = BF_ERR_NETWORK;
    clean(why, sizeof why, text);
    return bf_fault_set(fault, code, BF_SIDE_SERVER, connect_todo(&lv->uri, code),
                        "libvirt does not connect to %s: %s", lv->uri.connect, why);
}

static enum bf_err connect_once(struct bf_lv *lv, struct bf_fault *fault)
{
    struct attempt *a = attempt_start(lv->uri.connect);
    uint64_t until = bf_platform_now_us() + BF_WAIT_LV_CONNECT_MS * UINT64_C(1000);
    enum bf_err err = BF_OK;
    bool over = false;

    if (!a)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "there is no memory for a connection to libvirt");
    while (!err && !over) {
        over = attempt_wait(a);
        if (over)
            break;
        if (!bf_lv_goes_on(lv->tgt, fault))
            err = BF_ERR_CANCELLED;
        else if (bf_platform_now_us() > until)
            err = bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                               connect_todo(&lv->uri, BF_ERR_TIMEOUT),
                               "the libvirt daemon of %s does not answer", lv->uri.connect);
    }
    if (over && a->conn) {
        lv->conn = a->conn;
        a->conn = NULL;
    } else if (over) {
        err = connect_fault(lv, a, fault);
    }
    attempt_leave(a);
    return err;
}

// A daemon that is being restarted is back soon.
static enum bf_err connect_again(struct bf_lv *lv, struct bf_fault *fault)
{
    uint64_t until = bf_platform_now_us() + BF_WAIT_LV_BACK_MS * UINT64_C(1000);
    enum bf_err err;

    while ((err = connect_once(lv, fault)) == BF_ERR_NETWORK && bf_platform_now_us() < until) {
        if (!bf_lv_goes_on(lv->tgt, fault))
            return BF_ERR_CANCELLED;
        poll(NULL, 0, BF_WAIT_LV_LOOK_MS);
    }
    return err;
}

enum bf_err bf_lv_paths(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault)
{
    char link[64];
    ssize_t n;

    // Readable for a state that was opened by a relative path, too.
    bf_snprintf(link, sizeof link, "/proc/self/fd/%d", bf_state_dir(tgt->state));
    n = readlink(link, lv->state, sizeof lv->state - 128);
    if (n <= 0)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "mount /proc",
                            "the path of the state's folder cannot be read");
    lv->state[n] = 0;
    bf_snprintf(lv->folder, sizeof lv->folder, "%s/%s", lv->state, tgt->folder);
    return BF_OK;
}

// A host elsewhere has neither the replica's files nor the job's.
static enum bf_err refuse_elsewhere(const struct bf_lv *lv, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                        "run bootferryd at that host, or deliver files (files:DIR) and run their "
                        "libvirt.sh there",
                        "the libvirt host of %s is another one: neither the replica's disks nor "
                        "the machine's console can be reached there",
                        lv->uri.connect);
}

static enum bf_err open_by(const struct bf_tgt *tgt, struct bf_lv *lv,
                           enum bf_err (*connect)(struct bf_lv *lv, struct bf_fault *fault),
                           struct bf_fault *fault)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum bf_err err;

    memset(lv, 0, sizeof *lv);
    lv->tgt = tgt;
    pthread_once(&once, begin_library);
    if (!library_ready)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "the libvirt library cannot be started");
    err = bf_lv_uri_parse(tgt->uri, &lv->uri, fault);
    if (!err && !lv->uri.local)
        err = refuse_elsewhere(lv, fault);
    if (!err)
        err = bf_lv_paths(tgt, lv, fault);
    if (!err)
        err = connect(lv, fault);
    if (err)
        return err;
    // Drivers inside this process have no peer to look after, and say so.
    if (virConnectSetKeepAlive(lv->conn, BF_WAIT_LV_ALIVE_S, BF_WAIT_LV_ALIVE_COUNT) < 0)
        err = bf_lv_fault(lv, fault, "the connection to libvirt cannot be watched");
    return err;
}

enum bf_err bf_lv_open(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault)
{
    return open_by(tgt, lv, connect_again, fault);
}

enum bf_err bf_lv_open_now(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault)
{
    return open_by(tgt, lv, connect_once, fault);
}

void bf_lv_close(struct bf_lv *lv)
{
    if (lv->conn)
        virConnectClose(lv->conn);
    lv->conn = NULL;
}
