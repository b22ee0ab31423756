// SPDX-License-Identifier: Apache-2.0
// Enabled units of systemd, by their links.
#include "finalize/system/service.h"
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

bool bf_service_enabled(const struct bf_fin_root *root, const char *unit)
{
    static const char *const dir[] = {"multi-user.target.wants", "network-online.target.wants",
                                      "sysinit.target.wants", "network.target.wants"};
    char path[256];
    for (size_t i = 0; i < BF_COUNT(dir); i++) {
        snprintf(path, sizeof path, "/etc/systemd/system/%s/%s", dir[i], unit);
        char *link = bf_fin_root_readlink(root, path);
        bool found = link != NULL || bf_fin_root_exists(root, path);
        free(link);
        if (found)
            return true;
    }
    return false;
}
