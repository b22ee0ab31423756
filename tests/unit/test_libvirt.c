// SPDX-License-Identifier: Apache-2.0
// The target libvirt without a host: URIs, definitions, what is read of libvirt's XML, pictures,
// overlays. Whether libvirt takes the definitions is asked of its driver "test", which parses and
// validates them as the one for QEMU does; tests/targets/libvirt.sh has real machines.
#include <fcntl.h>
#include <png.h>
#include <sys/stat.h>

#include "base/fmt.h"
#include "replica/targets/libvirt.h"
#include "tests/unit/store_files.h"
#include "tests/unit/test.h"

static struct bf_fault fault;

// ---- URIs --------------------------------------------------------------------------------------

static struct bf_lv_uri parsed(const char *text)
{
    struct bf_lv_uri uri;

    if (bf_lv_uri_parse(text, &uri, &fault) != BF_OK)
        FAIL("%s: %s", text, fault.what);
    return uri;
}

static void test_reads_uris(void)
{
    struct bf_lv_uri uri = parsed("libvirt:qemu:///system");

    CHECK_STR(uri.connect, "qemu:///system");
    CHECK(uri.local && !uri.session);
    CHECK_STR(uri.pool, "");
    uri = parsed("libvirt:");
    CHECK_STR(uri.connect, "qemu:///system");
    uri = parsed("libvirt:?pool=fast");
    CHECK_STR(uri.connect, "qemu:///system");
    CHECK_STR(uri.pool, "fast");
    uri = parsed("libvirt:qemu:///session");
    CHECK(uri.local && uri.session);
    uri = parsed("libvirt:qemu+unix:///system?socket=/run/x&pool=p");
    CHECK_STR(uri.connect, "qemu+unix:///system?socket=/run/x");
    CHECK(uri.local);
}

static void test_takes_own_parameters_out_of_uris(void)
{
    struct bf_lv_uri uri =
        parsed("libvirt:qemu+ssh://root@host.example/system?keyfile=/k&isolate=network&accel=tcg"
               "&no_verify=1&pool=images");

    CHECK_STR(uri.connect, "qemu+ssh://root@host.example/system?keyfile=/k&no_verify=1");
    CHECK(!uri.local && !uri.session);
    CHECK_STR(uri.pool, "images");
    CHECK_EQ(uri.isolate, BF_LV_ISOLATE_NETWORK);
    CHECK_EQ(uri.accel, BF_LV_ACCEL_TCG);
    uri = parsed("libvirt:qemu://host/system?isolate=user&accel=kvm");
    CHECK_STR(uri.connect, "qemu://host/system");
    CHECK(!uri.local);
    CHECK_EQ(uri.isolate, BF_LV_ISOLATE_USER);
    CHECK_EQ(uri.accel, BF_LV_ACCEL_KVM);
}

static void test_refuses_uris(void)
{
    static const char *const wrong[] = {
        "libvirt:xen:///system",
        "libvirt:qemu:/system",
        "libvirt:qemux:///system",
        "libvirt:qemu://",
        "libvirt:qemu:///system?isolate=yes",
        "libvirt:qemu:///system?accel=hvf",
        "libvirt:qemu:///system?pool=",
        "libvirt:qemu:///system?pool=a/b",
        "libvirt:qemu:///sys tem",
        "libvirt:qemu:///system\n",
        "libvirt:qemu:///\xc3\xa4",
        "libvirt:lxc:///",
    };
    struct bf_lv_uri uri;
    char longer[2048] = "libvirt:qemu:///";

    for (size_t i = 0; i < BF_COUNT(wrong); i++) {
        fault.todo[0] = 0;
        if (bf_lv_uri_parse(wrong[i], &uri, &fault) != BF_ERR_CONFIG)
            FAIL("%s is taken", wrong[i]);
        CHECK(fault.todo[0]);
    }
    memset(longer + 16, 'a', 600);
    CHECK_EQ(bf_lv_uri_parse(longer, &uri, &fault), BF_ERR_CONFIG);
    memset(longer + 16, 'a', sizeof longer - 17);
    CHECK_EQ(bf_lv_uri_parse(longer, &uri, &fault), BF_ERR_CONFIG);
}

// ---- Definitions -------------------------------------------------------------------------------

static struct bf_image_layer layers[3] = {{"machines/web/disk-0/object.qcow2"},
                                          {"machines/web/disk-0/layer-000002.qcow2"},
                                          {"machines/web/disk-0/layer-000001.qcow2"}};

