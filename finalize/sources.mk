# SPDX-License-Identifier: Apache-2.0
# The finalizer: its core, the adapters, the small VM, and the runner that starts it. FINALIZE_CORE
# is what tests link; FINALIZE_RUN is what a program needs to run the VM.

FINALIZE_CORE := \
    finalize/adapt_initramfs.c finalize/arch.c finalize/bls.c finalize/boot.c finalize/budget.c \
    finalize/commit.c finalize/cpio.c finalize/devices.c finalize/diff.c finalize/dracut.c \
    finalize/drivers.c finalize/edit.c finalize/efi.c finalize/esp.c finalize/extlinux.c \
    finalize/family.c finalize/fin.c finalize/frame.c finalize/fstab.c finalize/grub.c \
    finalize/hibernation.c finalize/hostname.c finalize/hosts.c finalize/ifupdown.c \
    finalize/ini.c finalize/initramfs.c finalize/initramfs_tools.c finalize/inspect.c \
    finalize/journal.c finalize/lines.c finalize/meta.c finalize/modules.c finalize/naming.c \
    finalize/net.c finalize/netplan.c finalize/network.c finalize/networkd.c \
    finalize/networkmanager.c finalize/plan.c finalize/replace.c finalize/report.c \
    finalize/resolv.c finalize/root.c finalize/service.c finalize/shim.c finalize/stable.c \
    finalize/system.c finalize/tables.c finalize/text.c finalize/uki.c finalize/undo.c \
    finalize/undo_dir.c finalize/yaml_limit.c
FINALIZE_RUN  := $(FINALIZE_CORE) \
    finalize/run.c finalize/run_accel.c finalize/run_memory.c finalize/run_qemu.c \
    finalize/run_room.c finalize/run_wait.c
FINALIZE_SRCS := $(FINALIZE_RUN) \
    finalize/main.c finalize/vm.c finalize/vm_disks.c finalize/vm_mount.c finalize/vm_step.c
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
