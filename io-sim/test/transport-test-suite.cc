// SPDX-License-Identifier: GPL-2.0-only
// What every transport promises, tier by tier, and the border of tier P.
#include <memory>
#include <string>
#include <vector>

#include "ns3/object-factory.h"
#include "ns3/simulator.h"
#include "ns3/tcp-header.h"
#include "ns3/test.h"
#include "ns3/uinteger.h"

#include "cloud-tcp.h"
#include "msg-channel.h"
#include "peer.h"
#include "routed-tcp.h"

using namespace qnet;

namespace
{

constexpr int64_t LOCAL = 10 * NS_PER_MS;
constexpr int64_t LATENCY = 50 * NS_PER_MS;
constexpr uint64_t RATE = 8000000; ///< 1 byte per microsecond
constexpr uint64_t QUEUE = 30000;
const qn_addr CLIENT{4, {20, 1, 0, 1}, 0};
const qn_addr SERVER{4, {20, 0, 0, 1}, 443};
const qn_addr NOBODY{4, {20, 9, 0, 1}, 443};

/// Two hosts in two regions, 50 ms apart, 8 Mbit/s each way, the client's uplink ten times that.
class TransportTestCase : public ns3::TestCase
{
  public:
    TransportTestCase(ns3::TypeId tier, const std::string& claim)
        : TestCase(tier.GetName() + ": " + claim),
          m_tier(tier)
    {
    }

  protected:
    void
    Make()
    {
        ns3::ObjectFactory factory;
        factory.SetTypeId(m_tier);
        factory.Set("QueueLimit", ns3::UintegerValue(QUEUE));
        transport = factory.Create<Transport>();
        transport->SetLatency(2, {LOCAL, LATENCY, LATENCY, LOCAL});
        host = transport->AddHost({ns3::CreateObject<ns3::Node>(), 0, 10 * RATE, RATE, CLIENT});
        transport->AddHost({ns3::CreateObject<ns3::Node>(), 1, RATE, RATE, SERVER});
        transport->Listen(SERVER, &server);
    }

    void
    Connect(const qn_addr& to)
    {
        client.socket = transport->Connect(host, to, &client, 7);
    }

    void
    RunFor(int64_t ms)
    {
        ns3::Simulator::Stop(Ns(ms * NS_PER_MS));
        ns3::Simulator::Run();
    }

    /// The server is cut off from the first second on; the client sends, until just before it
    /// heals.
    void
    SendIntoCut(int64_t healsAtS)
    {
        Make();
        transport->Cut(1, 0, NS_PER_SECOND, healsAtS * NS_PER_SECOND);
        Connect(SERVER);
        RunFor(1100);
        client.toSend = 20000;
        client.Push();
        RunFor(healsAtS * 1000 - 1200);
    }

    void
    DoTeardown() override
    {
        ns3::Simulator::Destroy();
        transport->Dispose();
    }

    ns3::TypeId m_tier;
    ns3::Ptr<Transport> transport;
    uint32_t host = 0;
    Peer client;
    Peer server;
};

class SetUpAndRefusals : public TransportTestCase
{
  public:
    explicit SetUpAndRefusals(ns3::TypeId tier)
        : TransportTestCase(tier, "set-up costs a round trip; refusals and absences are told")
    {
    }

  private:
    void
    DoRun() override
    {
        Make();
        Connect(SERVER);
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.openedAt, 2 * LATENCY - 1, "no sooner than a round trip");
        NS_TEST_ASSERT_MSG_LT(client.openedAt, 2 * LATENCY + NS_PER_MS, "and not much later");
        client = Peer();
        Connect(NOBODY);
        RunFor(3000);
        NS_TEST_ASSERT_MSG_EQ(client.failure, QN_UNREACHABLE, "nobody there");
        client = Peer();
        transport->Listen(SERVER, nullptr);
        Connect(SERVER);
        RunFor(1000);
        NS_TEST_ASSERT_MSG_EQ(client.failure, QN_REFUSED, "nobody listens");
        client = Peer();
        transport->Listen(SERVER, &server);
        server.refuses = true;
        Connect(SERVER);
        RunFor(1000);
        bool gone = client.failure == QN_REFUSED || client.resetAt > 0;
        NS_TEST_ASSERT_MSG_EQ(gone, true, "somebody listens, and refuses");
    }
};