static struct bf_tgt_machine machine(void)
{
    struct bf_tgt_machine m = {.name = "web",
                               .processors = 2,
                               .memory_mib = 1024,
                               .type = "q35",
                               .disk_bus = "virtio-blk",
                               .nic_model = "virtio-net",
                               .disks = 2,
                               .nics = 1};

    for (uint16_t i = 0; i < m.disks; i++) {
        m.disk[i].number = (uint16_t)(i * 3);
        m.disk[i].bytes = 64 << 20;
        m.disk[i].block_size = 512;
        m.disk[i].chain = (struct bf_image_chain){.layers = BF_COUNT(layers), .layer = layers};
    }
    bf_snprintf(m.disk[0].serial, sizeof m.disk[0].serial, "S3R1AL");
    bf_snprintf(m.nic[0].mac, sizeof m.nic[0].mac, "52:54:00:01:02:03");
    return m;
}

static struct bf_lv_choice choice(void)
{
    struct bf_lv_choice c = {.state = "/srv/state",
                             .folder = "/srv/state/jobs/7",
                             .console = "/srv/state/jobs/7/console.log",
                             .evidence = "/srv/state/jobs/7/evidence.log",
                             .uuid = "d3adbeef-0000-4000-8000-000000000001"};

    bf_snprintf(c.network[0], sizeof c.network[0], "network:default");
    return c;
}

// The definition as a tree; a schema that does not take it fails the test. The driver takes no
// files that are handed over open.
static struct _xmlNode *defined(const struct bf_tgt_machine *m, const struct bf_lv_choice *c)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    char *xml = bf_lv_domain_xml(m, c);
    virDomainPtr dom;
    struct _xmlNode *root;

    CHECK(conn && xml);
    dom = c->descriptors ? NULL : virDomainDefineXMLFlags(conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);
    if (!dom && !c->descriptors)
        FAIL("%s in %.180s", virGetLastErrorMessage(), xml);
    if (dom)
        virDomainFree(dom);
    virConnectClose(conn);
    root = bf_lv_tree_read(xml, strlen(xml));
    free(xml);
    CHECK(root != NULL);
    return root;
}

// The text of an attribute of what a path of element names leads to; "(none)".
static const char *at(struct _xmlNode *node, const char *path, const char *attribute)
{
    static char out[512];
    char name[64];

    while (node && *path) {
        size_t len = strcspn(path, "/");

        bf_snprintf(name, sizeof name, "%.*s", (int)len, path);
        node = bf_lv_child(node, name);
        path += len + (path[len] == '/');
    }
    if (!node || !(attribute ? bf_lv_get(node, attribute, out, sizeof out)
                             : bf_lv_get_text(node, out, sizeof out)))
        bf_snprintf(out, sizeof out, "(none)");
    return out;
}

static void test_defines_a_machine(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    struct _xmlNode *root = defined(&m, &c);

    CHECK_STR(at(root, "", "type"), "qemu");
    CHECK_STR(at(root, "name", NULL), "web");
    CHECK_STR(at(root, "uuid", NULL), c.uuid);
    CHECK_STR(at(root, "memory", NULL), "1024");
    CHECK_STR(at(root, "memory", "unit"), "MiB");
    CHECK_STR(at(root, "vcpu", NULL), "2");
    CHECK_STR(at(root, "os/type", "machine"), "q35");
    CHECK_STR(at(root, "os", "firmware"), "(none)");
    CHECK_STR(at(root, "cpu", "mode"), "maximum");
    CHECK_STR(at(root, "devices/disk/target", "dev"), "vda");
    CHECK_STR(at(root, "devices/disk/serial", NULL), "S3R1AL");
    CHECK_STR(at(root, "devices/disk/boot", "order"), "1");
    CHECK_STR(at(root, "devices/disk/source", "file"), "/srv/state/jobs/7/disk-0.qcow2");
    CHECK_STR(at(root, "devices/interface/mac", "address"), "52:54:00:01:02:03");
    CHECK_STR(at(root, "devices/interface/source", "network"), "default");
    CHECK_STR(at(root, "devices/interface/model", "type"), "virtio");
    CHECK_STR(at(root, "devices/serial/source", "path"), c.console);
    CHECK_STR(at(root, "devices/channel/source", "path"), c.evidence);
    CHECK_STR(at(root, "devices/channel/target", "name"), BF_TGT_PORT);
    CHECK_STR(at(root, "devices/graphics/listen", "type"), "none");
    CHECK(!bf_lv_child(root, "commandline"));
    bf_lv_tree_free(root);
}

