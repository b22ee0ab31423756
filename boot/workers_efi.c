// SPDX-License-Identifier: Apache-2.0
// The workers of the boot program: other processors, lent by the firmware through
// EFI_MP_SERVICES_PROTOCOL (UEFI PI 1.8, volume 2, 13.4). Starting one takes the firmware some ten
// milliseconds, so a worker that rests stays and looks at its word, with pauses. That is not free
// either: on a shared host it takes time from the others, our own loop among them. So there are as
// many as have enough to do. One more comes when tasks have been waiting, and when those before it
// could do its work as well its processor goes back to the firmware, which halts it. The worker
// itself stays behind on its stack, and goes on there when it is woken.
//
// Each has a stack of its own with a painted zone below it, since the firmware's may be small, and
// changes only what bf_cpu_vectors_enable names and its table of exceptions, which are put back
// whenever the processor leaves. One that meets an exception stops where it is.
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/mp_efi.h"
#include "boot/platform_efi.h"
#include "boot/traps.h"
#include "boot/workers_efi.h"
#include "drivers/handles_efi.h"

enum {
    GUARD_BYTES = 1024,
    PAINT = 0xb5,
    PAUSES_MOST = 64,
    WINDOW_US = 250000,     // over which a worker looks at how busy it was
    PROCESSORS_MOST = 4096, // that the firmware may claim
};

struct worker {
    // The worker's own.
    bf_worker *entry;
    void *context;
    uint32_t index;
    void *stack;           // where it was left
    void *firmware;        // where the firmware was left
    uint64_t window, idle; // ticks: since when, and how long of that it rested

    // Of both sides, atomic.
    uint32_t inside;  // a processor is, or will be, on its stack
    uint32_t resting; // it looks at its word
    uint32_t ended;   // entry has returned

    // The loop's.
    UINTN processor;
    EFI_EVENT event; // signalled some time after the processor has come back
    uint8_t out;     // it has not been yet
    uint8_t broken;
    uint8_t *memory; // the guard, then the stack
};

static struct bf_efi_mp_services *services;
static UINTN usable[BF_WORKERS_MAX];
static uint32_t usable_count;
static struct worker workers[BF_WORKERS_MAX];
static struct bf_traps traps[BF_WORKERS_MAX];
static struct bf_exception crash;          // the first
static uint32_t crashes, crash_is_written; // atomic
static uint32_t worker_count;
static uint64_t window_ticks;
static uint32_t stack_peak;

// ---- Which processors --------------------------------------------------------------------------

static int may_work(UINTN number, int second_thread)
{
    const UINT32 wanted = BF_EFI_PROCESSOR_ENABLED | BF_EFI_PROCESSOR_HEALTHY;
    struct bf_efi_processor info;
    memset(&info, 0, sizeof info);
    return !EFI_ERROR(services->GetProcessorInfo(services, number, &info)) &&
           (info.StatusFlag & (wanted | BF_EFI_PROCESSOR_AS_BSP)) == wanted &&
           (info.Location.Thread != 0) == second_thread;
}

// First one thread of each core, then the others.
uint32_t bf_platform_workers(void)
{
    EFI_GUID guid = BF_EFI_MP_SERVICES_GUID;
    UINTN all = 0, enabled;
    usable_count = 0;
    services = bf_efi_locate(&guid);
    if (!services || !bf_cpu_can_switch() ||
        EFI_ERROR(services->GetNumberOfProcessors(services, &all, &enabled)))
        return 0;
    if (all > PROCESSORS_MOST)
        all = PROCESSORS_MOST;
    for (int second = 0; second < 2; second++)
        for (UINTN i = 0; i < all && usable_count < BF_WORKERS_MAX; i++)
            if (may_work(i, second))
                usable[usable_count++] = i;
    return usable_count;
}

// ---- On the other processor --------------------------------------------------------------------