class BytesArriveInOrder : public TransportTestCase
{
  public:
    explicit BytesArriveInOrder(ns3::TypeId tier)
        : TransportTestCase(tier,
                            "a long transfer fills the slow link, in order, despite congestion")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 4000000;
        Make();
        Connect(SERVER);
        RunFor(20000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 4000000, "all bytes");
        NS_TEST_ASSERT_MSG_EQ(server.inOrder, true, "each where it belongs");
        int64_t took = server.lastAt - client.openedAt;
        NS_TEST_ASSERT_MSG_GT(took, 4100 * NS_PER_MS, "not faster than the wire");
        NS_TEST_ASSERT_MSG_LT(took, 8000 * NS_PER_MS, "nor idle half of the time");
        NS_TEST_ASSERT_MSG_GT(transport->GetStats(1).congested, 0, "the queue was full at times");
        NS_TEST_ASSERT_MSG_GT(transport->GetStats(1).received, 4000000, "headers are counted");
        NS_TEST_ASSERT_MSG_EQ(transport->GetStats(0).unsent, 0, "nothing is left");
    }
};

class ReadersHoldWriters : public TransportTestCase
{
  public:
    explicit ReadersHoldWriters(ns3::TypeId tier)
        : TransportTestCase(tier,
                            "a silent reader holds the writer; one that reads frees it at once")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 4000000;
        server.reads = false;
        Make();
        Connect(SERVER);
        RunFor(20000);
        size_t held = client.sent;
        NS_TEST_ASSERT_MSG_LT(held, 1200000, "a window and a send buffer");
        server.reads = true;
        server.Pull();
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.sent, held + 100000, "it hears of the room within a second");
        RunFor(20000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 4000000, "and goes on to the end");
        NS_TEST_ASSERT_MSG_EQ(server.inOrder, true, "in order");
    }
};

class HalfCloseWorks : public TransportTestCase
{
  public:
    explicit HalfCloseWorks(ns3::TypeId tier)
        : TransportTestCase(tier, "FIN comes behind the bytes, and the other direction goes on")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 50000;
        Make();
        Connect(SERVER);
        RunFor(300);
        client.socket->Finish();
        RunFor(2000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 50000, "all bytes before the end");
        NS_TEST_ASSERT_MSG_GT(server.eofAt, 0, "then the end");
        NS_TEST_ASSERT_MSG_EQ(server.resetAt, -1, "which is no reset");
        server.toSend = 200000;
        server.Push();
        RunFor(3000);
        NS_TEST_ASSERT_MSG_EQ(client.got, 200000, "the way back still works");
        server.socket->Close();
        RunFor(2000);
        NS_TEST_ASSERT_MSG_GT(client.eofAt, client.lastAt, "and ends cleanly");
        NS_TEST_ASSERT_MSG_EQ(client.resetAt, -1, "both ways");
    }
};

class ResetsAreTold : public TransportTestCase
{
  public:
    explicit ResetsAreTold(ns3::TypeId tier)
        : TransportTestCase(tier, "RST is told as a reset, at once or behind the last bytes")
    {
    }

