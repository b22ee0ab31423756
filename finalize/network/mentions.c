// SPDX-License-Identifier: Apache-2.0
// Looks through the guest's configuration for what it still says of the old network and of disks by
// their old names: listen addresses, firewalls, certificates, exports, filters of LVM. Nothing of
// it is touched, since only an administrator knows what it should be; all of it is listed with file
// and line. The search has a budget of its own: what it does not get to is said, and refuses
// nothing.
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/network/mention.h"
#include "finalize/network/steps.h"

#define FILE_CAP  ((size_t)1 << 20)
#define DEPTH_MAX 8
#define NOTES_MAX 100
#define ROOT_HOME "/root" // of the guest

struct search {
    struct bf_fin *f;
    const struct bf_old *old;
    struct bf_budget budget;
    size_t notes, more; // listed; found beyond
};

// Where services keep their configuration, as fnmatch patterns of a file's path.
static const char *const places[] = {
    "/etc/*",
    "/usr/local/etc/*",
    "/opt/*.conf",
    "/opt/*.cfg",
    "/opt/*.ini",
    "/opt/*.y*ml",
    "/opt/*.properties",
    "/var/lib/kubelet/*.yaml",
    "/var/lib/kubelet/*.env",
    "/var/lib/pgsql/*.conf",
    "/var/lib/postgresql/*.conf",
    "/var/lib/rancher/*.yaml",
    "/var/lib/iscsi/*",
    "/var/spool/cron/*",
    ROOT_HOME "/.kube/config",
};
static const char *const folders[] = {
    "/etc",
    "/usr/local/etc",
    "/opt",
    "/var/lib/kubelet",
    "/var/lib/pgsql",
    "/var/lib/postgresql",
    "/var/lib/rancher",
    "/var/lib/iscsi",
    "/var/spool/cron",
    ROOT_HOME "/.kube",
};

// What is no reader's configuration, or is rewritten and reported elsewhere.
static const char *const skipped[] = {
    "*~",
    "*.dpkg-old",
    "*.dpkg-dist",
    "*.dpkg-new",
    "*.rpmsave",
    "*.rpmnew",
    "*.pacnew",
    "*.bin",
    "/etc/services",
    "/etc/protocols",
    "/etc/mime.types",
    "/etc/bootferry*",
    "/etc/fstab",
    "/etc/crypttab",
    "/etc/default/grub*",
    "/etc/kernel/*",
    "/etc/ssl/certs/*",
    "/etc/ca-certificates*",
    "/etc/pki/ca-trust/*",
    "/etc/udev/hwdb.d/*",
    "/etc/alternatives/*",
};

