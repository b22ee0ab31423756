# SPDX-License-Identifier: Apache-2.0
# The replica server and the operator's command. REPLICA_SRCS is what both are made of and what
# tests link; the main files are apart.

# the store: state directory, database, storage daemon, points and images. step.c is apart because
# tests bring their own.
REPLICA_STORE_SRCS := \
    replica/db.c replica/db_found.c replica/db_jobs.c replica/db_machines.c replica/db_points.c \
    replica/db_unreadable.c replica/export_file.c replica/image.c replica/image_export.c \
    replica/image_object.c replica/image_verify.c replica/layers.c replica/nbd.c \
    replica/process.c replica/qcow2.c replica/qsd.c replica/ranges.c replica/readback.c \
    replica/reason.c replica/recover.c replica/spans.c replica/sql.c replica/state.c \
    replica/store.c replica/store_figures.c replica/store_grow.c replica/store_open.c \
    replica/store_recover.c replica/store_seal.c replica/store_verify.c replica/store_worker.c \
    replica/wait.c replica/working.c replica/working_header.c

# files and certificates of the operator, boot media
REPLICA_PKI_SRCS   := \
    replica/file.c replica/kex.c replica/kex_provider.c replica/pki.c replica/pki_x509.c
REPLICA_MEDIA_SRCS := \
    replica/child.c replica/media.c replica/media_config.c replica/media_image.c \
    replica/media_names.c replica/media_key.c replica/media_refusals.c replica/memory_file.c \
    replica/pe.c
$(patsubst %,build/%/replica/media_refusals.o,linux asan fuzz cov): $(REFUSALS)

REPLICA_SRCS := $(REPLICA_STORE_SRCS) replica/step.c $(REPLICA_PKI_SRCS)
REPLICA_LIBS := -lnbd -lsqlite3 -ljansson -lssl -lcrypto

# what the command and the daemon say
REPLICA_TEXT_SRCS := \
    replica/found_text.c replica/owner.c replica/point_grew.c replica/text.c

# the operator's command, with the finalizer's runner
BOOTFERRY_SRCS = $(REPLICA_SRCS) $(REPLICA_MEDIA_SRCS) $(REPLICA_TEXT_SRCS) \
    replica/cli.c replica/cli_accept.c replica/cli_commands.c replica/cli_export.c \
    replica/cli_finalize.c replica/cli_found.c replica/cli_help.c replica/cli_init.c \
    replica/cli_interrupt.c replica/cli_machine.c replica/cli_main.c replica/cli_media.c \
    replica/cli_out.c replica/cli_points.c replica/cli_progress.c replica/cli_status.c \
    replica/cli_unwritten.c replica/cli_verify.c replica/control.c \
    $(FINALIZE_RUN)
BOOTFERRY_LIBS = $(REPLICA_LIBS) $(FINALIZE_RUN_LIBS)

# the daemon
BOOTFERRYD_SRCS := $(REPLICA_SRCS) $(REPLICA_TEXT_SRCS) \
    replica/address.c replica/daemon.c replica/daemon_accept.c replica/daemon_admit.c \
    replica/daemon_conn.c replica/daemon_control.c replica/daemon_disks.c \
    replica/daemon_events.c replica/daemon_found.c replica/daemon_hangs.c \
    replica/daemon_inventory.c replica/daemon_lanes.c replica/daemon_plan.c \
    replica/daemon_session.c replica/daemon_status.c replica/daemon_stop.c \
    replica/daemon_unwritten.c replica/daemon_wait.c replica/door.c replica/door_guests.c \
    replica/door_handshake.c replica/listen.c replica/tls_server.c
