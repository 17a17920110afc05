// SPDX-License-Identifier: GPL-2.0-only
// The message channel against arithmetic done by hand.
#include <string>

#include "ns3/simulator.h"
#include "ns3/test.h"

#include "msg-channel.h"
#include "peer.h"

using namespace qnet;

namespace
{

constexpr int64_t LATENCY = 50 * NS_PER_MS;
constexpr uint64_t RATE = 8000000; ///< 1 byte per microsecond
constexpr uint64_t SEGMENT = 1448;
const qn_addr SERVER{4, {20, 0, 0, 1}, 443};

/// Two hosts, 50 ms apart, 8 Mbit/s each way.
class ChannelTestCase : public ns3::TestCase
{
  public:
    explicit ChannelTestCase(const std::string& name)
        : TestCase(name)
    {
    }

  protected:
    void
    Connect()
    {
        channel = ns3::CreateObject<MsgChannel>();
        channel->SetLatency(1, {LATENCY});
        uint32_t a = channel->AddHost(
            {ns3::CreateObject<ns3::Node>(), 0, RATE, RATE, qn_addr{4, {20, 1, 0, 1}, 0}});
        channel->AddHost({ns3::CreateObject<ns3::Node>(), 0, RATE, RATE, SERVER});
        channel->Listen(SERVER, &server);
        client.socket = channel->Connect(a, SERVER, &client, 7);
    }

    void
    RunFor(int64_t ms)
    {
        ns3::Simulator::Stop(Ns(ms * NS_PER_MS));
        ns3::Simulator::Run();
    }

    void
    DoTeardown() override
    {
        ns3::Simulator::Destroy();
        channel->Dispose();
    }

    ns3::Ptr<MsgChannel> channel;
    Peer client;
    Peer server;
};

class SetUpTakesOneRoundTrip : public ChannelTestCase
{
  public:
    SetUpTakesOneRoundTrip()
        : ChannelTestCase("set-up takes one round trip")
    {
    }

  private:
    void
    DoRun() override
    {
        Connect();
        RunFor(1000);
        NS_TEST_ASSERT_MSG_EQ(server.openedAt, LATENCY, "the SYN takes one latency");
        NS_TEST_ASSERT_MSG_EQ(client.openedAt, 2 * LATENCY, "and the answer another");
    }
};

class RefusalsAreTold : public ChannelTestCase
{
  public:
    RefusalsAreTold()
        : ChannelTestCase("a refusal is told after one round trip")
    {
    }

  private:
    void
    DoRun() override
    {
        server.refuses = true;
        Connect();
        RunFor(1000);
        NS_TEST_ASSERT_MSG_EQ(client.failure, QN_REFUSED, "refused");
        NS_TEST_ASSERT_MSG_EQ(client.failedAt, 2 * LATENCY, "after one round trip");
    }
};

class OneSegmentIsArithmetic : public ChannelTestCase
{
  public:
    OneSegmentIsArithmetic()
        : ChannelTestCase("1000 bytes cost two serialisations and one latency")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 1000;
        Connect();
        RunFor(1000);
        int64_t wire = (1000 + 52) * 1000; // ns at 1 byte per microsecond
        NS_TEST_ASSERT_MSG_EQ(server.got, 1000, "all bytes");
        NS_TEST_ASSERT_MSG_EQ(server.lastAt, 3 * LATENCY + 2 * wire, "at the computed nanosecond");
    }
};

class BulkFillsTheUplink : public ChannelTestCase
{
  public:
    BulkFillsTheUplink()
        : ChannelTestCase("a long transfer is in order and fills the uplink")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 4000000;
        Connect();
        RunFor(8000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 4000000, "all bytes");
        NS_TEST_ASSERT_MSG_EQ(server.inOrder, true, "each where it belongs");
        // 4 s of serialisation and its headers; slow start and one chunk's store-and-forward on
        // top.
        int64_t took = server.lastAt - client.openedAt;
        NS_TEST_ASSERT_MSG_GT(took, 4100 * NS_PER_MS, "not faster than the wire");
        NS_TEST_ASSERT_MSG_LT(took, 4600 * NS_PER_MS, "and not much slower");
    }
};

class SilentReaderStopsTheWriter : public ChannelTestCase
{
  public:
    SilentReaderStopsTheWriter()
        : ChannelTestCase("a reader that does not read holds the writer")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 4000000;
        server.reads = false;
        Connect();
        RunFor(20000);
        size_t bound = 10 * SEGMENT + ChunkPool::LARGE + 65536;
        NS_TEST_ASSERT_MSG_LT(client.sent, bound + 1, "window, one chunk and the send buffer");
        server.reads = true;
        server.Pull();
        RunFor(20000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 4000000, "and lets it go on");
        NS_TEST_ASSERT_MSG_EQ(server.inOrder, true, "in order");
    }
};

class EndingsArrive : public ChannelTestCase
{
  public:
    EndingsArrive()
        : ChannelTestCase("FIN comes behind the bytes, RST overtakes what was not sent")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 100000;
        Connect();
        RunFor(110);
        client.Push();
        RunFor(2000);
        client.socket->Finish();
        RunFor(1000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 100000, "all bytes before the end");
        NS_TEST_ASSERT_MSG_GT(server.eofAt, server.lastAt, "then the end");
        server.toSend = 60000;
        server.Push();
        server.socket->Reset(false);
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.resetAt, 0, "the reset is told");
        NS_TEST_ASSERT_MSG_LT(client.got, 60000, "and most bytes are not");
    }
};

class MsgChannelTestSuite : public ns3::TestSuite
{
  public:
    MsgChannelTestSuite()
        : TestSuite("qnet-msg-channel", UNIT)
    {
        AddTestCase(new SetUpTakesOneRoundTrip, TestCase::QUICK);
        AddTestCase(new RefusalsAreTold, TestCase::QUICK);
        AddTestCase(new OneSegmentIsArithmetic, TestCase::QUICK);
        AddTestCase(new BulkFillsTheUplink, TestCase::QUICK);
        AddTestCase(new SilentReaderStopsTheWriter, TestCase::QUICK);
        AddTestCase(new EndingsArrive, TestCase::QUICK);
    }
};

MsgChannelTestSuite g_msgChannelTestSuite;

} // namespace
