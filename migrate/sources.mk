# SPDX-License-Identifier: Apache-2.0
MIGRATE_SRCS := migrate/compress.c
LZ4_USERS    := migrate/compress.c
ZSTD_USERS   := migrate/compress.c
