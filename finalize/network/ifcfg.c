// SPDX-License-Identifier: Apache-2.0
// Red Hat's ifcfg files (initscripts' sysconfig.txt, nm-settings-ifcfg-rh(5)), in
// /etc/sysconfig/network-scripts. The network service's scripts read them, or NetworkManager by its
// plugin ifcfg-rh.
#include "finalize/network/ifcfg.h"

static bool in_use(struct bf_fin *f)
{
    struct bf_ifcfg_readers r;
    bf_ifcfg_readers(f, &r);
    return r.shell || (r.nm && bf_ifcfg_any(f));
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    bf_ifcfg_scan(f, net, &bf_ifcfg);
}

const struct bf_stack_ops bf_ifcfg = {
    .name = "ifcfg",
    .title = "ifcfg files",
    .in_use = in_use,
    .scan = scan,
    .adapt = bf_ifcfg_adapt,
};