  private:
    void
    DoRun() override
    {
        Make();
        Connect(SERVER);
        RunFor(300);
        server.toSend = 60000;
        server.Push();
        server.socket->Reset(false);
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.resetAt, 0, "told");
        NS_TEST_ASSERT_MSG_EQ(client.eofAt, -1, "not as a clean end");
        NS_TEST_ASSERT_MSG_LT(client.got, 60000, "most bytes are lost");
        client = Peer();
        server = Peer();
        Connect(SERVER);
        RunFor(300);
        server.toSend = 10000;
        server.Push();
        server.socket->Reset(true);
        RunFor(2000);
        NS_TEST_ASSERT_MSG_EQ(client.got, 10000, "what drains arrives");
        NS_TEST_ASSERT_MSG_GT(client.resetAt, client.lastAt, "and then the reset");
        NS_TEST_ASSERT_MSG_EQ(client.eofAt, -1, "still not a clean end");
    }
};

/// Sends the first conn 100 bytes, the second 200, and so on.
class Counter : public ConnListener
{
  public:
    bool
    Accept(TransportConn* s, const qn_addr&) override
    {
        peers.push_back(std::make_unique<Peer>());
        Peer& peer = *peers.back();
        peer.toSend = 100 * peers.size();
        return peer.Accept(s, CLIENT);
    }

    std::vector<std::unique_ptr<Peer>> peers;
};

class ManyConnsAreToldApart : public TransportTestCase
{
  public:
    explicit ManyConnsAreToldApart(ns3::TypeId tier)
        : TransportTestCase(tier, "each of many conns gets its own bytes, others ending meanwhile")
    {
    }

  private:
    static constexpr size_t CONNS = 60;

    void
    DoRun() override
    {
        Make();
        transport->Listen(SERVER, &m_listener);
        Open();
        for (size_t i = 0; i < CONNS; i += 3)
        {
            m_clients[i]->socket->Reset(false);
            m_clients[i]->socket = nullptr;
            m_clients[i + 1]->socket->Finish();
        }
        size_t before = m_clients[2]->got;
        Open();
        RunFor(8000);
        NS_TEST_ASSERT_MSG_EQ(m_listener.peers.size(), 2 * CONNS, "all were accepted");
        NS_TEST_ASSERT_MSG_GT(before, 0, "those from before");
        for (size_t i = 0; i < m_clients.size(); i++)
        {
            bool whole = m_clients[i]->got == 100 * (i + 1) && m_clients[i]->inOrder;
            bool reset = i < CONNS && i % 3 == 0;
            NS_TEST_ASSERT_MSG_EQ(whole || reset, true, "conn " << i << " has its own bytes");
        }
        NS_TEST_ASSERT_MSG_GT(m_listener.peers[0]->resetAt, 0, "a reset goes to whom it is for");
        NS_TEST_ASSERT_MSG_GT(m_listener.peers[1]->eofAt, 0, "an end too");
        NS_TEST_ASSERT_MSG_EQ(m_listener.peers[2]->eofAt, -1, "and to nobody else");
    }

    /// One after the other, so that the listener numbers them as they are numbered here.
    void
    Open()
    {
        for (size_t i = 0; i < CONNS; i++)
        {
            m_clients.push_back(std::make_unique<Peer>());
            Peer* peer = m_clients.back().get();
            peer->socket = transport->Connect(host, SERVER, peer, 7);
            RunFor(20);
        }
        RunFor(200);
    }

    std::vector<std::unique_ptr<Peer>> m_clients;
    Counter m_listener;
};

class PartitionsHeal : public TransportTestCase
{
  public:
    explicit PartitionsHeal(ns3::TypeId tier)
        : TransportTestCase(tier, "nothing passes a partition; all of it does after it heals")
    {
    }

  private:
    void
    DoRun() override
    {
        SendIntoCut(6);
        NS_TEST_ASSERT_MSG_EQ(server.got, 0, "cut off");
        NS_TEST_ASSERT_MSG_EQ(server.resetAt, -1, "but not ended");
        RunFor(10000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 20000, "healed");
        NS_TEST_ASSERT_MSG_EQ(server.inOrder, true, "in order");
        transport->Cut(0, 1, NowNs(), INT64_MAX);
        client = Peer();
        Connect(SERVER);
        RunFor(20000);
        NS_TEST_ASSERT_MSG_EQ(client.failure, QN_TIMEOUT, "nobody answers");
    }
};

