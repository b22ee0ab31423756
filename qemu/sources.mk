# SPDX-License-Identifier: Apache-2.0
# Machines under QEMU: the guest, which needs nothing of ours. It is made once and kept by `make clean`.

build/guest/%/stamp: qemu/guest.sh qemu/guests/%.conf $(shell find qemu/guests -type f | sed 's/ /\\ /g') | build/.setup \
    build/bootferry-finalize $(FINALIZER_VM) # which name the accelerator
	$(Q)qemu/guest.sh $*

TEST_TOOLS += tcpfault
TOOL_SRCS_tcpfault := tests/tcpfault.c

DEMO := qemu/demo.sh
DEMO_DEPS := build/guest/debian12/stamp build/tests/usage_map

# The scenarios of tests/e2e/LIST.
e2e_list = $(shell sed -nE 's%^($(1))[[:space:]]+([^\#]*[^\# ])[[:space:]]*(\#.*)?$$%tests/e2e/\2%p' tests/e2e/LIST | tr ' ' '~')
unquote_list = $(foreach t,$(1),'$(subst ~, ,$(t))')
CHECK_MACHINES += $(call unquote_list,$(call e2e_list,check))
CHECK_TESTS += $(call unquote_list,$(call e2e_list,hosted))
E2E_TESTS += $(call unquote_list,$(call e2e_list,check|hosted|e2e))
CHECK_DEPS += build/tcpfault
E2E_DEPS += build/tcpfault build/tests/selftest.efi $(DEMO_DEPS)
