// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and the like during a command that has children or unfinished files: its waits end, it
// cleans up and then ends by that signal, as its caller expects.
#ifndef BF_REPLICA_CLI_INTERRUPT_H
#define BF_REPLICA_CLI_INTERRUPT_H

// From here on SIGINT, SIGTERM and SIGHUP cancel the waits of this thread (replica/state/wait.h),
// unless they were ignored before. What hangs all the same ends by SIGALRM, BF_WAIT_INTERRUPT_S
// later.
void bf_cli_interrupt_catch(void);

// At the end of the program: when there was such a signal, it ends by it. Otherwise nothing.
void bf_cli_interrupt_finish(void);

#endif
