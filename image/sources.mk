# SPDX-License-Identifier: Apache-2.0
IMAGE_SRCS   += image/block.c image/digest.c image/manifest.c image/manifest_file.c
BLAKE3_USERS := image/digest.c
IMAGE_SRCS   += image/gpt.c image/identity.c image/mbr.c image/parttab.c image/parttab_add.c
IMAGE_SRCS   += image/probe.c image/swap.c
IMAGE_SRCS   += image/usage.c image/usage_peek.c image/usage_place.c image/usage_mirror.c image/usage_scan.c image/usage_doubt.c
IMAGE_SRCS   += image/usage_array.c image/usage_choice.c image/usage_work.c
IMAGE_SRCS   += image/lvm_text.c image/usage_lvm.c image/usage_lvm_label.c image/usage_lvm_group.c
IMAGE_SRCS   += image/usage_luks.c image/usage_md.c image/usage_md_super.c
IMAGE_SRCS   += image/usage_signature.c image/usage_marks.c image/usage_note.c
IMAGE_SRCS   += image/usage_swap.c image/crc32c.c
IMAGE_SRCS   += image/usage_ext.c image/usage_ext_super.c image/usage_fat.c
IMAGE_SRCS   += image/usage_exfat.c image/usage_exfat_clusters.c image/usage_exfat_files.c
IMAGE_SRCS   += image/usage_f2fs.c image/usage_f2fs_super.c
IMAGE_SRCS   += image/usage_btrfs.c image/usage_btrfs_chunk.c image/usage_btrfs_device.c
IMAGE_SRCS   += image/usage_btrfs_sum.c image/usage_btrfs_super.c image/usage_btrfs_tree.c
IMAGE_SRCS   += image/usage_xfs.c image/usage_xfs_super.c image/usage_xfs_log.c
IMAGE_SRCS   += image/usage_xfs_free.c
IMAGE_SRCS   += image/usage_ntfs.c image/usage_ntfs_check.c
IMAGE_SRCS   += image/usage_ntfs_record.c image/usage_ntfs_state.c

# The maps of what is used are waited for by the disk, but for the sums over blocks.
COLD_SRCS += \
    image/gpt.c image/identity.c image/lvm_text.c image/parttab.c image/probe.c image/swap.c \
    $(filter-out image/usage_btrfs_sum.c,$(filter image/usage%,$(IMAGE_SRCS)))
