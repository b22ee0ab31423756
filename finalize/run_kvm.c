// SPDX-License-Identifier: Apache-2.0
// Tries KVM: a virtual machine of one page runs one HLT instruction. A child process does it with a
// time limit, because a broken hypervisor may hang in the system call.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finalize/run_qemu.h"

#define PAGE 4096

// True when the processor stopped at the HLT. Descriptors and memory go with the child.
static bool halt_once(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    unsigned char *page =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (vm < 0 || page == MAP_FAILED)
        return false;
    page[0] = 0xf4; // HLT
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0, .memory_size = PAGE, .userspace_addr = (__u64)(unsigned long)page};
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rflags = 2};
    int cpu =
        ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
    int size = cpu < 0 ? -1 : ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof(struct kvm_run) || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0)
        return false;
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (run == MAP_FAILED || ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 ||
        ioctl(cpu, KVM_SET_REGS, &regs) < 0)
        return false;
    return ioctl(cpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_HLT;
}

bool bf_qemu_kvm_works(void)
{
    const char *asked = getenv("QEMU_ACCEL");
    int status;
    if (asked)
        return strcmp(asked, "kvm") == 0;
    if (access("/dev/kvm", R_OK | W_OK) < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(3);
        _exit(halt_once() ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