// Every file with its format, and an end that says that nothing follows: nothing is probed.
static void test_names_chains_to_their_end(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    struct _xmlNode *root, *disk, *below;

    c.descriptors = true;
    root = defined(&m, &c);
    disk = bf_lv_next(bf_lv_child(bf_lv_child(root, "devices"), "disk"), "disk");
    CHECK_STR(at(disk, "driver", "type"), "qcow2");
    CHECK_STR(at(disk, "source", "file"), "/srv/state/jobs/7/disk-3.qcow2");
    CHECK_STR(at(disk, "source", "fdgroup"), "disk-1-0");
    below = bf_lv_child(disk, "backingStore");
    for (size_t i = 0; i < BF_COUNT(layers); i++) {
        char path[256], group[32];

        bf_snprintf(path, sizeof path, "/srv/state/%s", layers[i].path);
        bf_snprintf(group, sizeof group, "disk-1-%u", (unsigned)i + 1);
        CHECK_STR(at(below, "", "type"), "file");
        CHECK_STR(at(below, "format", "type"), "qcow2");
        CHECK_STR(at(below, "source", "file"), path);
        CHECK_STR(at(below, "source", "fdgroup"), group);
        below = bf_lv_child(below, "backingStore");
    }
    CHECK(below && !bf_lv_child(below, "source") && !bf_lv_child(below, "format"));
    CHECK_STR(at(below, "", "type"), "(none)");
    bf_lv_tree_free(root);
}

// firmware='efi' alone takes Secure Boot with Microsoft's keys on q35.
static void test_says_what_the_firmware_has(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();

    m.uefi = true;
    for (int secure = 0; secure < 2; secure++) {
        struct _xmlNode *root, *feature;
        int features = 0;

        m.secure_boot = secure;
        root = defined(&m, &c);
        CHECK_STR(at(root, "os", "firmware"), "efi");
        feature = bf_lv_child(bf_lv_child(bf_lv_child(root, "os"), "firmware"), "feature");
        for (; feature; feature = bf_lv_next(feature, "feature")) {
            CHECK_STR(at(feature, "", "enabled"), secure ? "yes" : "no");
            features++;
        }
        CHECK_EQ(features, 2);
        CHECK_STR(at(root, "features/smm", "state"), secure ? "on" : "(none)");
        bf_lv_tree_free(root);
    }
}

static void test_gives_each_bus_its_disks(void)
{
    static const struct {
        const char *bus, *target, *name, *wwn;
    } buses[] = {{"virtio-blk", "virtio", "vda", "(none)"},
                 {"virtio-scsi", "scsi", "sda", "5000c50015ea71ac"},
                 {"ahci", "sata", "sda", "5000c50015ea71ac"}};
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();

    bf_snprintf(m.disk[0].wwn, sizeof m.disk[0].wwn, "naa.5000c50015ea71ac");
    bf_snprintf(m.disk[1].wwn, sizeof m.disk[1].wwn, "t10.ATA something");
    for (size_t i = 0; i < BF_COUNT(buses); i++) {
        struct _xmlNode *root;

        bf_snprintf(m.disk_bus, sizeof m.disk_bus, "%s", buses[i].bus);
        root = defined(&m, &c);
        CHECK_STR(at(root, "devices/disk/target", "bus"), buses[i].target);
        CHECK_STR(at(root, "devices/disk/target", "dev"), buses[i].name);
        CHECK_STR(at(root, "devices/disk/wwn", NULL), buses[i].wwn);
        CHECK_STR(at(root, "devices/controller", "model"), i == 1 ? "virtio-scsi" : "(none)");
        bf_lv_tree_free(root);
    }
}

static void test_gives_disks_their_blocks(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    struct _xmlNode *root;

    m.disk[0].block_size = 4096;
    root = defined(&m, &c);
    CHECK_STR(at(root, "devices/disk/blockio", "logical_block_size"), "4096");
    bf_lv_tree_free(root);
}

