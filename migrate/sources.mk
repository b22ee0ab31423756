# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/adapt.c migrate/compress.c migrate/feed.c migrate/limit.c migrate/link.c \
    migrate/judge.c migrate/progress.c migrate/receiver.c migrate/receiver_copy.c \
    migrate/receiver_found.c migrate/receiver_seal.c migrate/sender.c migrate/sender_asleep.c \
    migrate/sender_base.c \
    migrate/sender_copy.c migrate/sender_data.c migrate/sender_errors.c migrate/sender_found.c \
    migrate/sender_session.c migrate/workers.c
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c
MIGRATE_SRCS += migrate/disk_plan.c migrate/feed_errors.c migrate/unseen.c
MIGRATE_SRCS += migrate/report.c migrate/announce.c
COLD_SRCS    += $(addprefix migrate/,announce.c disk_plan.c feed_errors.c judge.c progress.c report.c sender_errors.c \
    unseen.c)
