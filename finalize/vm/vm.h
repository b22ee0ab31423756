// SPDX-License-Identifier: Apache-2.0
// The finalizer as process 1 of its own small VM.
#ifndef BF_FINALIZE_VM_VM_H
#define BF_FINALIZE_VM_VM_H

// Does one run and powers the machine off; does not return.
int bf_vm_main(void);

#endif
