# SPDX-License-Identifier: Apache-2.0
# The replica server and the operator's command. REPLICA_SRCS is what both are made of and what
# tests link; the main files are apart.

# the store: state directory, database, storage daemon, points and images. step.c is apart because
# tests bring their own.
REPLICA_STORE_SRCS := \
    replica/state/db.c replica/state/db_failovers.c replica/state/db_fences.c replica/state/db_found.c replica/state/db_jobs.c replica/state/db_machines.c replica/state/db_points.c \
    replica/state/db_unreadable.c replica/points/export_file.c replica/points/image.c replica/points/export.c \
    replica/points/inventory.c replica/points/object.c replica/points/verify.c replica/points/layers.c replica/qemu/nbd.c \
    replica/qemu/process.c replica/qemu/qcow2.c replica/qemu/qsd.c replica/store/ranges.c replica/qemu/readback.c \
    replica/state/reason.c replica/points/recover.c replica/state/spans.c replica/state/sql.c replica/state/state.c replica/state/text.c \
    replica/store/store.c replica/store/figures.c replica/store/grow.c replica/store/open.c \
    replica/store/recover.c replica/store/seal.c replica/store/verify.c replica/store/worker.c \
    replica/state/wait.c replica/store/working.c replica/store/working_header.c

# files and certificates of the operator, boot media
REPLICA_PKI_SRCS   := \
    replica/state/file.c replica/pki/kex.c replica/pki/kex_provider.c replica/pki/ca.c replica/pki/x509.c
REPLICA_MEDIA_SRCS := \
    replica/media/child.c replica/media/media.c replica/media/config.c replica/media/image.c \
    replica/media/names.c replica/media/key.c replica/media/refusals.c replica/media/memory_file.c \
    replica/media/pe.c
$(patsubst %,build/%/replica/media/refusals.o,linux asan fuzz cov): $(REFUSALS)

REPLICA_SRCS := $(REPLICA_STORE_SRCS) replica/state/step.c $(REPLICA_PKI_SRCS)
REPLICA_LIBS := -lnbd -lsqlite3 -ljansson -lssl -lcrypto

# what comes from inside a machine in its new home
REPLICA_EVIDENCE_SRCS := replica/jobs/console.c replica/jobs/evidence.c replica/jobs/judge.c replica/jobs/plain.c

# The target libvirt: its files, or one that says that it was left out (make LIBVIRT=no), for those
# who build without libvirt's development files.
LIBVIRT ?= yes
LIBVIRT_SRCS := $(addprefix replica/targets/libvirt,.c _address.c _agent.c _caps.c _check.c _connect.c _copies.c \
    _copy.c _disks.c _domain.c _files.c _host.c _lasting.c _net.c _picture.c _png.c _tree.c _uri.c _user.c _volumes.c _xml.c)
LIBVIRT_LIBS := -lvirt -lvirt-qemu -lxml2 -lpng
XML_USERS    := $(addprefix replica/targets/libvirt,_caps.c _lasting.c _tree.c _xml.c)
$(foreach s,$(XML_USERS),$(eval CFLAGS_$(s) := -isystem /usr/include/libxml2))
ifneq ($(LIBVIRT),yes)
LIBVIRT_SRCS := replica/targets/libvirt_absent.c
LIBVIRT_LIBS :=
endif

# what the command and the daemon say
REPLICA_TEXT_SRCS := \
    replica/points/found_text.c replica/state/owner.c replica/points/grew.c

# the new machines of failovers, wherever they are made
REPLICA_TARGET_SRCS := \
    replica/qemu/lines.c replica/qemu/qga.c replica/qemu/qmp.c replica/qemu/vm_files.c $(LIBVIRT_SRCS) \
    $(filter-out replica/targets/libvirt%,$(sort $(wildcard replica/targets/*.c)))

# jobs: the finalizer over a point, failovers
REPLICA_JOBS_SRCS := replica/points/source.c $(sort $(wildcard replica/jobs/*.c))

# the operator's command, with the finalizer's runner
BOOTFERRY_SRCS = $(REPLICA_SRCS) $(REPLICA_MEDIA_SRCS) $(REPLICA_TEXT_SRCS) $(REPLICA_TARGET_SRCS) \
    replica/cli/cli.c replica/cli/accept.c replica/cli/assess.c replica/cli/commands.c replica/cli/duration.c replica/cli/export.c replica/cli/failover.c \
    replica/cli/fence.c replica/cli/finalize.c replica/cli/finalizer.c replica/cli/found.c replica/cli/help.c replica/cli/init.c \
    replica/cli/interrupt.c replica/cli/job_view.c replica/cli/jobs.c replica/cli/machine.c replica/cli/main.c replica/cli/media.c \
    replica/cli/out.c replica/cli/plan.c replica/cli/plan_sheet.c replica/cli/points.c replica/cli/progress.c replica/cli/projected.c replica/cli/status.c \
    replica/cli/unwritten.c replica/cli/verify.c replica/cli/wish.c replica/state/ask.c \
    $(REPLICA_JOBS_SRCS) $(FINALIZE_RUN)
BOOTFERRY_LIBS = $(REPLICA_LIBS) $(FINALIZE_RUN_LIBS) $(LIBVIRT_LIBS)

# the daemon
BOOTFERRYD_SRCS := $(REPLICA_SRCS) $(REPLICA_TEXT_SRCS) \
    replica/daemon/address.c replica/daemon/daemon.c replica/daemon/accept.c replica/daemon/admit.c replica/daemon/assess.c \
    replica/daemon/conn.c replica/daemon/control.c replica/daemon/disks.c \
    replica/daemon/events.c replica/daemon/found.c replica/daemon/hangs.c \
    replica/daemon/inventory.c replica/daemon/lanes.c replica/daemon/plan.c \
    replica/daemon/session.c replica/daemon/status.c replica/daemon/stop.c \
    replica/daemon/unwritten.c replica/daemon/wait.c replica/daemon/door.c replica/daemon/door_guests.c \
    replica/daemon/door_handshake.c replica/daemon/listen.c replica/daemon/tls_server.c \
    replica/daemon/reports.c replica/daemon/reports_http.c $(addprefix replica/jobs/,boot.c folder.c reported.c rules.c spawn.c wanted.c)
BOOTFERRYD_LIBS := $(REPLICA_LIBS) -lmicrohttpd
MICROHTTPD_USERS := replica/daemon/reports_http.c