// Names that end an element, a quotation or a line, and bytes that XML does not have.
static void test_keeps_hostile_names_names(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    struct _xmlNode *root;

    bf_snprintf(m.vendor, sizeof m.vendor, "</entry><x a='\"&amp;");
    bf_snprintf(m.product, sizeof m.product, "line\nline");
    bf_snprintf(m.serial, sizeof m.serial, "\xff\xfe not UTF-8");
    bf_snprintf(m.disk[0].serial, sizeof m.disk[0].serial, "a,readonly=on");
    bf_snprintf(m.disk[1].serial, sizeof m.disk[1].serial, "'><x/>");
    c.state = "/srv/<a> & 'b' \"c\"";
    root = defined(&m, &c);
    CHECK_STR(at(root, "sysinfo/system/entry", NULL), "</entry><x a='\"&amp;");
    CHECK(!bf_lv_next(bf_lv_child(bf_lv_child(bf_lv_child(root, "sysinfo"), "system"), "entry"),
                      "entry"));
    CHECK_STR(at(root, "devices/disk/serial", NULL), "(none)");
    CHECK_STR(at(root, "devices/disk/backingStore/source", "file"),
              "/srv/<a> & 'b' \"c\"/machines/web/disk-0/object.qcow2");
    bf_lv_tree_free(root);
}

static void test_tells_which_serial_numbers_stay(void)
{
    CHECK(bf_lv_serial_ok("WD-WCC4N0123456"));
    CHECK(bf_lv_serial_ok("6000c29f1b8c7a3e_x.y"));
    CHECK(!bf_lv_serial_ok(""));
    CHECK(!bf_lv_serial_ok("a b"));
    CHECK(!bf_lv_serial_ok("a,b"));
    CHECK(!bf_lv_serial_ok("1234567890123456789012345678901234567"));
}

// ---- Networks ----------------------------------------------------------------------------------

static void test_connects_nics(void)
{
    static const struct {
        const char *network, *type, *source;
    } networks[] = {{"user", "(none)", "(none)"},
                    {"bridge:br0", "bridge", "br0"},
                    {"network:a & b", "network", "a & b"},
                    {"none", "(none)", "(none)"}};
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();

    for (size_t i = 0; i < BF_COUNT(networks); i++) {
        struct _xmlNode *root;

        bf_snprintf(c.network[0], sizeof c.network[0], "%s", networks[i].network);
        root = defined(&m, &c);
        CHECK_STR(at(root, "devices/interface", "type"), networks[i].type);
        CHECK_STR(at(root, "devices/interface/source", i == 1 ? "bridge" : "network"),
                  networks[i].source);
        bf_lv_tree_free(root);
    }
}

// A test has no NIC of libvirt's, but QEMU's, at an address from the end of the bus.
static void test_keeps_a_test_to_itself(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    char *xml;

    m.isolated = true;
    c.user_network = true;
    bf_snprintf(m.nic[0].gateway4, sizeof m.nic[0].gateway4, "192.0.2.1");
    bf_snprintf(m.nic[0].address[0], sizeof m.nic[0].address[0], "192.0.2.5/24");
    m.nic[0].addresses = 1;
    bf_snprintf(m.uuid, sizeof m.uuid, "00112233-4455-6677-8899-aabbccddeeff");
    xml = bf_lv_domain_xml(&m, &c);
    CHECK(xml && !strstr(xml, "<interface"));
    CHECK(strstr(xml, "xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\""));
    CHECK(strstr(xml, "restrict=on") && strstr(xml, "host=192.0.2.1"));
    CHECK(strstr(xml, "virtio-net-pci,netdev=net0,mac=52:54:00:01:02:03,bus=pcie.0,addr=1a"));
    CHECK(strstr(xml, "type=1,uuid=00112233-4455-6677-8899-aabbccddeeff"));
    free(xml);
    bf_snprintf(m.type, sizeof m.type, "pc");
    bf_snprintf(m.nic_model, sizeof m.nic_model, "e1000e");
    xml = bf_lv_domain_xml(&m, &c);
    CHECK(xml && strstr(xml, "e1000e,netdev=net0,mac=52:54:00:01:02:03,bus=pci.0,addr=1a"));
    free(xml);
}

// A machine's own user mode network has the planned gateway as well, and is open.
static void test_gives_a_user_network_its_gateway(void)
{
    struct bf_tgt_machine m = machine();
    struct bf_lv_choice c = choice();
    char *xml;

    bf_snprintf(c.network[0], sizeof c.network[0], "user");
    bf_snprintf(m.nic[0].gateway4, sizeof m.nic[0].gateway4, "192.0.2.1");
    xml = bf_lv_domain_xml(&m, &c);
    CHECK(xml && strstr(xml, "host=192.0.2.1") && !strstr(xml, "restrict=on"));
    CHECK(strstr(xml, "virtio-net-pci,netdev=net0,mac=52:54:00:01:02:03"));
    free(xml);
}

