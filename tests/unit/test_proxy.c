// SPDX-License-Identifier: Apache-2.0
// Connections through a proxy that the test plays: the request, answers in any pieces, and peers
// that refuse, talk nonsense, never end, or go away.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "net/connector.h"
#include "net/http/proxy.h"
#include "net/http/proxy_answer.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

// ---- The proxy ---------------------------------------------------------------------------------

static struct {
    char host[256];
    uint16_t port;
    enum bf_stream_state state;
    struct bf_fault fault;
    uint8_t out[4096]; // what the client wrote
    size_t out_len, write_most;
    const uint8_t *in; // what it reads
    size_t in_len, in_at, read_most;
    int closed, dials;
} wire;

static enum bf_err wire_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    size_t room = sizeof wire.out - wire.out_len;
    *done = len < wire.write_most ? len : wire.write_most;
    *done = *done < room ? *done : room;
    memcpy(wire.out + wire.out_len, bytes, *done);
    wire.out_len += *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err wire_read(void *impl, void *bytes, size_t size, size_t *done)
{
    size_t left = wire.in_len - wire.in_at;
    *done = left < size ? left : size;
    *done = *done < wire.read_most ? *done : wire.read_most;
    if (*done)
        memcpy(bytes, wire.in + wire.in_at, *done);
    wire.in_at += *done;
    return *done ? BF_OK : BF_AGAIN;
}

static void wire_poll(void *impl)
{
}

static enum bf_stream_state wire_state(void *impl)
{
    return wire.state;
}

static size_t wire_unsent(void *impl)
{
    return 0;
}

static const struct bf_fault *wire_fault(void *impl)
{
    return &wire.fault;
}

static void wire_close(void *impl)
{
    wire.closed++;
}

static const struct bf_stream_ops wire_ops = {wire_write,  wire_read,  wire_poll, wire_state,
                                              wire_unsent, wire_fault, wire_close};

static enum bf_err wire_dial(void *impl, const struct bf_peer *peer, const char *host,
                             uint16_t port, struct bf_stream *out, struct bf_fault *fault)
{
    CHECK(peer == &bf_peer_proxy);
    strcpy(wire.host, host);
    wire.port = port;
    wire.dials++;
    *out = (struct bf_stream){&wire_ops, NULL};
    return BF_OK;
}

// ---- The client --------------------------------------------------------------------------------

static struct bf_config config;
static struct bf_proxy proxy;
static struct bf_stream stream;
static struct bf_mem_usage before;

static void begin(const char *url)
{
    struct bf_fault fault;
    char reason[160] = "";
    sim_platform_reset(7);
    memset(&wire, 0, sizeof wire);
    wire.state = BF_STREAM_OPEN;
    wire.write_most = wire.read_most = SIZE_MAX;
    bf_config_defaults(&config);
    CHECK_EQ(bf_config_set(&config, "proxy", url, BF_ORIGIN_FILE, reason, sizeof reason), BF_OK);
    proxy = (struct bf_proxy){&config.proxy, {wire_dial, NULL, NULL}};
    bf_mem_usage(&before);
    struct bf_dialer d = bf_proxy_dialer(&proxy);
    CHECK_EQ(d.dial(d.impl, &bf_peer_server, "replica.test", 7667, &stream, &fault), BF_OK);
}

static void end(void)
{
    struct bf_mem_usage after;
    stream.ops->close(stream.impl);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
    CHECK_EQ(wire.closed, 1);
}

static void answer(const void *bytes, size_t len)
{
    wire.in = bytes;
    wire.in_len = len;
    wire.in_at = 0;
    for (size_t i = 0; i < len + 3; i++)
        stream.ops->poll(stream.impl);
}

static enum bf_stream_state state(void)
{
    return stream.ops->state(stream.impl);
}

