// SPDX-License-Identifier: Apache-2.0
// Which services a system starts, by the links and files that its init reads.
#ifndef BF_FINALIZE_SYSTEM_SERVICE_H
#define BF_FINALIZE_SYSTEM_SERVICE_H

#include "finalize/core/root.h"
#include "finalize/system/fin.h"

// The folders of the run levels whose S links SysV's init follows, ended by NULL.
extern const char *const bf_sysv_folders[];

// Whether a unit is a link to /dev/null in /etc/systemd/system, so that it never starts.
bool bf_service_masked(const struct bf_fin_root *root, const char *unit);

// Whether a unit of systemd is wanted or required by another one, and not masked. `unit` has its
// suffix: "networking.service".
bool bf_service_enabled(const struct bf_fin_root *root, const char *unit);

// Whether the system's own init starts the service at boot: a unit of systemd, a service of an
// OpenRC runlevel or of runit, a job of Upstart, an S link of SysV's run levels 2 to 5. `name` has
// no suffix: "networking".
bool bf_service_starts(const struct bf_fin *f, const char *name);

// The instances of a template that multi-user.target wants: "eth0" of a link "net@eth0.service" for
// the head "net@". Names are unescaped as systemd does it. Freed with bf_names_free(); after a
// failure the list is empty.
enum bf_err bf_service_instances(const struct bf_fin_root *root, const char *head,
                                 struct bf_names *out);

#endif
