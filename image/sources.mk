# SPDX-License-Identifier: Apache-2.0
IMAGE_SRCS   += image/block.c image/digest.c image/manifest.c image/manifest_file.c
BLAKE3_USERS := image/digest.c
IMAGE_SRCS   += image/gpt.c image/identity.c image/mbr.c image/parttab.c image/parttab_add.c
IMAGE_SRCS   += image/probe.c image/swap.c
IMAGE_SRCS   += image/usage/usage.c image/usage/peek.c image/usage/place.c image/usage/mirror.c image/usage/scan.c image/usage/doubt.c
IMAGE_SRCS   += image/usage/array.c image/usage/choice.c image/usage/work.c
IMAGE_SRCS   += image/usage/lvm/text.c image/usage/lvm/map.c image/usage/lvm/label.c image/usage/lvm/group.c
IMAGE_SRCS   += image/usage/luks.c image/usage/md/map.c image/usage/md/super.c
IMAGE_SRCS   += image/usage/signature.c image/usage/marks.c image/usage/note.c
IMAGE_SRCS   += image/usage/swap.c image/crc32c.c
IMAGE_SRCS   += image/usage/ext/map.c image/usage/ext/super.c image/usage/fat.c
IMAGE_SRCS   += image/usage/exfat/map.c image/usage/exfat/clusters.c image/usage/exfat/files.c
IMAGE_SRCS   += image/usage/f2fs/map.c image/usage/f2fs/super.c
IMAGE_SRCS   += image/usage/btrfs/map.c image/usage/btrfs/chunk.c image/usage/btrfs/device.c
IMAGE_SRCS   += image/usage/btrfs/sum.c image/usage/btrfs/super.c image/usage/btrfs/tree.c
IMAGE_SRCS   += image/usage/xfs/map.c image/usage/xfs/super.c image/usage/xfs/log.c
IMAGE_SRCS   += image/usage/xfs/free.c
IMAGE_SRCS   += image/usage/ntfs/map.c image/usage/ntfs/check.c
IMAGE_SRCS   += image/usage/ntfs/record.c image/usage/ntfs/state.c

# The maps of what is used are waited for by the disk, but for the sums over blocks.
COLD_SRCS += \
    image/gpt.c image/identity.c image/mbr.c image/parttab.c image/parttab_add.c \
    image/probe.c image/swap.c \
    $(filter-out image/usage/btrfs/sum.c,$(filter image/usage/%,$(IMAGE_SRCS)))