static const struct bf_fault *refusal(const char *url, const char *text)
{
    begin(url);
    stream.ops->poll(stream.impl);
    answer(text, strlen(text));
    CHECK_EQ(state(), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    return f;
}

// ---- Cases -------------------------------------------------------------------------------------

static void test_request(void)
{
    char out[512];
    begin("http://me:s%3acr%40t@[fd00::1]:3128");
    wire.write_most = 3;
    stream.ops->poll(stream.impl);
    CHECK_STR(wire.host, "fd00::1");
    CHECK_EQ(wire.port, 3128);
    wire.out[wire.out_len] = 0;
    CHECK_STR((char *)wire.out, "CONNECT replica.test:7667 HTTP/1.1\r\nHost: replica.test:7667\r\n"
                                "Proxy-Authorization: Basic bWU6czpjckB0\r\n\r\n");
    CHECK(bf_proxy_request(&config.proxy, "fd00::7", 7667, out, sizeof out) > 0);
    CHECK(strstr(out, "CONNECT [fd00::7]:7667 HTTP/1.1\r\nHost: [fd00::7]:7667\r\n"));
    CHECK_EQ(bf_proxy_request(&config.proxy, "fd00::7", 7667, out, 60), 0);
    end();
}

// What comes behind the head belongs to the tunnel, however it is cut.
static void test_tunnel(void)
{
    static const char text[] =
        "HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\n"
        "Via: 1.1 somewhere\r\nContent-Length: 7\r\n\r\n\x16the first bytes";
    for (size_t most = 1; most < sizeof text; most += 5) {
        char got[64] = "";
        size_t at = 0, done;
        begin("http://proxy.test:3128");
        stream.ops->poll(stream.impl);
        CHECK_EQ(state(), BF_STREAM_OPENING);
        CHECK_EQ(stream.ops->write(stream.impl, "x", 1, &done), BF_AGAIN);
        wire.read_most = most;
        answer(text, sizeof text - 1);
        CHECK_EQ(state(), BF_STREAM_OPEN);
        while (stream.ops->read(stream.impl, got + at, 4, &done) == BF_OK)
            at += done;
        CHECK_STR(got, "\x16the first bytes");
        wire.out_len = 0;
        CHECK_EQ(stream.ops->write(stream.impl, "hello", 5, &done), BF_OK);
        CHECK_MEM(wire.out, "hello", 5);
        wire.state = BF_STREAM_ENDED;
        CHECK_EQ(state(), BF_STREAM_ENDED);
        end();
    }
}

static void test_authentication(void)
{
    static const char wanted[] = "HTTP/1.1 407 Proxy Authentication Required\r\n"
                                 "Proxy-Authenticate: Negotiate\r\n"
                                 "PROXY-AUTHENTICATE: basic realm=\"x\"\r\n\r\n";
    const struct bf_fault *f = refusal("http://proxy.test:3128", wanted);
    CHECK(f->code == BF_ERR_AUTH && f->side == BF_SIDE_CONFIG);
    CHECK(strstr(f->what, "wants a user and password") && strstr(f->todo, "USER:PASSWORD"));
    end();
    f = refusal("http://me:secret-word@proxy.test:3128", wanted);
    CHECK(f->code == BF_ERR_AUTH && f->side == BF_SIDE_CONFIG);
    CHECK(strstr(f->what, "does not accept"));
    CHECK(!strstr(f->what, "secret-word") && !strstr(f->todo, "secret-word"));
    CHECK(!strstr(sim_log(), "secret-word"));
    end();
    f = refusal("http://me:other@proxy.test:3128", "HTTP/1.0 401 Unauthorized\r\n\r\n");
    CHECK(f->code == BF_ERR_AUTH && strstr(f->what, "(401 Unauthorized)"));
    end();
    f = refusal("http://me@proxy.test:3128", "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n");
    CHECK(f->code == BF_ERR_UNSUPPORTED && strstr(f->what, "NTLM"));
    end();
}

static void test_refusals(void)
{
    const struct bf_fault *f =
        refusal("http://proxy.test:3128", "HTTP/1.1 403 Filtered\r\n\r\n<html>");
    CHECK(f->code == BF_ERR_DENIED && f->side == BF_SIDE_NETWORK);
    CHECK(strstr(f->what, "replica.test port 7667") && strstr(f->what, "403 Filtered"));
    end();
    f = refusal("http://proxy.test:3128", "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    CHECK(f->code == BF_ERR_NETWORK && f->side == BF_SIDE_NETWORK); // tried again
    CHECK(strstr(f->what, "cannot connect to replica.test"));
    end();
    f = refusal("http://proxy.test:3128", "HTTP/1.1 501 Not\x1b[2J Implemented\n\n");
    CHECK(f->code == BF_ERR_UNSUPPORTED && !strchr(f->what, 0x1b));
    end();
}

static void test_nonsense(void)
{
    static const char *const nonsense[] = {"SSH-2.0-OpenSSH_9.2\r\n",
                                           "\r\n\r\n",
                                           "HTTP/2.0 200 OK\r\n\r\n",
                                           "HTTP/1.1 20 OK\r\n\r\n",
                                           "HTTP/1.1 2000\r\n\r\n",
                                           "HTTP/1.1 000 no\r\n\r\n",
                                           "\x16\x03\x03"};
    for (size_t i = 0; i < BF_COUNT(nonsense); i++) {
        const struct bf_fault *f = refusal("http://proxy.test:3128", nonsense[i]);
        CHECK(f->code == BF_ERR_PROTOCOL && f->side == BF_SIDE_NETWORK);
        end();
    }
}

static void test_a_head_without_end(void)
{
    static uint8_t text[BF_PROXY_HEAD_MOST + 100];
    memset(text, 'a', sizeof text);
    memcpy(text, "HTTP/1.1 200 OK\r\n", 17);
    begin("http://proxy.test:3128");
    stream.ops->poll(stream.impl);
    answer(text, BF_PROXY_HEAD_MOST);
    CHECK_EQ(state(), BF_STREAM_OPENING);
    answer(text, 1);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_PROTOCOL);
    end();
}

static void test_silence(void)
{
    begin("http://proxy.test:3128");
    stream.ops->poll(stream.impl);
    sim_clock_advance(BF_PROXY_ANSWER_US - 1000);
    stream.ops->poll(stream.impl);
    CHECK_EQ(state(), BF_STREAM_OPENING);
    sim_clock_advance(1000);
    stream.ops->poll(stream.impl);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_TIMEOUT);
    CHECK_EQ(stream.ops->fault(stream.impl)->side, BF_SIDE_NETWORK);
    end();
}

