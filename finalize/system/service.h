// SPDX-License-Identifier: Apache-2.0
// Which services a guest starts.
#ifndef BF_FINALIZE_SYSTEM_SERVICE_H
#define BF_FINALIZE_SYSTEM_SERVICE_H

#include "finalize/core/root.h"

// Whether a unit of systemd is enabled, by a link in a .wants directory. The link's target is the
// unit in /usr, which a minimal tree may lack: the link alone counts.
bool bf_service_enabled(const struct bf_fin_root *root, const char *unit);

#endif
