# SPDX-License-Identifier: Apache-2.0
# The replica server and the operator's command. REPLICA_SRCS is what both are made of and what
# tests link; the main files are apart.

# the store: state directory, database, storage daemon, points and images. step.c is apart because
# tests bring their own.
REPLICA_STORE_SRCS := $(addprefix replica/, \
    db.c db_found.c db_jobs.c db_machines.c db_points.c db_unreadable.c export_file.c image.c image_export.c \
    image_object.c image_verify.c layers.c nbd.c process.c qcow2.c qsd.c ranges.c readback.c reason.c recover.c \
    spans.c sql.c state.c store.c store_figures.c store_grow.c store_open.c store_recover.c \
    store_seal.c store_verify.c store_worker.c wait.c working.c working_header.c)

# files and certificates of the operator, boot media
REPLICA_PKI_SRCS   := $(addprefix replica/,file.c kex.c kex_provider.c pki.c pki_x509.c)
REPLICA_MEDIA_SRCS := $(addprefix replica/,child.c media.c media_config.c media_image.c media_names.c media_key.c media_refusals.c memory_file.c pe.c)
$(patsubst %,build/%/replica/media_refusals.o,linux asan fuzz cov): $(REFUSALS)

REPLICA_SRCS := $(REPLICA_STORE_SRCS) replica/step.c $(REPLICA_PKI_SRCS)
REPLICA_LIBS := -lnbd -lsqlite3 -ljansson -lssl -lcrypto

# what the command and the daemon say
REPLICA_TEXT_SRCS := $(addprefix replica/,found_text.c owner.c point_grew.c text.c)

# the operator's command, with the finalizer's runner
BOOTFERRY_SRCS = $(REPLICA_SRCS) $(REPLICA_MEDIA_SRCS) $(REPLICA_TEXT_SRCS) $(addprefix replica/, \
    cli.c cli_accept.c cli_commands.c cli_export.c cli_finalize.c cli_found.c cli_help.c cli_init.c cli_interrupt.c \
    cli_machine.c cli_main.c cli_media.c cli_out.c \
    cli_points.c cli_progress.c cli_status.c cli_unwritten.c cli_verify.c control.c) \
    $(FINALIZE_RUN)
BOOTFERRY_LIBS = $(REPLICA_LIBS) $(FINALIZE_RUN_LIBS)

# the daemon
BOOTFERRYD_SRCS := $(REPLICA_SRCS) $(REPLICA_TEXT_SRCS) $(addprefix replica/, \
    address.c daemon.c daemon_accept.c daemon_admit.c daemon_conn.c daemon_control.c \
    daemon_disks.c daemon_events.c daemon_found.c daemon_hangs.c daemon_inventory.c daemon_lanes.c daemon_plan.c \
    daemon_session.c daemon_status.c daemon_stop.c daemon_unwritten.c daemon_wait.c door.c door_guests.c \
    door_handshake.c listen.c tls_server.c)
