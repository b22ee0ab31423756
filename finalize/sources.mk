# SPDX-License-Identifier: Apache-2.0
# The finalizer: its core, the adapters, the small VM, and the runner that starts it. FINALIZE_CORE
# is what tests link; FINALIZE_RUN is what a program needs to run the VM.

FINALIZE_ROOMS := core archive system network boot initramfs target rehearse
FINALIZE_CORE  := finalize/finalize.c finalize/tables.c finalize/vm/frame.c \
    $(sort $(foreach r,$(FINALIZE_ROOMS),$(wildcard finalize/$(r)/*.c)))
FINALIZE_RUN  := $(FINALIZE_CORE) \
    finalize/host/run.c finalize/host/accel.c finalize/host/keys.c finalize/host/larger.c finalize/host/memory.c \
    finalize/host/qemu.c finalize/host/room.c finalize/host/wait.c $(sort $(wildcard finalize/plan/*.c))
FINALIZE_SRCS := $(FINALIZE_RUN) \
    finalize/main.c $(sort $(filter-out finalize/vm/frame.c,$(wildcard finalize/vm/*.c)))
# The script that a guest carries is part of the program as it is.
$(patsubst %,build/%/finalize/system/evidence_script.o,linux asan fuzz cov): finalize/system/evidence.sh
# -lblkid is used by the VM alone.
FINALIZE_RUN_LIBS := -ljansson -lyaml -lselinux -lcrypto -lz -llzma -lbz2 -llzo2
# Of LZ4 and zstd the archive reader uses those that the whole program is made with.
LZ4_USERS  += finalize/archive/codec_lz4.c
ZSTD_USERS += finalize/archive/codec_zstd.c
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
# judge.sh, trees.sh, disk.sh, guest_vm.sh, volumes_vm.sh and moves.sh are sourced by the others. What goes over every shape takes
# minutes, and so do real guests.
FINALIZE_SLOW := $(addprefix tests/finalize/,ifcfg_matrix.sh matrix.sh readers.sh guest.sh starts.sh proves.sh never.sh \
    second_opinion.sh volumes.sh luks_memory.sh names.sh uki.sh odd_starts.sh crypt_starts.sh)
FINALIZE_MACHINES := $(addprefix tests/finalize/,accelerator.sh vm.sh vm_fs.sh)
CHECK_MACHINES += $(FINALIZE_MACHINES)
CHECK_TESTS += $(sort $(filter-out %/judge.sh %/judge-root.sh %/guest_vm.sh %trees.sh %/disk.sh %/moves.sh %/volumes_vm.sh \
    $(FINALIZE_MACHINES) $(FINALIZE_SLOW),$(wildcard tests/finalize/*.sh)))
E2E_TESTS += $(wildcard $(FINALIZE_SLOW))
E2E_DEPS  += build/judge/stamp

# Unit tests and fuzzers link the core, and what makes small trees; one of them brings tables of its own.
FINALIZE_TEST := tests/finalize_tree.c tests/finalize_table.c tests/finalize_walk.c
$(foreach t,$(patsubst tests/unit/test_finalize_%.c,%,$(wildcard tests/unit/test_finalize_*.c)),\
    $(eval TEST_SRCS_test_finalize_$(t) := $(FINALIZE_RUN) $(FINALIZE_TEST))\
    $(eval TEST_LIBS_test_finalize_$(t) := $(FINALIZE_RUN_LIBS)))
TEST_SRCS_test_finalize_rows := $(filter-out finalize/tables.c,$(FINALIZE_RUN))
TEST_SRCS_test_finalize_volumes += finalize/vm/wanted.c finalize/vm/fits.c finalize/vm/said.c
TEST_SRCS_test_finalize_budget += finalize/vm/step.c
$(foreach f,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_finalize_*.c tests/fuzz/fuzz_rehearse_*.c)),\
    $(eval FUZZ_SRCS_$(f) := $(FINALIZE_RUN) tests/finalize_tree.c tests/finalize_dry_run.c)\
    $(eval FUZZ_LIBS_$(f) := $(FINALIZE_RUN_LIBS)))

# Lists an initramfs as the finalizer reads it, for tests/finalize/archive.sh.
TEST_TOOLS += tests/list_archive
TOOL_SRCS_tests/list_archive := tests/finalize/list_archive.c $(FINALIZE_CORE)
TOOL_LIBS_tests/list_archive := $(FINALIZE_RUN_LIBS)
CHECK_DEPS += build/tests/list_archive

# What the rehearsal's readers of boot loaders make of a tree, for tests/finalize/rehearse_loaders.sh.
TEST_TOOLS += tests/finalize_starts
TOOL_SRCS_tests/finalize_starts := tests/finalize/starts.c $(FINALIZE_CORE)
TOOL_LIBS_tests/finalize_starts := $(FINALIZE_RUN_LIBS)
CHECK_DEPS += build/tests/finalize_starts

# What the rehearsal's reader of GRUB makes of a script.
TEST_TOOLS += tests/grub_walk
TOOL_SRCS_tests/grub_walk := tests/finalize/grub_walk.c $(FINALIZE_CORE)
TOOL_LIBS_tests/grub_walk := $(FINALIZE_RUN_LIBS)
CHECK_DEPS += build/tests/grub_walk

# Reads and judges the lines that a guest says of itself.
TEST_TOOLS += tests/evidence
TOOL_SRCS_tests/evidence = tests/finalize/evidence.c $(REPLICA_EVIDENCE_SRCS)
CHECK_DEPS += build/tests/evidence

# The real readers of network files, which judge the finalizer's results; without root there are none.
build/judge/stamp: tests/finalize/judge-root.sh | build/.setup
	$(Q)if [ "$$(id -u)" = 0 ]; then tests/finalize/judge-root.sh build/judge/root; fi
	$(Q)mkdir -p build/judge && touch $@
CHECK_DEPS += build/judge/stamp