static void test_defines_isolated_networks(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    struct bf_tgt_machine m = machine();
    struct _xmlNode *root;
    virNetworkPtr net;
    char *xml;

    bf_snprintf(m.nic[0].gateway4, sizeof m.nic[0].gateway4, "192.0.2.1");
    bf_snprintf(m.nic[0].gateway6, sizeof m.nic[0].gateway6, "2001:DB8::1");
    m.nic[0].dhcp = true;
    xml = bf_lv_network_xml(&m, 0);
    net = virNetworkCreateXML(conn, xml);
    CHECK(net != NULL);
    virNetworkFree(net);
    virConnectClose(conn);
    root = bf_lv_tree_read(xml, strlen(xml));
    CHECK_STR(at(root, "name", NULL), "web-net0");
    CHECK(!bf_lv_child(root, "forward"));
    CHECK_STR(at(root, "dns", "enable"), "no");
    CHECK_STR(at(root, "ip", "address"), "192.0.2.1");
    CHECK_STR(at(root, "ip", "prefix"), "32");
    CHECK(strstr(xml, "address=\"2001:db8::1\" prefix=\"128\""));
    CHECK(strstr(xml, "<range start=\"198."));
    bf_lv_tree_free(root);
    free(xml);
}

static void test_reads_addresses(void)
{
    static const char *const wrong[] = {
        "",    "192.0.2",    "192.0.2.1/33", "192.0.2.1/", "::1/129", "192.0.2.1/a",
        "::g", "1.2.3.4/-1", "192.0.2.01.1", "::1/00001"};
    struct bf_lv_address a, b;
    char text[64];

    CHECK_EQ(bf_lv_address_read("192.0.2.5/24", &a), BF_OK);
    CHECK_EQ(a.length, 24);
    CHECK_EQ(bf_lv_address_read("192.0.2.255", &b), BF_OK);
    CHECK_EQ(b.length, 32);
    CHECK(bf_lv_address_in(&a, &b) && !bf_lv_address_in(&b, &a));
    CHECK_EQ(bf_lv_address_read("192.0.3.0", &b), BF_OK);
    CHECK(!bf_lv_address_in(&a, &b));
    a.length = 23;
    CHECK(bf_lv_address_in(&a, &b));
    a.length = 0;
    CHECK_EQ(bf_lv_address_read("2001:0DB8:0::5", &b), BF_OK);
    CHECK(!bf_lv_address_in(&a, &b));
    bf_lv_address_text(&b, text);
    CHECK_STR(text, "2001:db8::5");
    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        if (bf_lv_address_read(wrong[i], &a) == BF_OK)
            FAIL("%s is taken for an address", wrong[i]);
}

// ---- What libvirt says -------------------------------------------------------------------------

static struct bf_lv_host host(const char *xml)
{
    struct bf_lv_host h;

    CHECK(bf_lv_host_read(xml, strlen(xml), &h));
    return h;
}

static void test_reads_capabilities(void)
{
    struct bf_lv_host h =
        host("<domainCapabilities><domain>kvm</domain><os><enum name='firmware'><value>bios</value>"
             "<value>efi</value></enum><loader supported='yes'><enum name='secure'>"
             "<value>no</value></enum></loader></os><devices><disk><enum name='bus'>"
             "<value>virtio</value></enum></disk></devices></domainCapabilities>");

    CHECK(h.kvm && h.uefi && !h.secure_boot && h.user_network && !h.nvme);
    h = host("<domainCapabilities><domain>qemu</domain><os><loader><enum name='secure'>"
             "<value>yes</value></enum></loader></os><devices><interface supported='yes'>"
             "<enum name='backendType'><value>passt</value></enum></interface><disk>"
             "<enum name='bus'><value>nvme</value></enum></disk></devices></domainCapabilities>");
    CHECK(!h.kvm && !h.uefi && h.secure_boot && !h.user_network && h.nvme);
    h = host("<domainCapabilities><devices><interface supported='yes'><enum name='backendType'>"
             "<value>default</value></enum></interface></devices></domainCapabilities>");
    CHECK(h.user_network);
    CHECK(!bf_lv_host_read("<domain/>", 9, &h));
    CHECK(!bf_lv_host_read("", 0, &h));
    CHECK(!bf_lv_host_read("<domainCapabilities>", 20, &h));
}

static void test_takes_no_entities(void)
{
    static const char bomb[] = "<!DOCTYPE d [<!ENTITY a 'b'>]><d>&a;</d>";

    CHECK(!bf_lv_tree_read(bomb, sizeof bomb - 1));
}

