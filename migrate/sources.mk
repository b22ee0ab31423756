# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/adapt.c migrate/compress.c migrate/feed.c migrate/limit.c migrate/channel.c \
    migrate/judge.c migrate/progress.c migrate/receiver.c migrate/receiver_copy.c \
    migrate/receiver_fail.c migrate/receiver_found.c migrate/receiver_seal.c migrate/sender.c migrate/workers.c
MIGRATE_SRCS += \
    migrate/copy.c migrate/copy_answer.c migrate/copy_asleep.c migrate/copy_class.c \
    migrate/copy_data.c migrate/copy_errors.c migrate/copy_found.c migrate/remote.c \
    migrate/remote_base.c migrate/remote_data.c migrate/remote_frames.c migrate/remote_channel.c \
    migrate/remote_store.c
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c migrate/zstd_absent.c
MIGRATE_SRCS += migrate/zstd_absent.c
MIGRATE_SRCS += migrate/disk_plan.c migrate/feed_errors.c migrate/unseen.c
MIGRATE_SRCS += migrate/report.c migrate/announce.c
COLD_SRCS    += \
    migrate/announce.c migrate/disk_plan.c migrate/feed_errors.c migrate/judge.c \
    migrate/progress.c migrate/report.c migrate/copy_answer.c migrate/copy_asleep.c \
    migrate/copy_errors.c migrate/copy_found.c migrate/remote.c migrate/remote_frames.c \
    migrate/remote_channel.c migrate/sender.c migrate/unseen.c migrate/zstd_absent.c