static void test_ends(void)
{
    begin("http://proxy.test:3128");
    stream.ops->poll(stream.impl);
    wire.state = BF_STREAM_ENDED;
    answer("HTTP/1.1 200 O", 14);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK(strstr(stream.ops->fault(stream.impl)->what, "without an answer"));
    CHECK(strstr(stream.ops->fault(stream.impl)->todo, "proxy="));
    end();
    begin("http://proxy.test:3128");
    wire.state = BF_STREAM_FAILED;
    bf_fault_set(&wire.fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "start it", "10.0.0.9 refuses");
    stream.ops->poll(stream.impl);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK(f->side == BF_SIDE_NETWORK && strcmp(f->what, "the proxy: 10.0.0.9 refuses") == 0);
    CHECK_STR(f->todo, "start it"); // the dialer knows that it dials a proxy
    end();
}

// A portal answers with its own page, together with the head or after it.
static void test_a_page_is_no_tunnel(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n", page[] = "<html>";
    for (int together = 0; together <= 1; together++) {
        char text[64];
        uint8_t got[16];
        size_t done;
        begin("http://proxy.test:3128");
        stream.ops->poll(stream.impl);
        bf_snprintf(text, sizeof text, "%s%s", head, together ? page : "");
        answer(text, strlen(text));
        CHECK_EQ(state(), BF_STREAM_OPEN);
        if (!together)
            answer(page, strlen(page));
        CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_ERR_PROTOCOL);
        CHECK_EQ(state(), BF_STREAM_FAILED);
        const struct bf_fault *f = stream.ops->fault(stream.impl);
        CHECK_STR(f->what, "what comes through the proxy proxy.test port 3128 is not TLS");
        CHECK(f->side == BF_SIDE_NETWORK && strstr(f->todo, "proxy="));
        end();
    }
}