static const char running[] =
    "<domain type='qemu'><name>web</name><devices>"
    "<disk type='file' device='cdrom'><target dev='sdz'/></disk>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
    "<source file='/srv/state/jobs/7/disk-0.qcow2' fdgroup='disk-0-0' index='1'/>"
    "<backingStore type='file'><format type='qcow2'/><source file='/srv/state/x'/><backingStore/>"
    "</backingStore><mirror type='file' file='/new/0' format='qcow2' job='copy' ready='%s'>"
    "<format type='qcow2'/><source file='/new/0'/></mirror>"
    "<target dev='vda' bus='virtio'/><serial>S1</serial></disk>"
    "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/1'/>"
    "<target dev='vdb' bus='virtio'/></disk>"
    "<serial type='file'><source path='/srv/state/jobs/7/console.log' append='on'/>"
    "<target port='0'/></serial>"
    "<console type='file'><source path='/srv/state/jobs/7/console.log' append='on'/>"
    "<target type='serial' port='0'/></console>"
    "<channel type='file'><source path='/srv/state/jobs/7/evidence.log'/>"
    "<target type='virtio' name='org.bootferry.evidence'/></channel>"
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    "</devices></domain>";

static void test_reads_the_state_of_disks(void)
{
    struct bf_lv_disk_state s;
    char xml[4096];

    snprintf(xml, sizeof xml, running, "yes");
    CHECK(bf_lv_disk_read(xml, "vda", &s));
    CHECK_STR(s.source, "/srv/state/jobs/7/disk-0.qcow2");
    CHECK_STR(s.copy, "/new/0");
    CHECK(s.copied);
    snprintf(xml, sizeof xml, running, "abort");
    CHECK(bf_lv_disk_read(xml, "vda", &s));
    CHECK(!s.copied);
    CHECK(bf_lv_disk_read(xml, "vdb", &s));
    CHECK_STR(s.source, "/dev/vg/1");
    CHECK_STR(s.copy, "");
    CHECK(!bf_lv_disk_read(xml, "vdc", &s));
    CHECK(!bf_lv_disk_read("no XML", "vda", &s));
}

static void test_makes_a_definition_that_lasts(void)
{
    const struct bf_lv_volume volume[2] = {{.path = "/new/0"},
                                           {.path = "/dev/vg/1", .block = true}};
    struct bf_tgt_machine m = machine();
    struct _xmlNode *root, *disk;
    char xml[4096];
    char *lasting;

    snprintf(xml, sizeof xml, running, "yes");
    lasting = bf_lv_lasting_xml(xml, &m, volume);
    CHECK(lasting && !strstr(lasting, "/srv/state") && !strstr(lasting, "fdgroup"));
    CHECK(!strstr(lasting, "mirror") && !strstr(lasting, BF_TGT_PORT));
    CHECK(strstr(lasting, "org.qemu.guest_agent.0") && strstr(lasting, "<serial>S1</serial>"));
    root = bf_lv_tree_read(lasting, strlen(lasting));
    CHECK_STR(at(root, "devices/serial", "type"), "pty");
    CHECK_STR(at(root, "devices/console", "type"), "pty");
    disk = bf_lv_next(bf_lv_child(bf_lv_child(root, "devices"), "disk"), "disk");
    CHECK_STR(at(disk, "source", "file"), "/new/0");
    CHECK_STR(at(disk, "driver", "type"), "qcow2");
    CHECK(bf_lv_child(disk, "backingStore") &&
          !bf_lv_child(bf_lv_child(disk, "backingStore"), "source"));
    disk = bf_lv_next(disk, "disk");
    CHECK_STR(at(disk, "", "type"), "block");
    CHECK_STR(at(disk, "source", "dev"), "/dev/vg/1");
    CHECK_STR(at(disk, "driver", "type"), "raw");
    bf_lv_tree_free(root);
    free(lasting);
    m.disks = 3; // one that is not there
    CHECK(!bf_lv_lasting_xml(xml, &m, volume));
    CHECK(!bf_lv_lasting_xml("<domain/>", &m, volume));
}