// The first function on a worker's own stack.
static void live(void *argument)
{
    struct worker *w = argument;
    w->window = bf_cpu_ticks();
    w->entry(w->context, w->index);
    __atomic_store_n(&w->ended, 1, __ATOMIC_RELEASE);
    for (;;)
        bf_cpu_switch(&w->stack, w->firmware);
}

static void crashed(void *argument, const struct bf_exception *e)
{
    (void)argument;
    if (__atomic_fetch_add(&crashes, 1, __ATOMIC_SEQ_CST))
        return;
    crash = *e;
    __atomic_store_n(&crash_is_written, 1, __ATOMIC_RELEASE);
}

const struct bf_exception *bf_efi_workers_crash(void)
{
    return __atomic_load_n(&crash_is_written, __ATOMIC_ACQUIRE) ? &crash : NULL;
}

// What the firmware calls, on its own stack.
static VOID EFIAPI visit(VOID *argument)
{
    struct worker *w = argument;
    struct bf_cpu_vectors before;
    bf_cpu_vectors_enable(&before);
    bf_traps_set(&traps[w->index], crashed, w);
    bf_cpu_switch(&w->firmware, w->stack);
    bf_traps_restore(&traps[w->index]);
    bf_cpu_vectors_restore(&before);
    __atomic_store_n(&w->inside, 0, __ATOMIC_RELEASE);
}

static uint32_t awake(uint32_t from)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < worker_count; i++)
        count += __atomic_load_n(&workers[i].inside, __ATOMIC_ACQUIRE);
    return count;
}

// At the end of a window: the last of n workers goes when the others could do what all did with a
// fifth to spare, the only one when it had next to nothing to do; the loop can do that.
static int is_spare(struct worker *w, uint64_t now)
{
    uint64_t passed = now - w->window, busy = passed - w->idle, n = awake(0);
    if (passed < window_ticks)
        return 0;
    w->window = now;
    w->idle = 0;
    if (awake(w->index + 1))
        return 0;
    return n > 1 ? busy * 10 * n <= passed * 8 * (n - 1) : busy * 10 <= passed;
}

static void go_home(struct worker *w)
{
    bf_cpu_switch(&w->stack, w->firmware);
    w->window = bf_cpu_ticks();
    w->idle = 0;
}

void bf_platform_worker_wait(uint32_t index, uint32_t *word, uint32_t seen)
{
    struct worker *w = &workers[index];
    uint64_t last = bf_cpu_ticks(), now;
    uint32_t pauses = 1;
    int spare = 0;
    __atomic_store_n(&w->resting, 1, __ATOMIC_SEQ_CST);
    while (!spare && __atomic_load_n(word, __ATOMIC_SEQ_CST) == seen) {
        for (uint32_t i = 0; i < pauses; i++)
            bf_cpu_relax();
        pauses = pauses < PAUSES_MOST ? 2 * pauses : PAUSES_MOST;
        now = bf_cpu_ticks();
        w->idle += now - last;
        last = now;
        spare = is_spare(w, now);
    }
    // Whoever changes the word from here on does not count on this worker any more.
    __atomic_store_n(&w->resting, 0, __ATOMIC_SEQ_CST);
    if (spare && __atomic_load_n(word, __ATOMIC_SEQ_CST) == seen)
        go_home(w);
}

// ---- Starting ----------------------------------------------------------------------------------

static int prepare(struct worker *w)
{
    w->memory = bf_alloc_aligned(GUARD_BYTES + BF_WORKER_STACK, 64);
    if (!w->memory)
        return 0;
    if (EFI_ERROR(bf_efi_boot->CreateEvent(0, TPL_NOTIFY, NULL, NULL, &w->event))) {
        bf_free(w->memory);
        return 0;
    }
    memset(w->memory, PAINT, GUARD_BYTES + BF_WORKER_STACK);
    w->stack = bf_cpu_stack(w->memory + GUARD_BYTES + BF_WORKER_STACK, live, w);
    return 1;
}