// A port of TLS resets what begins with CONNECT.
static void test_reset_by_what_is_no_proxy(void)
{
    begin("http://proxy.test:443");
    stream.ops->poll(stream.impl);
    wire.state = BF_STREAM_FAILED;
    bf_fault_set(&wire.fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "see whether the proxy is up",
                 "proxy.test port 443: reset");
    stream.ops->poll(stream.impl);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK_STR(f->what, "the proxy: proxy.test port 443: reset");
    CHECK_STR(f->todo, "check the proxy, its log, and its address in proxy=");
    end();
}

static enum bf_err no_dial(void *impl, const struct bf_peer *peer, const char *host, uint16_t port,
                           struct bf_stream *out, struct bf_fault *fault)
{
    bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "", "%s cannot be resolved", host);
    return bf_fault_todo(fault, "ask the DNS server, or give the %s's address in %s=", peer->word,
                         peer->word);
}

static void test_an_unknown_proxy(void)
{
    struct bf_fault fault;
    begin("http://nosuchproxy:3128");
    end();
    proxy.to.dial = no_dial;
    struct bf_dialer d = bf_proxy_dialer(&proxy);
    CHECK_EQ(d.dial(d.impl, &bf_peer_server, "replica.test", 7667, &stream, &fault),
             BF_ERR_NETWORK);
    CHECK_STR(fault.what, "the proxy: nosuchproxy cannot be resolved");
    CHECK_STR(fault.todo, "ask the DNS server, or give the proxy's address in proxy=");
    CHECK_EQ(fault.side, BF_SIDE_CONFIG);
}

// The connector goes through it, and says so.
static void test_connector(void)
{
    struct bf_fault fault;
    struct bf_stream s;
    char to[128], reason[160];
    begin("http://me:secret-word@proxy.test:3128");
    end();
    CHECK_EQ(bf_config_set(&config, "server", "replica.test", BF_ORIGIN_FILE, reason, 160), BF_OK);
    struct bf_server_connector *c = bf_server_connector_new(&config, proxy.to);
    struct bf_connector connector = bf_server_connector(c);
    CHECK_EQ(connector.open(connector.impl, 0, &s, to, sizeof to, &fault), BF_OK);
    CHECK_EQ(wire.dials, 2);
    CHECK_STR(wire.host, "proxy.test");
    CHECK_STR(to, "replica.test:7667 through proxy.test port 3128");
    s.ops->close(s.impl);
    bf_server_connector_free(c);
}

static void test_names_and_dns(void)
{
    char reason[200];
    begin("http://10.0.0.9:3128");
    end();
    static const uint8_t der[] = {0x30, 0};
    memcpy(config.root.bytes, der, sizeof der);
    config.root.len = sizeof der;
    config.has_enrol_key = 1;
    strcpy(config.name, "web-1");
    CHECK_EQ(bf_config_set(&config, "server", "replica.test", BF_ORIGIN_FILE, reason, 200), BF_OK);
    CHECK_EQ(bf_config_set(&config, "address", "10.0.0.7/24", BF_ORIGIN_FILE, reason, 200), BF_OK);
    CHECK_EQ(bf_config_check(&config, reason, sizeof reason), BF_OK);
    strcpy(config.proxy.host, "proxy.test");
    CHECK_EQ(bf_config_check(&config, reason, sizeof reason), BF_ERR_CONFIG);
    CHECK(strstr(reason, "proxy="));
}

TEST_MAIN(TEST(test_request), TEST(test_tunnel), TEST(test_authentication), TEST(test_refusals),
          TEST(test_nonsense), TEST(test_a_head_without_end), TEST(test_silence), TEST(test_ends),
          TEST(test_connector), TEST(test_names_and_dns), TEST(test_a_page_is_no_tunnel),
          TEST(test_reset_by_what_is_no_proxy), TEST(test_an_unknown_proxy))
