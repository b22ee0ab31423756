# SPDX-License-Identifier: Apache-2.0
# Machines under QEMU: the guest, which needs nothing of ours. It is made once and kept by `make clean`.

build/guest/%/stamp: qemu/guest.sh qemu/guests/%.conf $(wildcard qemu/guests/*/*) | build/.setup
	$(Q)qemu/guest.sh $*

TEST_TOOLS += tcpfault
TOOL_SRCS_tcpfault := tests/tcpfault.c

DEMO := qemu/demo.sh
DEMO_DEPS := build/guest/debian12/stamp
