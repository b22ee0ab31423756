# SPDX-License-Identifier: Apache-2.0
# What the tests need beside their own source: further sources and libraries per unit test or
# fuzzer (TEST_SRCS_test_NAME, TEST_LIBS_test_NAME, FUZZ_SRCS_fuzz_NAME, FUZZ_LIBS_fuzz_NAME).

TEST_SRCS_test_base := tests/platform_sim.c

# What has threads, once more under their sanitizer, which does not go with the others.
THREADED_workers   := migrate/workers.c linux/workers_linux.c linux/platform_linux.c
THREADED_file_disk := linux/file_disk.c linux/file_readers.c linux/platform_linux.c \
    image/block.c image/identity.c $(BASE_SRCS)
define threaded
build/tests/threads_$(1): tests/unit/test_$(1).c $(THREADED_$(1)) $(wildcard base/*.h image/*.h linux/*.h migrate/*.h migrate/*/*.h)
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $$(CLANG) $$(HOSTED) $$(WARN) $$(OWN_INC) -O1 \
	    -fsanitize=thread -o $$@ $$(filter %.c,$$^)
CHECK_DEPS  += build/tests/threads_$(1)
CHECK_TESTS += build/tests/threads_$(1)
endef
$(foreach t,workers file_disk,$(eval $(call threaded,$(t))))

TEST_SRCS_test_pki := $(REPLICA_PKI_SRCS) replica/state/reason.c
TEST_LIBS_test_pki := -lssl -lcrypto
TEST_SRCS_test_media := $(REPLICA_PKI_SRCS) $(REPLICA_MEDIA_SRCS) replica/qemu/process.c replica/state/reason.c \
    replica/state/wait.c
TEST_LIBS_test_media := -lssl -lcrypto
FUZZ_SRCS_fuzz_pe := replica/media/pe.c
TEST_SRCS_test_disk_plan := replica/daemon/plan.c
TEST_SRCS_test_process := replica/qemu/process.c replica/state/wait.c
TEST_SRCS_test_export_file := replica/points/export_file.c replica/state/reason.c
TEST_LIBS_test_export_file := -Wl,--wrap=openat64,--wrap=renameat2
TEST_SRCS_test_reason := replica/qemu/process.c replica/state/reason.c replica/state/wait.c
TEST_SRCS_test_qmp := replica/qemu/lines.c replica/qemu/qmp.c replica/state/reason.c
TEST_LIBS_test_qmp := -ljansson
TEST_SRCS_test_qga := replica/qemu/lines.c replica/qemu/qga.c replica/state/reason.c
TEST_LIBS_test_qga := -ljansson
TEST_SRCS_test_jobs_rules := replica/jobs/rules.c replica/state/db_failovers.c replica/state/sql.c \
    replica/state/reason.c
