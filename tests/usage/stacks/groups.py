# SPDX-License-Identifier: Apache-2.0
"""LVM2 by its own tool, without device-mapper: groups, and where their volumes lie."""
import json
import os

from disk import MIB, Place, run

CONFIG = """devices {{ use_devicesfile=0 dir="/dev" scan_lvs=0 obtain_device_list_from_udev=0
 external_device_info_source="none" filter=["a|^{device}$|","r|.*|"] }}
backup {{ backup=0 archive=0 }}
"""


def lvm(work, device, command, *options):
    """Only this device exists for it."""
    folder = os.path.join(work.folder, "lvm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lvm.conf"), "w") as f:
        f.write(CONFIG.format(device=device))
    return run("lvm", command, "--driverloaded", "n", *options,
               env=os.environ | {"LVM_SYSTEM_DIR": folder, "LVM_SUPPRESS_FD_WARNINGS": "1"})


def volumes(work, device):
    """A group with two volumes on the device: their places on the disk."""
    lvm(work, device, "pvcreate", "-y", "-ff", device)
    name = f"group{work.place.first}"
    lvm(work, device, "vgcreate", "-y", "-s", "1m", name, device)
    extents = work.place.bytes // MIB - 4
    lvm(work, device, "lvcreate", "-y", "-an", "-Zn", "-Wn", "-n", "one", "-l", extents * 3 // 5, name)
    lvm(work, device, "lvcreate", "-y", "-an", "-Zn", "-Wn", "-n", "two", "-l", extents // 5, name)
    text = lvm(work, device, "pvs", "--segments", "--reportformat", "json", "--units", "b", "--nosuffix", "-o",
               "lv_name,pvseg_start,pvseg_size,pe_start", device)
    return [Place(work.place.first + int(s["pe_start"]) + int(s["pvseg_start"]) * MIB, int(s["pvseg_size"]) * MIB,
                  f"volume {s['lv_name']}")
            for s in json.loads(text)["report"][0]["pvseg"] if s["lv_name"]]
