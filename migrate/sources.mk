# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/adapt.c migrate/compress.c migrate/feed.c migrate/limit.c migrate/channel.c \
    migrate/judge.c migrate/progress.c migrate/receiver.c migrate/receiver_copy.c \
    migrate/receiver_fail.c migrate/receiver_found.c migrate/receiver_seal.c migrate/sender.c migrate/workers.c
MIGRATE_SRCS += $(addprefix migrate/,copy.c copy_answer.c copy_asleep.c copy_class.c copy_data.c copy_errors.c copy_found.c \
    remote.c remote_base.c remote_data.c remote_frames.c remote_channel.c remote_store.c)
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c migrate/zstd_absent.c
MIGRATE_SRCS += migrate/zstd_absent.c
MIGRATE_SRCS += migrate/disk_plan.c migrate/feed_errors.c migrate/unseen.c
MIGRATE_SRCS += migrate/report.c migrate/announce.c
COLD_SRCS    += $(addprefix migrate/,announce.c disk_plan.c feed_errors.c judge.c progress.c report.c copy_answer.c copy_asleep.c \
    copy_errors.c copy_found.c remote.c remote_frames.c remote_channel.c sender.c unseen.c zstd_absent.c)
