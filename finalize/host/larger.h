// SPDX-License-Identifier: Apache-2.0
// The size of a VM that has to open encrypted devices: only the VM can read their headers, so it
// tells how much memory it needs, and a larger one takes its place where the host has so much.
#ifndef BF_FINALIZE_HOST_LARGER_H
#define BF_FINALIZE_HOST_LARGER_H

#include <stddef.h>

// The MiB of memory that the VM's report asks for, when a VM of `now` MiB was too small: more than
// that, at most BF_RUN_MEMORY_MAX_MIB and `available`. 0: it asks for nothing, or for what it will
// not get. The report is not trusted.
unsigned bf_run_larger(const char *report, size_t len, unsigned now, unsigned available);

// MiB that new programs can have of this host without swapping (MemAvailable of proc_meminfo(5)). 0
// when that is not known.
unsigned bf_run_available_mib(void);

#endif