class ConnsOutlastLongPartitions : public TransportTestCase
{
  public:
    explicit ConnsOutlastLongPartitions(ns3::TypeId tier)
        : TransportTestCase(tier, "a conn goes on after two minutes in which nothing passed")
    {
    }

  private:
    void
    DoRun() override
    {
        SendIntoCut(120);
        NS_TEST_ASSERT_MSG_EQ(client.resetAt, -1, "nobody gave up");
        NS_TEST_ASSERT_MSG_EQ(server.got, 0, "cut off");
        RunFor(64000); // the longest that TCP waits before it tries again
        NS_TEST_ASSERT_MSG_EQ(server.got, 20000, "healed");
    }
};

class ListenersMayLeave : public TransportTestCase
{
  public:
    explicit ListenersMayLeave(ns3::TypeId tier)
        : TransportTestCase(tier, "who listened is gone before a handshake is done: a reset")
    {
    }

  private:
    void
    DoRun() override
    {
        Make();
        Connect(SERVER);
        RunFor(75); // the answer to the SYN is on its way
        transport->Listen(SERVER, nullptr);
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.resetAt, 0, "told");
        NS_TEST_ASSERT_MSG_EQ(server.openedAt, -1, "nobody accepted it");
    }
};

class SlownessEnds : public TransportTestCase
{
  public:
    explicit SlownessEnds(ns3::TypeId tier)
        : TransportTestCase(tier,
                            "what waited for a slow line goes on at once when it is quick again")
    {
    }

  private:
    void
    DoRun() override
    {
        Make();
        Connect(SERVER);
        RunFor(300);
        transport->SetRates(1, RATE, RATE / 100);
        client.toSend = 100000;
        client.Push();
        RunFor(4000);
        NS_TEST_ASSERT_MSG_LT(server.got, 42000, "10 kB a second");
        size_t before = server.got;
        transport->SetRates(1, RATE, RATE);
        RunFor(400);
        NS_TEST_ASSERT_MSG_GT(server.got, before + 12000, "the queue went on");
    }
};

class SilenceIsQuiet : public TransportTestCase
{
  public:
    explicit SilenceIsQuiet(ns3::TypeId tier)
        : TransportTestCase(tier, "to somebody who says nothing TCP sends less and less often")
    {
    }

  private:
    void
    DoRun() override
    {
        Make();
        Connect(SERVER);
        // A burst is lost, what is sent again for it too, and then everything.
        transport->Cut(1, 0, NS_PER_SECOND, NS_PER_SECOND + LATENCY);
        transport->Cut(1, 0, NS_PER_SECOND + 5 * LATENCY / 2, INT64_MAX);
        RunFor(300);
        client.toSend = 2000000;
        client.Push();
        RunFor(5000);
        uint64_t before = transport->GetStats(host).sent;
        RunFor(20000);
        uint64_t sent = transport->GetStats(host).sent - before;
        NS_TEST_ASSERT_MSG_GT(sent, 0, "it goes on trying");
        NS_TEST_ASSERT_MSG_LT(sent, 5 * 1500, "in 20 s, a segment at a time");
    }
};

/// Lets nothing pass after a while, or kills conns as injected resets do.
class Wall : public Middlebox
{
  public:
    bool
    Forward(ns3::Ptr<const ns3::Packet> packet,
            const ns3::Ipv4Header& header,
            bool outbound) override
    {
        ns3::TcpHeader tcp;
        ns3::Ptr<ns3::Packet> copy = packet->Copy();
        copy->RemoveHeader(tcp);
        seen += copy->GetSize();
        if (network != nullptr && outbound && copy->GetSize() > 0)
        {
            Forge(header, tcp, copy->GetSize());
        }
        return NowNs() < shutAt;
    }

