# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/compress.c migrate/link.c migrate/receiver.c migrate/receiver_copy.c \
    migrate/receiver_seal.c
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c
MIGRATE_SRCS += migrate/disk_plan.c
MIGRATE_SRCS += migrate/report.c migrate/announce.c
