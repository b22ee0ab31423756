// SPDX-License-Identifier: Apache-2.0
// The VM's own programs and kernel modules. Nothing of the guest is ever run.
#ifndef BF_FINALIZE_VM_TOOL_H
#define BF_FINALIZE_VM_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#define BF_TOOL_KILLED (-1) // it did not start, was killed by a signal, or was late

struct bf_tool {
    const char *const *argv; // ends with NULL; argv[0] is the path
    const void *input;       // for its standard input; NULL: none
    size_t input_len;
    int seconds; // it is killed after that long; 0: it has what the step has
    char *out;   // what it wrote to standard output and error; freed by the caller
    size_t out_len;
    size_t out_max; // what it writes beyond is lost; 0: `out` stays NULL
    bool late;      // it was killed for its time
};

// Runs a tool and waits. Its exit status, or BF_TOOL_KILLED. When memory runs out, the tool is
// killed and not the finalizer.
int bf_vm_tool(struct bf_tool *tool);
// The same without input and output.
int bf_vm_run(const char *const *argv);

// Loads a group of modules of /modules/groups, once; what fails is built in or will be missed
// later.
void bf_vm_load_modules(const char *group);

// The first line of a file below /sys/class/block/BLOCK, "" when it cannot be read.
void bf_vm_sys(const char *block, const char *file, char *out, size_t size);
// Writes a word into such a file. False when that fails.
bool bf_vm_sys_set(const char *block, const char *file, const char *word);

#endif