// Whose file it is, for people; the first that fits.
static const struct {
    const char *path, *whose;
} owner[] = {
    {"/etc/ssh/*", "SSH"},
    {"/etc/nftables*", "nftables"},
    {"/etc/iptables*", "iptables"},
    {"/etc/sysconfig/ip*tables*", "iptables"},
    {"/etc/firewalld/*", "firewalld"},
    {"/etc/ufw/*", "ufw"},
    {"/etc/shorewall*", "Shorewall"},
    {"/etc/wireguard/*", "WireGuard"},
    {"/etc/openvpn/*", "OpenVPN"},
    {"/etc/ipsec*", "IPsec"},
    {"/etc/swanctl/*", "IPsec"},
    {"/etc/sysctl*", "sysctl"},
    {"/etc/tuned/*", "tuned"},
    {"/etc/corosync/*", "Corosync"},
    {"/etc/keepalived/*", "keepalived"},
    {"/etc/haproxy/*", "HAProxy"},
    {"/etc/nginx/*", "nginx"},
    {"/etc/apache2/*", "Apache"},
    {"/etc/httpd/*", "Apache"},
    {"/etc/exports*", "NFS exports"},
    {"/etc/auto*", "the automounter"},
    {"/etc/iscsi/*", "iSCSI"},
    {"/etc/target/*", "iSCSI target"},
    {"/var/lib/iscsi/*", "iSCSI"},
    {"/etc/ceph/*", "Ceph"},
    {"/etc/kubernetes/*", "Kubernetes"},
    {"/var/lib/kubelet/*", "kubelet"},
    {"/var/lib/rancher/*", "Rancher"},
    {ROOT_HOME "/.kube/*", "kubectl"},
    {"/etc/docker/*", "Docker"},
    {"/etc/containers/*", "containers"},
    {"/etc/postgresql/*", "PostgreSQL"},
    {"/var/lib/p*g*sql/*", "PostgreSQL"},
    {"/var/lib/postgresql/*", "PostgreSQL"},
    {"/etc/mysql/*", "MySQL"},
    {"/etc/my.cnf*", "MySQL"},
    {"/etc/mongod*", "MongoDB"},
    {"/etc/redis/*", "Redis"},
    {"/etc/elasticsearch/*", "Elasticsearch"},
    {"/etc/samba/*", "Samba"},
    {"/etc/krb5*", "Kerberos"},
    {"/etc/bind/*", "BIND"},
    {"/etc/named*", "BIND"},
    {"/etc/unbound/*", "Unbound"},
    {"/etc/dnsmasq*", "dnsmasq"},
    {"/etc/dhcp/*", "the DHCP client or server"},
    {"/etc/resolvconf/*", "resolvconf"},
    {"/etc/systemd/resolved.conf*", "systemd-resolved"},
    {"/etc/systemd/timesyncd.conf*", "timesyncd"},
    {"/etc/chrony*", "chrony"},
    {"/etc/ntp*", "NTP"},
    {"/etc/postfix/*", "Postfix"},
    {"/etc/exim4/*", "Exim"},
    {"/etc/rsyslog*", "rsyslog"},
    {"/etc/snmp/*", "SNMP"},
    {"/etc/zabbix/*", "Zabbix"},
    {"/etc/lvm/*", "LVM"},
    {"/etc/multipath*", "multipath"},
    {"/etc/mdadm*", "md"},
    {"/etc/smartd.conf", "smartd"},
    {"/etc/udev/*", "udev"},
    {"/etc/cron*", "cron"},
    {"/var/spool/cron/*", "cron"},
};

static bool fits_any(const char *const *pattern, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(pattern[i], path, 0) == 0)
            return true;
    return false;
}

static const char *whose(const char *path)
{
    for (size_t i = 0; i < BF_COUNT(owner); i++)
        if (fnmatch(owner[i].path, path, 0) == 0)
            return owner[i].whose;
    return NULL;
}

static const char *words_of(enum bf_mention_kind kind)
{
    static const char *const words[] = {
        [BF_MENTION_NONE] = "",
        [BF_MENTION_DISK] = "names a disk by a name that may be another's in the new home",
        [BF_MENTION_NEAR] = "names an address of a network that this machine leaves",
        [BF_MENTION_DNS] = "names a name server that this machine had",
        [BF_MENTION_MAC] = "names a MAC address that this machine had",
        [BF_MENTION_ADDRESS] = "names an address that this machine had",
    };
    return words[kind];
}

static void note(struct search *s, const char *path, unsigned line, unsigned lines,
                 const char *words, const char *text, bool certain)
{
    char also[32] = "", own[48] = "";
    const char *who = whose(path);
    if (s->notes == NOTES_MAX) {
        s->more++;
        return;
    }
    s->notes++;
    if (lines > 1)
        snprintf(also, sizeof also, ", and %u more", lines - 1);
    if (who)
        snprintf(own, sizeof own, " (%s)", who);
    bf_note(s->f->report, certain ? "warning" : "info", path, "line %u%s %s: %s%s", line, also,
            words, text, own);
}