TEST_LIBS_test_jobs_rules := -lsqlite3
TEST_SRCS_test_jobs_runner := $(REPLICA_STORE_SRCS) replica/state/step.c replica/state/file.c replica/points/source.c \
    $(filter-out %/finalizer.c %/spawn.c,$(sort $(wildcard replica/jobs/*.c))) \
    $(filter-out replica/state/file.c,$(REPLICA_PKI_SRCS)) tests/unit/store_files.c
TEST_LIBS_test_jobs_runner := $(REPLICA_LIBS)
TEST_SRCS_test_qcow2 := replica/qemu/qcow2.c replica/state/reason.c
TEST_SRCS_test_state_file := replica/state/file.c replica/state/reason.c replica/media/memory_file.c
TEST_SRCS_test_text := replica/state/text.c
TEST_LIBS_test_text := -ljansson
TEST_SRCS_test_fwcfg := boot/fwcfg.c
TEST_SRCS_test_evidence := $(REPLICA_EVIDENCE_SRCS)
TEST_SRCS_test_console := $(REPLICA_EVIDENCE_SRCS)
FUZZ_SRCS_fuzz_evidence := $(REPLICA_EVIDENCE_SRCS)
REPORTED_SRCS := $(REPLICA_STORE_SRCS) replica/state/step.c replica/state/file.c replica/jobs/folder.c replica/jobs/reported.c
TEST_SRCS_test_reported := $(REPORTED_SRCS) tests/unit/store_files.c
TEST_LIBS_test_reported := $(REPLICA_LIBS)
FUZZ_SRCS_fuzz_reported := $(REPORTED_SRCS) $(REPLICA_EVIDENCE_SRCS)
FUZZ_LIBS_fuzz_reported := $(REPLICA_LIBS)
TEST_SRCS_test_agent := replica/jobs/agent.c $(REPLICA_EVIDENCE_SRCS)
TEST_LIBS_test_agent := -ljansson
FUZZ_SRCS_fuzz_agent := replica/jobs/agent.c $(REPLICA_EVIDENCE_SRCS)
FUZZ_LIBS_fuzz_agent := -ljansson
TEST_SRCS_test_ranges := replica/store/ranges.c
TEST_SRCS_test_address := replica/daemon/address.c


# Documents that are made from the code.
TEST_TOOLS += tests/config_keys
TOOL_SRCS_tests/config_keys := tests/docs/config_keys.c
TEST_TOOLS += tests/screen_svg
TOOL_SRCS_tests/screen_svg := tests/docs/screen_svg.c $(SCREEN_SRCS)
CHECK_DEPS  += build/tests/config_keys build/tests/screen_svg
CHECK_TESTS += tests/docs/configuration.sh tests/docs/waits.sh tests/docs/remedies.py tests/docs/push.sh tests/docs/screen.sh

# The boot image as a file.
TEST_TOOLS += tests/pe_check
TOOL_SRCS_tests/pe_check := tests/image/pe_check.c
CHECK_DEPS  += build/tests/pe_check build/tests/workers.efi build/tests/exceptions.efi build/tests/nic.efi build/tests/selftest.efi build/tests/devices.efi
CHECK_TESTS += tests/image/check.sh tests/image/instructions.sh
CHECK_MACHINES += $(addprefix tests/efi/,selftest.sh workers.sh exceptions.sh nic.sh devices.sh)

# The operator's command and the daemon, as programs.
CHECK_TESTS += tests/net/secrets.sh tests/net/openssl35.sh tests/net/no-hybrid.sh
CHECK_TESTS += tests/ask.sh tests/cli/commands.sh
CHECK_MACHINES += tests/ends.sh tests/cli/plan.sh
CHECK_TESTS += tests/third_party.sh
CHECK_MACHINES += tests/daemon/points.sh
CHECK_TESTS += tests/cli/media.sh tests/daemon/daemon_test.py tests/daemon/stopped.py \
    tests/daemon/assess.sh tests/daemon/disks.sh tests/daemon/fence.sh tests/daemon/places.sh tests/daemon/reports.sh tests/daemon/sparse.sh tests/daemon/strangers.sh
TEST_TOOLS += tests/flood
TOOL_SRCS_tests/flood := tests/daemon/flood.c
TOOL_LIBS_tests/flood := -lssl -lcrypto
CHECK_DEPS += build/tests/flood
# A state as an older version left it.
TEST_TOOLS += tests/older_files
TOOL_SRCS_tests/older_files := tests/daemon/older_files.c
CHECK_DEPS  += build/tests/older_files
CHECK_TESTS += tests/daemon/older-state.sh

# the store, the state and the images; the tests bring their own replica/state/step.c
STORE_TEST_SRCS := $(REPLICA_STORE_SRCS) tests/unit/store_files.c tests/unit/store_session.c \
    tests/unit/store_step.c
STORE_TESTS := $(addprefix test_store,_db _fences _found _full _grow _hang _image _kill _limits _power _working) test_store
$(foreach t,$(STORE_TESTS),$(eval TEST_SRCS_$(t) := $(STORE_TEST_SRCS)) \
    $(eval TEST_LIBS_$(t) := $(REPLICA_LIBS)))
TEST_SRCS_test_store_found += replica/points/grew.c
FUZZ_SRCS_fuzz_working := replica/state/reason.c replica/store/working.c replica/store/working_header.c
FUZZ_SRCS_fuzz_image_ref := $(REPLICA_STORE_SRCS) replica/state/step.c
FUZZ_LIBS_fuzz_image_ref := $(REPLICA_LIBS)
TEST_LIBS_test_store_power += -Wl,--wrap=pwrite64,--wrap=fdatasync,--wrap=fallocate64

# the new machines of failovers
TARGET_TEST_SRCS = $(REPLICA_STORE_SRCS) replica/state/file.c $(REPLICA_TARGET_SRCS) $(FINALIZE_RUN)
TARGET_TEST_LIBS = $(REPLICA_LIBS) $(FINALIZE_RUN_LIBS) $(LIBVIRT_LIBS)
$(foreach t,args machine net place texts,$(eval TEST_SRCS_test_target_$(t) = $$(TARGET_TEST_SRCS) replica/state/step.c) \
    $(eval TEST_LIBS_test_target_$(t) = $$(TARGET_TEST_LIBS)))

FUZZ_SRCS_fuzz_target = $(TARGET_TEST_SRCS) replica/state/step.c
FUZZ_LIBS_fuzz_target = $(TARGET_TEST_LIBS)
FUZZ_SRCS_fuzz_qmp := replica/qemu/lines.c replica/qemu/qmp.c replica/state/reason.c
FUZZ_LIBS_fuzz_qmp := -ljansson
TEST_TOOLS += tests/target_driver
TOOL_SRCS_tests/target_driver = tests/targets/driver.c $(TARGET_TEST_SRCS)
TOOL_LIBS_tests/target_driver = $(TARGET_TEST_LIBS)
CHECK_DEPS  += build/tests/target_driver
CHECK_MACHINES += tests/targets/qemu.sh tests/targets/shapes.sh tests/targets/files.sh

# Benchmarks: never part of the tests. The last one collects what the others found.
TEST_TOOLS += tests/bench_engine
TOOL_SRCS_tests/bench_engine := tests/bench/bench_engine.c
TOOL_LIBS_tests/bench_engine := -Wl,--wrap=bf_workers_help
BENCH_DEPS  += build/tests/bench_engine
BENCH_TESTS += tests/bench/engine.sh
BENCH_DEPS  += build/tests/bench_disks.efi build/tests/bench_nics.efi
BENCH_TESTS += tests/bench/drivers.sh tests/bench/nics.sh
BENCH_TESTS += tests/bench/usage.sh tests/bench/workers.sh
BENCH_TESTS += tests/bench/image.sh tests/bench/peers.sh tests/bench/live.sh tests/bench/curves.sh
TEST_TOOLS += tests/bad_link
TOOL_SRCS_tests/bad_link := tests/bench/bad_link.c tests/net/path.c
BENCH_DEPS  += build/tests/bad_link
BENCH_TESTS += tests/bench/links.sh tests/bench/finalize.sh tests/bench/failover.sh
BENCH_TESTS += tests/bench/collect.sh

SIM_SRCS := tests/platform_sim.c tests/sim_disk.c tests/sim_link.c tests/sim_store.c \
    tests/sim_world.c
TEST_SRCS_test_sim := $(SIM_SRCS)
TEST_SRCS_test_limit := $(SIM_SRCS) replica/daemon/status.c replica/state/text.c
TEST_LIBS_test_limit := -ljansson
TEST_SRCS_test_sim_random := $(SIM_SRCS)
TEST_SRCS_test_pipeline := tests/platform_sim.c tests/sim_disk.c
TEST_SRCS_test_look := tests/platform_sim.c tests/quiet_stream.c tests/sim_disk.c
TEST_SRCS_test_copy := tests/platform_sim.c tests/sim_disk.c tests/sim_store.c
TEST_SRCS_test_assess := tests/platform_sim.c tests/sim_disk.c
TEST_SRCS_test_receiver := tests/platform_sim.c tests/sim_store.c
TEST_SRCS_test_proto := tests/proto_any.c tests/proto_samples.c
# Many more seeds than `make check` has time for.
SOAK_DEPS  += build/asan/tests/unit/test_sim_random
SOAK_TESTS += tests/soak_sim.sh
FUZZ_SRCS_fuzz_frames := tests/proto_any.c tests/proto_samples.c tests/fuzz_seed.c
FUZZ_SRCS_fuzz_receiver := tests/platform_sim.c tests/sim_store.c tests/fuzz_seed.c tests/fuzz_frames.c
FUZZ_SRCS_fuzz_sender := tests/platform_sim.c tests/quiet_stream.c tests/sim_disk.c tests/fuzz_seed.c tests/fuzz_frames.c
FUZZ_SRCS_fuzz_manifest := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_decompress := tests/fuzz_seed.c
TEST_SRCS_test_block := tests/platform_sim.c tests/sim_disk.c
TEST_SRCS_test_pending := tests/platform_sim.c tests/sim_pci.c
TEST_SRCS_test_virtio_blk := tests/platform_sim.c tests/sim_pci.c tests/sim_virtio.c tests/sim_virtio_blk.c
TEST_SRCS_test_virtio_net := tests/platform_sim.c tests/sim_pci.c tests/sim_virtio.c tests/sim_virtio_net.c tests/net/lan.c
FUZZ_SRCS_fuzz_virtio_net := tests/platform_sim.c tests/sim_pci.c tests/sim_virtio.c tests/sim_virtio_net.c
TEST_SRCS_test_virtio_scsi := tests/platform_sim.c tests/sim_pci.c tests/sim_virtio.c tests/sim_virtio_scsi.c
TEST_SRCS_test_ahci := tests/platform_sim.c tests/sim_pci.c tests/sim_ahci.c
TEST_SRCS_test_nvme := tests/platform_sim.c tests/sim_pci.c tests/sim_nvme.c
FUZZ_SRCS_fuzz_scsi := tests/fuzz_identity.c tests/fuzz_seed.c
FUZZ_SRCS_fuzz_identify_ata := tests/fuzz_identity.c tests/fuzz_seed.c
FUZZ_SRCS_fuzz_identify_nvme := tests/fuzz_identity.c tests/fuzz_seed.c

# What is used: the maps beside what the file systems' own tools say, and whole migrations.
TEST_TOOLS += tests/usage_map
TOOL_SRCS_tests/usage_map := tests/usage/usage_map.c
CHECK_DEPS  += build/tests/usage_map
CHECK_TESTS += tests/usage/tables.sh tests/usage/ext.sh tests/usage/fat.sh tests/usage/exfat.sh \
    tests/usage/f2fs.sh
CHECK_TESTS += tests/usage/btrfs.sh tests/usage/btrfs_devices.sh
CHECK_TESTS += tests/usage/xfs.sh tests/usage/xfs_mounted.sh tests/usage/ntfs.sh
CHECK_TESTS += tests/usage/lvm.sh tests/usage/md.sh tests/usage/large.sh tests/usage/hibernated.sh
CHECK_TESTS += tests/usage/hostile.sh
# Disks made by chance; many more of them than `make check` has time for.
CHECK_TESTS += tests/usage/stacks.sh
SOAK_DEPS  += build/tests/usage_map
SOAK_TESTS += tests/usage/stacks_soak.sh
FUZZ_SRCS_fuzz_usage := tests/fuzz_seed.c tests/lvm_image.c
FUZZ_SRCS_fuzz_lvm := tests/lvm_image.c
FUZZ_SRCS_fuzz_md := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_usage_xfs := tests/fuzz_seed.c tests/fuzz_map.c
FUZZ_SRCS_fuzz_usage_ntfs := tests/fuzz_seed.c tests/fuzz_map.c
FUZZ_SRCS_fuzz_usage_btrfs := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_usage_exfat := tests/fuzz_seed.c tests/fuzz_map.c
FUZZ_SRCS_fuzz_usage_f2fs := tests/fuzz_seed.c tests/fuzz_map.c

# The target libvirt, called by a program of its own, against a daemon that the tests start.
LIBVIRT_WRAPS := virDomainDefineXMLFlags virDomainCreateWithFlags virDomainBlockCopy virDomainBlockJobAbort \
    virDomainDestroy virDomainUndefineFlags virDomainSetAutostart virNetworkCreateXML virNetworkDestroy \
    virStorageVolCreateXML
TEST_TOOLS += tests/libvirt_target
TOOL_SRCS_tests/libvirt_target = tests/targets/libvirt_target.c $(TARGET_TEST_SRCS) replica/state/step.c
TOOL_LIBS_tests/libvirt_target = $(TARGET_TEST_LIBS) $(LIBVIRT_WRAPS:%=-Wl,--wrap=%)
CHECK_DEPS  += build/tests/libvirt_target
CHECK_MACHINES += tests/targets/libvirt.sh tests/targets/libvirt-system.sh
E2E_DEPS    += build/tests/libvirt_target build/tests/target_driver
E2E_TESTS   += tests/targets/libvirt-killed.sh tests/targets/restarted.sh tests/targets/systemd.sh
TEST_SRCS_test_libvirt = $(TARGET_TEST_SRCS) replica/state/step.c tests/unit/store_files.c
TEST_LIBS_test_libvirt = $(TARGET_TEST_LIBS)
FUZZ_SRCS_fuzz_libvirt := $(addprefix replica/targets/,$(addprefix libvirt_,address.c caps.c copies.c lasting.c png.c \
    tree.c uri.c user.c xml.c) user_net.c) finalize/core/text.c replica/state/file.c replica/state/reason.c
FUZZ_LIBS_fuzz_libvirt = $(LIBVIRT_LIBS)

# Stories of failovers, each with a real guest: a BIOS, LVM with XFS, and Btrfs in make check, all of them by themselves,
# and once more with the server killed everywhere.
STORIES     := $(filter-out %/lib.sh %/kills.sh %/killed.sh,$(sort $(wildcard tests/stories/*.sh)))
KILLED      := planned unplanned tests unproven libvirt
TEST_TOOLS  += tests/stops/bootferry tests/stops/bootferryd
STOPS       := tests/stories/stops.c
TOOL_SRCS_tests/stops/bootferry  = $(BOOTFERRY_SRCS:replica/state/step.c=$(STOPS))
TOOL_LIBS_tests/stops/bootferry  = $(BOOTFERRY_LIBS)
TOOL_SRCS_tests/stops/bootferryd = $(BOOTFERRYD_SRCS:replica/state/step.c=$(STOPS))
TOOL_LIBS_tests/stops/bootferryd = $(BOOTFERRYD_LIBS)
STORY_DEPS  := $(addprefix build/tests/stops/,bootferry bootferryd)
CHECK_MACHINES += $(addprefix tests/stories/,planned.sh unplanned.sh tests.sh)