static void test_reads_where_copies_go(void)
{
    static const char *const wrong[] = {
        "",         "p\tn",        "p\tn\n\tx\n", "p\tn\np\tn\nmore", "p\t\np\tn\n",
        "p\ta/b\n", "\tn\np\tn\n", "\n\n",        "p\tn\n",           "p n\np n\n"};
    static const char right[] = "pool\tweb-disk-0.qcow2\n\t/new/web disk\n";
    struct bf_lv_copy copy[BF_TGT_DISKS];

    CHECK(bf_lv_copies_parse(right, sizeof right - 1, copy, 2));
    CHECK_STR(copy[0].pool, "pool");
    CHECK_STR(copy[0].name, "web-disk-0.qcow2");
    CHECK_STR(copy[1].pool, "");
    CHECK_STR(copy[1].name, "/new/web disk");
    CHECK(!bf_lv_copies_parse(right, sizeof right - 2, copy, 2));
    CHECK(!bf_lv_copies_parse(right, sizeof right - 1, copy, 1));
    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        if (bf_lv_copies_parse(wrong[i], strlen(wrong[i]), copy, 2))
            FAIL("\"%s\" is taken", wrong[i]);
}

// ---- Pictures ----------------------------------------------------------------------------------

static void test_makes_png_of_ppm(void)
{
    static const char ppm[] = "P6 # a comment\n2\t1\n255\n\x10\x20\x30\xff\x00\x7f";
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t pixels[6], *png, *again;
    size_t len, again_len;

    CHECK_EQ(bf_lv_png((const uint8_t *)ppm, sizeof ppm - 1, &png, &len), BF_OK);
    CHECK(png_image_begin_read_from_memory(&image, png, len));
    CHECK_EQ(image.width, 2);
    CHECK_EQ(image.height, 1);
    image.format = PNG_FORMAT_RGB;
    CHECK(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    CHECK_MEM(pixels, ppm + sizeof ppm - 1 - sizeof pixels, sizeof pixels);
    CHECK_EQ(bf_lv_png(png, len, &again, &again_len), BF_OK); // one stays as it is
    CHECK_EQ(again_len, len);
    CHECK_MEM(again, png, len);
    free(again);
    free(png);
}

static void test_refuses_other_pictures(void)
{
    static const char *const wrong[] = {"",
                                        "P6",
                                        "P5 1 1 255\nabc",
                                        "P6 1 1 254\nabc",
                                        "P6 0 1 255\nabc",
                                        "P6 1 1 255\nab",
                                        "P6 9999 1 255\nabc",
                                        "P6 1 1 255abc",
                                        "\x89PNG",
                                        "GIF89a",
                                        "P6 # never ends"};
    uint8_t *png;
    size_t len;

    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        if (bf_lv_png((const uint8_t *)wrong[i], strlen(wrong[i]), &png, &len) != BF_ERR_CORRUPT)
            FAIL("\"%s\" is taken for a picture", wrong[i]);
}

// ---- Overlays ----------------------------------------------------------------------------------

struct rig {
    struct store_files files;
    struct bf_tgt_machine m;
    struct bf_tgt tgt;
    struct bf_lv lv;
    struct bf_image_layer layer;
};

static void rig_make(struct rig *r, uint64_t bytes)
{
    memset(r, 0, sizeof *r);
    store_files_make(&r->files);
    CHECK_EQ(bf_state_create(r->files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_open(r->files.state, BF_STATE_COMMAND, &r->tgt.state, &fault), BF_OK);
    CHECK_EQ(mkdirat(bf_state_dir(r->tgt.state), "jobs", 0700), 0);
    CHECK_EQ(mkdirat(bf_state_dir(r->tgt.state), "jobs/1", 0700), 0);
    bf_snprintf(r->layer.path, sizeof r->layer.path, "below.qcow2");
    CHECK_EQ(bf_layer_make(r->tgt.state, r->layer.path, bytes, 0, NULL, &fault), BF_OK);
    r->m = machine();
    r->m.disks = 1;
    r->m.disk[0].bytes = bytes;
    r->m.disk[0].chain = (struct bf_image_chain){.layers = 1, .layer = &r->layer};
    r->tgt.machine = &r->m;
    r->tgt.folder = "jobs/1";
    r->lv.tgt = &r->tgt;
    CHECK_EQ(bf_lv_paths(&r->tgt, &r->lv, &fault), BF_OK);
}

static void rig_end(struct rig *r)
{
    bf_state_close(r->tgt.state);
    store_files_remove(&r->files);
}

// Empty ones have not grown, whatever their size, and a sector makes them grow.
static void test_tells_by_how_much_overlays_grow(void)
{
    static const uint64_t sizes[] = {
        1 << 20,          64 << 20, (uint64_t)255 << 20, (uint64_t)1 << 30, (uint64_t)3000 << 30,
        (uint64_t)9 << 40};
    struct rig r;

    for (size_t i = 0; i < BF_COUNT(sizes); i++) {
        char path[BF_LV_PATH_MAX + 32];
        struct stat st;
        int fd;

        rig_make(&r, sizes[i]);
        CHECK_EQ(bf_lv_overlays_make(&r.lv, &fault), BF_OK);
        bf_snprintf(path, sizeof path, "%s/disk-0.qcow2", r.lv.folder);
        CHECK_EQ(stat(path, &st), 0);
        CHECK_EQ(bf_lv_overlays_grown(&r.lv), 0);
        fd = open(path, O_WRONLY | O_APPEND);
        CHECK_EQ(write(fd, path, 100), 100);
        close(fd);
        CHECK_EQ(bf_lv_overlays_grown(&r.lv), 100);
        CHECK_EQ(bf_lv_overlays_make(&r.lv, &fault), BF_OK); // what is there is kept
        CHECK_EQ(bf_lv_overlays_grown(&r.lv), 100);
        bf_lv_overlays_remove(&r.lv);
        CHECK(stat(path, &st) != 0);
        rig_end(&r);
    }
}

// A file of the chain whose header names another one for its data is not given to QEMU.
static void test_refuses_a_chain_that_leads_elsewhere(void)
{
    struct rig r;
    uint8_t features[8] = {0, 0, 0, 0, 0, 0, 0, 4}; // incompatible: external data file
    int fd;

    rig_make(&r, 1 << 20);
    fd = openat(bf_state_dir(r.tgt.state), r.layer.path, O_WRONLY);
    CHECK_EQ(pwrite(fd, features, sizeof features, 72), sizeof features);
    close(fd);
    CHECK_EQ(bf_lv_overlays_make(&r.lv, &fault), BF_ERR_CORRUPT);
    rig_end(&r);
}

static void test_remembers_its_domain(void)
{
    struct bf_lv_choice c = choice();
    struct rig r;
    char uuid[BF_LV_UUID_MAX];
    char *xml;

    rig_make(&r, 1 << 20);
    CHECK(!bf_lv_record_uuid(&r.lv, uuid));
    xml = bf_lv_domain_xml(&r.m, &c);
    CHECK_EQ(bf_lv_record_write(&r.lv, xml, &fault), BF_OK);
    free(xml);
    CHECK(bf_lv_record_uuid(&r.lv, uuid));
    CHECK_STR(uuid, c.uuid);
    bf_lv_record_remove(&r.lv);
    CHECK(!bf_lv_record_uuid(&r.lv, uuid));
    CHECK_EQ(bf_lv_record_write(&r.lv, "<domain><uuid>short</uuid></domain>", &fault), BF_OK);
    CHECK(!bf_lv_record_uuid(&r.lv, uuid));
    rig_end(&r);
}

static void test_describes_what_it_would_do(void)
{
    struct rig r;
    char *text;

    rig_make(&r, 1 << 20);
    r.tgt.uri = "libvirt:qemu:///system?accel=tcg";
    text = bf_tgt_libvirt.describe(&r.tgt);
    CHECK(text != NULL);
    CHECK(strstr(text, "qemu-img create -f qcow2 -F qcow2 -b "));
    CHECK(strstr(text, "virsh --connect qemu:///system define domain.xml"));
    CHECK(strstr(text, "<domain type=\"qemu\">"));
    free(text);
    r.tgt.uri = "libvirt:xen:///";
    CHECK(!bf_tgt_libvirt.describe(&r.tgt));
    rig_end(&r);
}

TEST_MAIN(TEST(test_reads_uris), TEST(test_takes_own_parameters_out_of_uris),
          TEST(test_refuses_uris), TEST(test_defines_a_machine),
          TEST(test_names_chains_to_their_end), TEST(test_says_what_the_firmware_has),
          TEST(test_gives_each_bus_its_disks), TEST(test_gives_disks_their_blocks),
          TEST(test_keeps_hostile_names_names), TEST(test_tells_which_serial_numbers_stay),
          TEST(test_connects_nics), TEST(test_keeps_a_test_to_itself),
          TEST(test_gives_a_user_network_its_gateway), TEST(test_defines_isolated_networks),
          TEST(test_reads_addresses), TEST(test_reads_capabilities), TEST(test_takes_no_entities),
          TEST(test_reads_the_state_of_disks), TEST(test_makes_a_definition_that_lasts),
          TEST(test_reads_where_copies_go), TEST(test_makes_png_of_ppm),
          TEST(test_refuses_other_pictures), TEST(test_tells_by_how_much_overlays_grow),
          TEST(test_refuses_a_chain_that_leads_elsewhere), TEST(test_remembers_its_domain),
          TEST(test_describes_what_it_would_do))