uint32_t bf_platform_workers_start(uint32_t count, bf_worker *entry, void *context)
{
    if (worker_count)
        return 0;
    window_ticks = bf_efi_ticks_hz() / 1000000 * WINDOW_US;
    while (worker_count < count && worker_count < usable_count) {
        struct worker *w = &workers[worker_count];
        *w = (struct worker){.entry = entry,
                             .context = context,
                             .index = worker_count,
                             .processor = usable[worker_count]};
        if (!prepare(w))
            break;
        worker_count++;
    }
    return worker_count;
}

// The firmware has seen that the processor came back, so it can be had again.
static int is_home(struct worker *w)
{
    if (w->out && !EFI_ERROR(bf_efi_boot->CheckEvent(w->event)))
        w->out = 0;
    return !w->out;
}

// 1: a processor is on its way to the worker.
static int fetch(struct worker *w)
{
    EFI_STATUS status;
    if (w->broken || __atomic_load_n(&w->inside, __ATOMIC_ACQUIRE) || !is_home(w) ||
        __atomic_load_n(&w->ended, __ATOMIC_ACQUIRE))
        return 0;
    __atomic_store_n(&w->inside, 1, __ATOMIC_RELEASE);
    status = services->StartupThisAP(services, visit, w->processor, w->event, 0, w, NULL);
    if (!EFI_ERROR(status)) {
        w->out = 1;
        return 1;
    }
    __atomic_store_n(&w->inside, 0, __ATOMIC_RELEASE);
    if (status != EFI_NOT_READY) {
        w->broken = 1;
        bf_log(BF_LOG_WARNING, "the firmware does not release processor %u (%s); ignoring it",
               (uint32_t)w->processor, bf_err_name(bf_efi_err(status)));
    }
    return 0;
}

void bf_platform_workers_wake(uint32_t *word, int late)
{
    (void)word; // those that are awake look at it by themselves
    for (uint32_t i = 0; i < worker_count; i++)
        if (__atomic_load_n(&workers[i].resting, __ATOMIC_SEQ_CST))
            return;
    for (uint32_t i = 0; late && i < worker_count; i++)
        if (fetch(&workers[i]))
            return;
}

// ---- Guards ------------------------------------------------------------------------------------

// Bytes from the lowest on that nobody has written to, in eights: it is looked at often.
static uint32_t painted(const uint8_t *at, uint32_t bytes)
{
    uint64_t paint, word;
    memset(&paint, PAINT, sizeof paint);
    for (uint32_t i = 0; i < bytes; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        if (word != paint)
            return i;
    }
    return bytes;
}

int bf_platform_workers_sound(void)
{
    for (uint32_t i = 0; i < worker_count; i++)
        if (painted(workers[i].memory, GUARD_BYTES) < GUARD_BYTES)
            return 0;
    return 1;
}

uint32_t bf_efi_workers_stack(void)
{
    for (uint32_t i = 0; i < worker_count; i++) {
        uint32_t used = BF_WORKER_STACK - painted(workers[i].memory + GUARD_BYTES, BF_WORKER_STACK);
        stack_peak = used > stack_peak ? used : stack_peak;
    }
    return stack_peak;
}

// ---- Ending ------------------------------------------------------------------------------------

// A processor that has left the stack still has some of this program's instructions before it, so
// it is back only when the firmware says so.
int bf_efi_workers_home(void)
{
    int home = 1;
    for (uint32_t i = 0; i < worker_count; i++)
        home &= !__atomic_load_n(&workers[i].inside, __ATOMIC_ACQUIRE) && is_home(&workers[i]);
    return home;
}

enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us)
{
    uint64_t deadline = bf_platform_now_us() + timeout_us;
    (void)word;
    while (!bf_efi_workers_home()) {
        if (bf_platform_now_us() >= deadline)
            return BF_ERR_TIMEOUT;
        bf_platform_idle(BF_EFI_TICK_US);
    }
    bf_efi_workers_stack();
    for (; worker_count; worker_count--) {
        bf_efi_boot->CloseEvent(workers[worker_count - 1].event);
        bf_free(workers[worker_count - 1].memory);
    }
    return BF_OK;
}
