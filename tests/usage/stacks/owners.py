# SPDX-License-Identifier: Apache-2.0
"""What may own a place: the real mkfs tools, each with the options that change what it writes, and
how files come on it. An owner is a function (work, device) -> folder of the files that are on it, or
None; the table at the end says what each needs."""
import os
import shutil
from collections import namedtuple

import files
from disk import MIB, SECTOR, Failed, have, mounted, run

Owner = namedtuple("Owner", "make tool least weight")


class Work:
    """What a maker may use: chances, the place, the disk's block size, and a folder for what it makes."""

    def __init__(self, rng, folder, place, block, log):
        self.rng, self.folder, self.place, self.block, self.log = rng, folder, place, block, log
        self.snapshot = None  # takes the disk as it is now, while the file system on it is in use

    def new(self, name):
        """A path that nothing had so far: the files of one owner are not those of the next."""
        number = 0
        while os.path.lexists(path := os.path.join(self.folder, f"{name}-{number}")):
            number += 1
        return path

    def tree(self, share=12, most=4 * MIB):
        folder = self.new("tree")
        files.tree(self.rng, folder, min(self.place.bytes // share, most))
        return folder

    def some(self, *options):
        """One of these; each is a list or a word."""
        chosen = self.rng.choice(options)
        chosen = chosen.split() if isinstance(chosen, str) else list(chosen)
        if chosen:
            self.log(" ".join(chosen))
        return chosen


def age(work, folder, tree, remove):
    """Through a mounted file system: files come, some go, others come."""
    shutil.copytree(tree, folder, dirs_exist_ok=True)
    if not remove:
        return
    os.sync()
    for where, _, names in os.walk(tree):
        for name in sorted(names):
            if work.rng.random() < 0.3:
                path = os.path.join(where, name)
                os.unlink(path)
                os.unlink(os.path.join(folder, os.path.relpath(path, tree)))


def in_use(work, folder):
    """The disk is taken while some of what is written has only reached the journal or nothing at all."""
    os.sync()
    files.tree(work.rng, os.path.join(folder, "late"), 300000)
    if work.rng.random() < 0.7:
        with open(os.path.join(folder, "late", "last"), "wb") as f:
            f.write(work.rng.randbytes(5000))
            os.fsync(f.fileno())
    work.log("(in use)")
    work.snapshot()


def through_mount(work, device, kind, options, share=12):
    tree = work.tree(share)
    try:
        with mounted(device, work.new("mount"), kind, options) as folder:
            age(work, folder, tree, work.rng.random() < 0.5)
            if work.rng.random() < 0.12 and kind != "exfat":
                in_use(work, folder)
    except (Failed, OSError) as fault:
        work.log(f"(without files: {str(fault)[-60:]!r})")
        return None
    return tree


# ---- What gets maps ----------------------------------------------------------------------------

def ext(work, device):
    tree = work.tree()
    kind, features = work.rng.choice([
        ("ext2", ""), ("ext3", ""), ("ext4", ""), ("ext4", ""), ("ext4", "-O bigalloc"), ("ext4", "-O ^has_journal"),
        ("ext4", "-O ^metadata_csum,uninit_bg"), ("ext4", "-O ^64bit,^flex_bg"), ("ext4", "-O meta_bg,^resize_inode"),
        ("ext4", "-O sparse_super2"), ("ext4", "-O inline_data"), ("ext4", "-O quota,project"), ("ext4", "-O mmp"),
        ("ext4", "-O ^sparse_super,^resize_inode"), ("ext2", "-I 128"), ("ext4", "-O casefold"),
        ("ext3", "-O dir_index")])
    block = work.rng.choice(["-b 1024", "-b 4096", "-b 4096", "-b 2048", ""]) if work.block == SECTOR else ""
    discard = work.rng.choice(["-E nodiscard", "-E discard", "-E nodiscard,lazy_itable_init=1",
                               "-E nodiscard,lazy_itable_init=0"])
    options = f"-t {kind} {features} {block} {discard}".split()
    work.log(" ".join(options))
    command = ["mke2fs", "-q", "-F", *options, "-d", tree]
    if work.rng.random() < 0.2:  # smaller than its place
        run(*command, device, f"{work.place.bytes * work.rng.randint(60, 99) // 100 // 1024}k")
        work.log("(smaller)")
    else:
        run(*command, device)
    gone = [n for n in sorted(os.listdir(tree)) if n.startswith("file") and work.rng.random() < 0.3]
    for name in gone:
        os.unlink(os.path.join(tree, name))
    run("debugfs", "-w", "-f", "-", device, text="".join(f"rm /{n}\n" for n in gone))
    return tree


def xfs(work, device):
    options = ["-f", "-q"] + work.some("", "-K", "-K")
    options += work.some("", "", "-m reflink=0", "-m rmapbt=1", "-m finobt=0,reflink=0", "-m crc=0", "-i sparse=0",
                         "-n size=8192")
    if work.block == SECTOR:
        options += work.some("", "", "-b size=1024", "-b size=2048")
    options += work.some("", "", "-d agcount=2", f"-d agcount={min(7, work.place.bytes // (18 * MIB)) or 1}")
    # Small ones are made for the file system's own tests only.
    small = {} if work.place.bytes >= 300 * MIB else {"TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"}
    run("mkfs.xfs", *options, device, env=os.environ | small)
    return through_mount(work, device, "xfs", "nouuid", 24)


def btrfs(work, device):
    mixed = work.place.bytes < 110 * MIB
    options = ["-f", "-q"] + work.some("", "-K", "-K")
    twice = "-d dup -m dup" if work.place.bytes > 240 * MIB else ""
    if mixed:
        options += work.some("-M", "-M -n 4096 -s 4096")
    else:
        options += work.some("", "-m single", twice, "-n 4096", "-n 65536")
    options += work.some("", "", "--csum xxhash", "-O ^no-holes", "-R ^free-space-tree")
    if work.rng.random() < 0.5:
        tree = work.tree(24)
        run("mkfs.btrfs", *options, "--rootdir", tree, device)
        return tree
    run("mkfs.btrfs", *options, device)
    tree = through_mount(work, device, "btrfs", "nodatasum" if work.rng.random() < 0.2 else "noatime", 24)
    run("btrfs", "device", "scan", "--forget", device, ok=None)
    return tree


def ntfs(work, device):
    options = work.some("", "", "-c 512" if work.block == SECTOR else "", "-c 8192", "-c 65536", "-I")
    run("mkntfs", "-F", "-Q", "-q", *options, device)
    return through_mount(work, device, "ntfs", "rw")


def fat(work, device):
    mib = work.place.bytes // MIB
    kinds = [k for k, least, most in (("-F 12", 2, 60), ("-F 16", 9, 500), ("-F 32", 34, 4000)) if least <= mib <= most]
    options = work.some(*kinds) + work.some("", "", "--mbr=y", "--mbr=n", "-f 1", "-R 64")
    run("mkfs.fat", "-I", *options, device)
    tree = work.tree()
    run("mcopy", "-s", "-Q", "-i", device, *[os.path.join(tree, n) for n in sorted(os.listdir(tree))], "::")
    gone = [n for n in sorted(os.listdir(tree)) if n.startswith("file") and work.rng.random() < 0.3]
    for name in gone:
        run("mdel", "-i", device, f"::{name}")
        os.unlink(os.path.join(tree, name))
    return tree


def exfat(work, device):
    run("mkfs.exfat", *work.some("", "-c 4096", "-c 32768", "-b 4M", "--pack-bitmap"), device)
    return through_mount(work, device, "exfat", "rw") if have("mount.exfat-fuse") else None


def f2fs(work, device):
    run("mkfs.f2fs", "-f", "-q", *work.some("", "-t 0", "-s 2", "-O extra_attr,inode_checksum,sb_checksum"), device)
    if not have("sload.f2fs"):
        return None
    tree = work.tree()
    run("sload.f2fs", "-f", tree, device)
    return tree


def swap(work, device):
    options = work.some("", "", "-f", "-p 65536", "-L label")
    run("mkswap", *options, device)
    if "-p" not in options and work.rng.random() < 0.15:
        work.log("(hibernated)")
        with open(device, "r+b") as disk:
            disk.seek(4086)
            disk.write(b"S1SUSPEND\0")


# ---- What is copied whole ----------------------------------------------------------------------

def simple(*command, options=("",), answer=None):
    def make(work, device):
        run(*command, *work.some(*options), device, text=answer)
    return make


def udf(work, device):
    media = work.some("hd", "hd", "dvd", "dvdram", "dvdrw", "worm", "mo", "cdrw", "bdr")
    run("mkudffs", f"--media-type={media[0]}", *work.some("-b 512", "-b 2048", "-b 4096", ""), device)


def into(work, device, image):
    """An image that a tool made as a file, written to the beginning of the place."""
    if os.stat(image).st_size > work.place.bytes:
        raise Failed("does not fit")
    run("dd", f"if={image}", f"of={device}", "bs=1M", "conv=notrunc", "status=none")


def iso(work, device):
    image, tree = work.new("iso"), work.tree(40)
    tool = ["genisoimage"] if work.rng.random() < 0.6 or not have("xorriso") else ["xorriso", "-as", "mkisofs"]
    options = ["-R", "-J"] + (["-udf"] if tool == ["genisoimage"] and work.rng.random() < 0.4 else [])
    if tool != ["genisoimage"] and work.rng.random() < 0.5:
        options += ["-partition_offset", "16"]
    work.log(" ".join(tool + options))
    run(*tool, "-quiet", *options, "-o", image, tree)
    into(work, device, image)
    return tree


def cramfs(work, device):
    image = work.new("cramfs")
    run("mkfs.cramfs", work.tree(40, MIB), image)
    into(work, device, image)


def erofs(work, device):
    image = work.new("erofs")
    run("mkfs.erofs", image, work.tree(40))
    into(work, device, image)


def squashfs(work, device):
    run("mksquashfs", work.tree(40), device, "-noappend", "-quiet", "-no-progress")


def luks(work, device):
    kind = work.some("--type luks1 --pbkdf-force-iterations 1000",
                     "--type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000")
    run("cryptsetup", "luksFormat", "-q", *kind, "--key-file", "/etc/hostname", device)


def verity_hash(work, device):
    data = work.new("data")
    with open(data, "wb") as f:
        f.write(work.rng.randbytes(65536))
    run("veritysetup", "format", data, device)


def bcache(work, device):
    run("wipefs", "-q", "-a", device)
    run("make-bcache", *work.some("-B", "-C"), device)


def pv(work, device):
    from groups import lvm
    lvm(work, device, "pvcreate", "-y", "-ff", device)


OWNERS = {
    "ext": Owner(ext, "mke2fs", 8, 8),
    "xfs": Owner(xfs, "mkfs.xfs", 24, 5),
    "btrfs": Owner(btrfs, "mkfs.btrfs", 24, 5),
    "ntfs": Owner(ntfs, "mkntfs", 8, 5),
    "fat": Owner(fat, "mkfs.fat", 4, 5),
    "exfat": Owner(exfat, "mkfs.exfat", 8, 4),
    "f2fs": Owner(f2fs, "mkfs.f2fs", 80, 4),
    "swap": Owner(swap, "mkswap", 1, 3),
    "jfs": Owner(simple("mkfs.jfs", "-q"), "mkfs.jfs", 17, 2),
    "nilfs2": Owner(simple("mkfs.nilfs2", "-q", "-f", "-B", "256", options=("", "-b 1024", "-K")),
                    "mkfs.nilfs2", 48, 2),
    "udf": Owner(udf, "mkudffs", 8, 4),
    "iso": Owner(iso, "genisoimage", 8, 3),
    "luks": Owner(luks, "cryptsetup", 20, 2),
    "pv": Owner(pv, "lvm", 8, 2),
    "verity": Owner(verity_hash, "veritysetup", 4, 1),
    "bcache": Owner(bcache, "make-bcache", 8, 1),
    "bfs": Owner(simple("mkfs.bfs"), "mkfs.bfs", 1, 1),
    "minix": Owner(simple("mkfs.minix", options=("-1", "-2", "-3")), "mkfs.minix", 1, 1),
    "cramfs": Owner(cramfs, "mkfs.cramfs", 4, 1),
    "erofs": Owner(erofs, "mkfs.erofs", 4, 1),
    "squashfs": Owner(squashfs, "mksquashfs", 4, 1),
    "ocfs2": Owner(simple("mkfs.ocfs2", "-q", "-M", "local", "-F", "-N", "1", "-J", "size=4M", "-C", "4096",
                          options=("-b 4096", "-b 1024"), answer="y\n"), "mkfs.ocfs2", 40, 1),
    "gfs2": Owner(simple("mkfs.gfs2", "-O", "-q", "-p", "lock_nolock", "-j", "1", "-J", "8", options=("", "-K")),
                  "mkfs.gfs2", 40, 1),
    "reiserfs": Owner(simple("mkfs.reiserfs", "-f", "-f", "-q"), "mkfs.reiserfs", 36, 1),
}
MAPPED = ("ext", "xfs", "btrfs", "ntfs", "fat", "exfat", "f2fs", "swap")
UNMAPPED = tuple(n for n in OWNERS if n not in MAPPED)


def choose(rng, bytes_, names=None):
    """The name of an owner that fits there and whose tool is here; None when there is none."""
    fit = [n for n in names or OWNERS if OWNERS[n].least * MIB <= bytes_]
    while fit:
        name = rng.choices(fit, [OWNERS[n].weight for n in fit])[0]
        if have(OWNERS[name].tool):
            return name
        fit.remove(name)
    return None


def make(name, work, device):
    work.log(name)
    return OWNERS[name].make(work, device)