// One note for each kind of mention in a file, with its first line.
static void search_lines(struct search *s, const char *path, const char *text, size_t len)
{
    struct bf_mention first[BF_MENTION_ADDRESS + 1] = {{0}};
    unsigned at[BF_MENTION_ADDRESS + 1] = {0}, lines[BF_MENTION_ADDRESS + 1] = {0}, number = 0;
    struct bf_line line;
    size_t pos = 0;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *word = line.at, *begin;
        size_t n;
        number++;
        if (!bf_word_next(&word, line.at + line.len, &begin, &n) || begin[0] == '#' ||
            begin[0] == ';')
            continue;
        struct bf_mention m = bf_mention_in(line.at, line.len, s->old);
        if (m.kind && lines[m.kind]++ == 0) {
            first[m.kind] = m;
            at[m.kind] = number;
        }
    }
    for (int kind = BF_MENTION_ADDRESS; kind > BF_MENTION_NONE; kind--)
        if (lines[kind])
            note(s, path, at[kind], lines[kind], words_of((enum bf_mention_kind)kind),
                 first[kind].text, kind >= BF_MENTION_DNS);
}

// Lists of devices in words of their own.
static void search_devices(struct search *s, const char *path, const char *text, size_t len)
{
    const char *at = memmem(text, len, "devnode", 7);
    unsigned line = 1;
    if (fnmatch("/etc/multipath*", path, 0) != 0 || !at)
        return;
    for (const char *c = text; c < at; c++)
        line += *c == '\n';
    note(s, path, line, 1, "chooses disks by names that may be others' in the new home", "devnode",
         false);
}

static void search_file(struct search *s, const char *path)
{
    size_t len;
    char address[INET6_ADDRSTRLEN];
    if (!fits_any(places, BF_COUNT(places), path) || fits_any(skipped, BF_COUNT(skipped), path))
        return;
    const char *pending = bf_edits_pending(&s->f->edits, path, &len);
    char *read = pending ? NULL : bf_fin_root_read(s->f->root, path, FILE_CAP, &len, NULL);
    const char *text = pending ? pending : read;
    if (!text || memchr(text, 0, len < 1024 ? len : 1024)) {
        free(read);
        return;
    }
    search_lines(s, path, text, len);
    search_devices(s, path, text, len);
    if (bf_mention_certificate(text, len, s->old, address))
        note(s, path, 1, 1, "is a certificate for an address that this machine had", address, true);
    free(read);
}

// Links are not followed: what they lead to is found where it stands.
static mode_t type_of(const struct bf_fin_root *root, const char *path)
{
    struct stat st;
    int fd = bf_fin_root_open(root, path, O_PATH | O_NOFOLLOW, NULL);
    mode_t type = fd >= 0 && fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
    if (fd >= 0)
        close(fd);
    return type;
}

static void search_folder(struct search *s, const char *dir, int depth)
{
    struct bf_names names;
    if (depth > DEPTH_MAX || bf_budget_is_over(&s->budget) ||
        bf_fin_root_list(s->f->root, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[1024];
        if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, names.name[i]) >= sizeof path)
            continue;
        mode_t type = type_of(s->f->root, path);
        if (type == S_IFDIR)
            search_folder(s, path, depth + 1);
        else if (type == S_IFREG)
            search_file(s, path);
    }
    bf_names_free(&names);
}

enum bf_err bf_report_mentions(struct bf_fin *f)
{
    static const struct bf_old nothing;
    struct search s = {.f = f, .old = f->old ? f->old : &nothing, .budget = {.at = f->budget.at}};
    bf_budget_begin(&s.budget, "mentions");
    f->root->budget = &s.budget;
    for (size_t i = 0; i < BF_COUNT(folders); i++)
        search_folder(&s, folders[i], 0);
    f->root->budget = &f->budget;
    if (s.more)
        bf_note(f->report, "warning", "mentions", "%zu more files name the old network or disks",
                s.more);
    if (bf_budget_is_over(&s.budget))
        bf_note(f->report, "warning", "mentions",
                "the search for what names the old network ended early: %s", s.budget.over);
    return BF_OK;
}
