// SPDX-License-Identifier: Apache-2.0
// Which program starts the system's services. /sbin/init decides where it is a link; else what an
// init needs beside itself.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

// Words of the link's target.
static const struct {
    const char *word;
    enum bf_init init;
} targets[] = {
    {"systemd", BF_INIT_SYSTEMD}, {"openrc", BF_INIT_OPENRC},     {"runit", BF_INIT_RUNIT},
    {"upstart", BF_INIT_UPSTART}, {"sysvinit", BF_INIT_SYSVINIT}, {"dinit", BF_INIT_OTHER},
    {"s6", BF_INIT_OTHER},        {"shepherd", BF_INIT_OTHER},
};

// What is there, from the one that says most. busybox and sysvinit start OpenRC from inittab.
static const struct {
    const char *path;
    enum bf_init init;
} parts[] = {
    {"/usr/lib/systemd/systemd", BF_INIT_SYSTEMD},
    {"/lib/systemd/systemd", BF_INIT_SYSTEMD},
    {"/sbin/openrc-init", BF_INIT_OPENRC},
    {"/sbin/openrc", BF_INIT_OPENRC},
    {"/usr/sbin/openrc", BF_INIT_OPENRC},
    {"/etc/runlevels", BF_INIT_OPENRC},
    {"/etc/runit/runsvdir", BF_INIT_RUNIT},
    {"/sbin/runit-init", BF_INIT_RUNIT},
    {"/etc/init/rc.conf", BF_INIT_UPSTART}, // Ubuntu, RHEL 6
    {"/etc/init/rc-sysinit.conf", BF_INIT_UPSTART},
    {"/etc/init/rcS.conf", BF_INIT_UPSTART},
    {"/etc/inittab", BF_INIT_SYSVINIT},
    {"/etc/rc.d/rc.M", BF_INIT_SYSVINIT},
};

void bf_inspect_init(struct bf_fin *f)
{
    enum bf_init *init = &f->system.init;
    char *link = bf_fin_root_readlink(f->root, "/sbin/init");
    for (size_t i = 0; link && i < BF_COUNT(targets) && *init == BF_INIT_UNKNOWN; i++)
        if (strstr(link, targets[i].word))
            *init = targets[i].init;
    bool busybox = link && strstr(link, "busybox");
    for (size_t i = 0; i < BF_COUNT(parts) && *init == BF_INIT_UNKNOWN; i++)
        if (!(busybox && parts[i].init == BF_INIT_SYSTEMD) &&
            bf_fin_root_exists(f->root, parts[i].path))
            *init = parts[i].init;
    free(link);
}
