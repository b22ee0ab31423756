# SPDX-License-Identifier: Apache-2.0
# The finalizer: its core, the adapters, the small VM, and the runner that starts it. FINALIZE_CORE
# is what tests link; FINALIZE_RUN is what a program needs to run the VM.

FINALIZE_CORE := \
    finalize/boot/bls.c finalize/boot/boot.c finalize/boot/cmdline.c finalize/boot/efi.c finalize/boot/esp.c \
    finalize/boot/extlinux.c finalize/boot/grub.c finalize/boot/lines.c finalize/boot/shim.c finalize/boot/uki.c \
    finalize/core/budget.c finalize/core/commit.c finalize/core/devices.c finalize/core/diff.c finalize/core/edit.c \
    finalize/core/fault.c finalize/core/ini.c finalize/core/journal.c finalize/core/meta.c finalize/core/mode.c \
    finalize/core/plan.c finalize/core/preflight.c finalize/core/replace.c finalize/core/report.c finalize/core/root.c finalize/core/text.c \
    finalize/core/undo.c finalize/core/undo_dir.c finalize/core/yaml_limit.c finalize/finalize.c \
    finalize/initramfs/append.c finalize/initramfs/cpio.c finalize/initramfs/dracut.c finalize/initramfs/initramfs.c \
    finalize/initramfs/initramfs_tools.c finalize/initramfs/kernels.c finalize/initramfs/modules.c \
    finalize/network/hosts.c finalize/network/ifupdown.c finalize/network/mention.c finalize/network/mentions.c finalize/network/naming.c finalize/network/net.c \
    finalize/network/netplan.c finalize/network/network.c finalize/network/networkd.c \
    finalize/network/networkmanager.c finalize/network/resolv.c finalize/network/resolve.c finalize/network/result.c finalize/system/arch.c finalize/system/family.c \
    finalize/system/fin.c finalize/system/fstab.c finalize/system/hibernation.c finalize/system/hostname.c \
    finalize/system/inspect.c finalize/system/selinux.c finalize/system/service.c finalize/system/stable.c finalize/system/system.c \
    finalize/tables.c finalize/target/plan_parse.c finalize/target/targets.c finalize/vm/frame.c
FINALIZE_RUN  := $(FINALIZE_CORE) \
    finalize/host/run.c finalize/host/accel.c finalize/host/memory.c finalize/host/qemu.c \
    finalize/host/room.c finalize/host/wait.c
FINALIZE_SRCS := $(FINALIZE_RUN) \
    finalize/main.c finalize/vm/vm.c finalize/vm/disks.c finalize/vm/mount.c finalize/vm/step.c
# -lblkid is used by the VM alone.
FINALIZE_RUN_LIBS := -ljansson -lyaml -lselinux
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
CHECK_TESTS += tests/finalize/core.sh tests/finalize/stacks.sh tests/finalize/boot.sh tests/finalize/hostile.sh tests/finalize/whole.sh tests/finalize/selinux.sh tests/finalize/mentions.sh \
    tests/finalize/accelerator.sh tests/finalize/vm.sh tests/finalize/vm_fs.sh

# Unit tests and fuzzers link the core; one of them brings tables of its own.
$(foreach t,plan text initramfs run mention,$(eval TEST_SRCS_test_finalize_$(t) := $(FINALIZE_RUN))\
    $(eval TEST_LIBS_test_finalize_$(t) := $(FINALIZE_RUN_LIBS)))
TEST_SRCS_test_finalize_rows := $(filter-out finalize/tables.c,$(FINALIZE_RUN))
TEST_LIBS_test_finalize_rows := $(FINALIZE_RUN_LIBS)
TEST_SRCS_test_finalize_budget := $(FINALIZE_RUN) finalize/vm/step.c
TEST_LIBS_test_finalize_budget := $(FINALIZE_RUN_LIBS)
$(foreach f,plan guest network initramfs frame journal,$(eval FUZZ_SRCS_fuzz_finalize_$(f) := $(FINALIZE_CORE))\
    $(eval FUZZ_LIBS_fuzz_finalize_$(f) := $(FINALIZE_RUN_LIBS)))
$(foreach f,guest network initramfs journal,$(eval FUZZ_SRCS_fuzz_finalize_$(f) += tests/finalize_tree.c))

# The real readers of network files, which judge the finalizer's results; without root there are none.
build/judge/stamp: tests/finalize/judge-root.sh | build/.setup
	$(Q)if [ "$$(id -u)" = 0 ]; then tests/finalize/judge-root.sh build/judge/root; fi
	$(Q)mkdir -p build/judge && touch $@
CHECK_DEPS += build/judge/stamp
