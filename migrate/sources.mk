# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/remote/ladder.c migrate/compress.c migrate/copy/feed.c migrate/limit.c migrate/channel.c \
    migrate/copy/digest_stage.c migrate/progress.c migrate/receiver/receiver.c migrate/receiver/copy.c \
    migrate/receiver/fail.c migrate/receiver/found.c migrate/receiver/seal.c migrate/sender.c migrate/workers.c
MIGRATE_SRCS += \
    migrate/copy/copy.c migrate/copy/answer.c migrate/copy/asleep.c migrate/copy/class.c \
    migrate/copy/data.c migrate/copy/errors.c migrate/copy/found.c migrate/remote/remote.c \
    migrate/remote/base.c migrate/remote/data.c migrate/remote/frames.c migrate/remote/channel.c \
    migrate/remote/store.c
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c migrate/zstd_absent.c
MIGRATE_SRCS += migrate/zstd_absent.c
MIGRATE_SRCS += migrate/disk_plan.c migrate/copy/feed_errors.c migrate/unseen.c
MIGRATE_SRCS += migrate/report.c migrate/announce.c migrate/receiver/assess.c
ASSESS_SRCS  := migrate/announce_assess.c migrate/assess.c migrate/assess_link.c migrate/copy_time.c migrate/gauge.c
MIGRATE_SRCS += $(ASSESS_SRCS)
COLD_SRCS    += $(ASSESS_SRCS)
COLD_SRCS    += \
    migrate/announce.c migrate/disk_plan.c migrate/copy/feed_errors.c migrate/copy/digest_stage.c \
    migrate/progress.c migrate/report.c migrate/copy/answer.c migrate/copy/asleep.c \
    migrate/copy/errors.c migrate/copy/found.c migrate/remote/remote.c migrate/remote/frames.c \
    migrate/remote/channel.c migrate/sender.c migrate/unseen.c migrate/zstd_absent.c
LEAN_SRCS    += migrate/copy/copy.c migrate/copy/feed.c migrate/remote/base.c migrate/remote/data.c
