# SPDX-License-Identifier: Apache-2.0
# The finalizer: its core, the adapters, the small VM, and the runner that starts it. FINALIZE_CORE
# is what tests link; FINALIZE_RUN is what a program needs to run the VM.

FINALIZE_CORE := $(addprefix finalize/, \
    adapt_initramfs.c arch.c bls.c boot.c budget.c commit.c cpio.c devices.c diff.c dracut.c drivers.c \
    edit.c efi.c esp.c extlinux.c family.c fin.c frame.c fstab.c grub.c hibernation.c hostname.c \
    hosts.c ifupdown.c ini.c initramfs.c initramfs_tools.c inspect.c journal.c lines.c meta.c \
    modules.c naming.c net.c netplan.c network.c networkd.c networkmanager.c plan.c replace.c report.c \
    resolv.c root.c service.c shim.c stable.c system.c tables.c text.c uki.c undo.c undo_dir.c \
    yaml_limit.c)
FINALIZE_RUN  := $(FINALIZE_CORE) $(addprefix finalize/,run.c run_accel.c run_memory.c run_qemu.c \
    run_room.c run_wait.c)
FINALIZE_SRCS := $(FINALIZE_RUN) $(addprefix finalize/, \
    main.c vm.c vm_disks.c vm_mount.c vm_step.c)
# -lblkid is used by the VM alone.
FINALIZE_RUN_LIBS := -ljansson -lyaml
FINALIZE_LIBS     := $(FINALIZE_RUN_LIBS) -lblkid

# The VM: a kernel and an initramfs that holds bootferry-finalize as its init.
FINALIZER_VM := build/finalize-vm/vmlinuz build/finalize-vm/initramfs
CLEAN        += $(FINALIZER_VM)

build/finalize-vm/.fetched: finalize/vm/fetch.sh finalize/vm/packages | build/.setup
	$(Q)finalize/vm/fetch.sh build/finalize-vm
	$(Q)touch $@
build/finalize-vm/vmlinuz: build/finalize-vm/.fetched
	$(Q)install -m 644 build/finalize-vm/tree/boot/vmlinuz-* $@
build/finalize-vm/initramfs: build/finalize-vm/.fetched build/bootferry-finalize \
    finalize/vm/initramfs.sh finalize/vm/groups finalize/vm/lvm.conf
	$(call say,INITRD,$@)finalize/vm/initramfs.sh build/finalize-vm/tree build/bootferry-finalize $@
.PHONY: build/finalize-vm
build/finalize-vm: $(FINALIZER_VM)

CHECK_DEPS  += build/bootferry-finalize $(FINALIZER_VM)
CHECK_TESTS += tests/finalize/core.sh tests/finalize/stacks.sh tests/finalize/boot.sh tests/finalize/hostile.sh \
    tests/finalize/accelerator.sh tests/finalize/vm.sh tests/finalize/vm_fs.sh

# Unit tests and fuzzers link the core; one of them brings tables of its own.
$(foreach t,plan text initramfs run,$(eval TEST_SRCS_test_finalize_$(t) := $(FINALIZE_RUN))\
    $(eval TEST_LIBS_test_finalize_$(t) := $(FINALIZE_RUN_LIBS)))
TEST_SRCS_test_finalize_rows := $(filter-out finalize/tables.c,$(FINALIZE_RUN))
TEST_LIBS_test_finalize_rows := $(FINALIZE_RUN_LIBS)
TEST_SRCS_test_finalize_budget := $(FINALIZE_RUN) finalize/vm_step.c
TEST_LIBS_test_finalize_budget := $(FINALIZE_RUN_LIBS)
$(foreach f,plan guest initramfs frame journal,$(eval FUZZ_SRCS_fuzz_finalize_$(f) := $(FINALIZE_CORE))\
    $(eval FUZZ_LIBS_fuzz_finalize_$(f) := $(FINALIZE_RUN_LIBS)))
$(foreach f,guest initramfs journal,$(eval FUZZ_SRCS_fuzz_finalize_$(f) += tests/finalize_tree.c))
