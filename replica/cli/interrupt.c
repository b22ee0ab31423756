// SPDX-License-Identifier: Apache-2.0
// See cli_interrupt.h.
#include "replica/cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/state/wait.h"
#include "replica/state/waits.h"

static volatile sig_atomic_t caught; // number of the signal
static int cancel = -1;              // eventfd

static void on_signal(int number)
{
    static const eventfd_t one = 1;
    int before = errno;

    if (!caught)
        caught = number;
    if (write(cancel, &one, sizeof one) < 0) // it can be read already
        errno = before;
    alarm(BF_WAIT_INTERRUPT_S);
    errno = before;
}

void bf_cli_interrupt_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction ours = {.sa_handler = on_signal}, before;

    cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel < 0)
        return; // they end the program at once, as ever
    bf_wait_cancel_by(cancel);
    for (size_t i = 0; i < BF_COUNT(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &ours, NULL);
}

void bf_cli_interrupt_finish(void)
{
    if (!caught)
        return;
    signal(caught, SIG_DFL);
    raise(caught);
}