    /// A reset to the sender, as if the other side had sent it.
    void
    Forge(const ns3::Ipv4Header& header, const ns3::TcpHeader& tcp, uint32_t size)
    {
        ns3::TcpHeader rst;
        rst.SetSourcePort(tcp.GetDestinationPort());
        rst.SetDestinationPort(tcp.GetSourcePort());
        rst.SetFlags(ns3::TcpHeader::RST);
        rst.SetSequenceNumber(tcp.GetAckNumber());
        rst.SetAckNumber(tcp.GetSequenceNumber() + ns3::SequenceNumber32(size));
        auto packet = ns3::Create<ns3::Packet>();
        packet->AddHeader(rst);
        ns3::Ipv4Header ip;
        ip.SetSource(header.GetDestination());
        ip.SetDestination(header.GetSource());
        ip.SetProtocol(6);
        ip.SetTtl(64);
        ip.SetPayloadSize(static_cast<uint16_t>(packet->GetSize()));
        network->Inject(0, packet, ip);
    }

    int64_t shutAt = INT64_MAX;
    uint64_t seen = 0;            ///< data bytes
    RoutedTcp* network = nullptr; ///< where resets are injected
};

class BordersHaveMiddleboxes : public TransportTestCase
{
  public:
    BordersHaveMiddleboxes()
        : TransportTestCase(RoutedTcp::GetTypeId(), "a middlebox sees, drops and injects")
    {
    }

  private:
    void
    DoRun() override
    {
        client.toSend = 100000;
        Make();
        auto* routed = static_cast<RoutedTcp*>(ns3::PeekPointer(transport));
        Wall wall;
        routed->SetMiddlebox(0, &wall);
        Connect(SERVER);
        RunFor(3000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 100000, "it lets pass");
        NS_TEST_ASSERT_MSG_GT(wall.seen, 99999, "what it saw");
        wall.shutAt = 0;
        client.toSend = 1000;
        client.Push();
        RunFor(3000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 100000, "it drops");
        wall.shutAt = INT64_MAX;
        RunFor(20000);
        NS_TEST_ASSERT_MSG_EQ(server.got, 101000, "TCP outlasts it");
        wall.network = routed;
        client.toSend = 1000;
        client.Push();
        RunFor(1000);
        NS_TEST_ASSERT_MSG_GT(client.resetAt, 0, "it injects a reset");
        routed->SetMiddlebox(0, nullptr);
    }
};

class TransportTestSuite : public ns3::TestSuite
{
  public:
    TransportTestSuite()
        : TestSuite("qnet-transport", UNIT)
    {
        for (ns3::TypeId tier :
             {MsgChannel::GetTypeId(), CloudTcp::GetTypeId(), RoutedTcp::GetTypeId()})
        {
            AddTestCase(new SetUpAndRefusals(tier), TestCase::QUICK);
            AddTestCase(new BytesArriveInOrder(tier), TestCase::QUICK);
            AddTestCase(new ReadersHoldWriters(tier), TestCase::QUICK);
            AddTestCase(new HalfCloseWorks(tier), TestCase::QUICK);
            AddTestCase(new ResetsAreTold(tier), TestCase::QUICK);
            AddTestCase(new ManyConnsAreToldApart(tier), TestCase::QUICK);
            AddTestCase(new PartitionsHeal(tier), TestCase::QUICK);
            AddTestCase(new ConnsOutlastLongPartitions(tier), TestCase::QUICK);
        }
        for (ns3::TypeId tier : {CloudTcp::GetTypeId(), RoutedTcp::GetTypeId()})
        {
            AddTestCase(new ListenersMayLeave(tier), TestCase::QUICK);
            AddTestCase(new SlownessEnds(tier), TestCase::QUICK);
            AddTestCase(new SilenceIsQuiet(tier), TestCase::QUICK);
        }
        AddTestCase(new BordersHaveMiddleboxes, TestCase::QUICK);
    }
};

TransportTestSuite g_transportTestSuite;

} // namespace
