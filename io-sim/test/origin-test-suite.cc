// SPDX-License-Identifier: GPL-2.0-only
// Web sites and the thread they compute on: nothing they do depends on how fast it is.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "ns3/simulator.h"
#include "ns3/test.h"

#include "origin.h"
#include "sim-time.h"

using namespace qnet;

namespace
{

using Promise = std::promise<void>;
using Job = OriginWorker::Job;

// ---- the thread

class JobsAreDoneInOrder : public ns3::TestCase
{
  public:
    JobsAreDoneInOrder()
        : TestCase("jobs are done in the order they were given")
    {
    }

  private:
    void
    DoRun() override
    {
        OriginWorker worker;
        constexpr size_t N = 500;
        std::vector<size_t> done;
        std::vector<std::future<OriginSaid>> said;
        for (size_t i = 0; i < N; i++)
        {
            said.push_back(worker.Give(Job([i, &done]() {
                done.push_back(i);
                return OriginSaid{std::to_string(i)};
            })));
        }
        for (size_t i = N; i-- > 0;)
        {
            NS_TEST_ASSERT_MSG_EQ(said[i].get().bytes, std::to_string(i), "each says its own");
        }
        for (size_t i = 0; i < N; i++)
        {
            NS_TEST_ASSERT_MSG_EQ(done[i], i, "in their order");
        }
    }
};

class WhoWaitsHearsOfAFailure : public ns3::TestCase
{
  public:
    WhoWaitsHearsOfAFailure()
        : TestCase("what a job throws reaches who waits for it, and the next job is done")
    {
    }

  private:
    void
    DoRun() override
    {
        OriginWorker worker;
        auto bad = worker.Give(Job([]() -> OriginSaid { throw std::runtime_error("bad"); }));
        auto good = worker.Give(Job([]() { return OriginSaid{"good"}; }));
        bool thrown = false;
        try
        {
            bad.get();
        }
        catch (const std::runtime_error&)
        {
            thrown = true;
        }
        NS_TEST_ASSERT_MSG_EQ(thrown, true, "told");
        NS_TEST_ASSERT_MSG_EQ(good.get().bytes, "good", "and gone on");
    }
};

class TheEndWaitsForJobs : public ns3::TestCase
{
  public:
    TheEndWaitsForJobs()
        : TestCase("what was given is done before the thread ends")
    {
    }

  private:
    void
    DoRun() override
    {
        int done = 0;
        {
            OriginWorker worker;
            for (int i = 0; i < 500; i++)
            {
                worker.Give(Job([&done]() {
                    done++;
                    return OriginSaid();
                }));
            }
        }
        NS_TEST_ASSERT_MSG_EQ(done, 500, "all of it");
    }
};

class NoMoreThanTheLimitWait : public ns3::TestCase
{
  public:
    NoMoreThanTheLimitWait()
        : TestCase("no more jobs wait than the limit says")
    {
    }

  private:
    void
    DoRun() override
    {
        OriginWorker worker;
        Promise full;
        size_t most = 0;
        worker.Give(Job([&full]() {
            full.get_future().wait();
            return OriginSaid();
        }));
        std::thread watcher([&]() {
            while (worker.GetWaiting() < OriginWorker::LIMIT)
            {
                std::this_thread::yield();
            }
            full.set_value();
        });
        std::future<OriginSaid> last;
        for (size_t i = 0; i < 4 * OriginWorker::LIMIT; i++)
        {
            last = worker.Give(Job([&]() {
                most = std::max(most, worker.GetWaiting());
                return OriginSaid();
            }));
        }
        last.wait();
        watcher.join();
        NS_TEST_ASSERT_MSG_LT_OR_EQ(most, OriginWorker::LIMIT, "the giver has waited");
    }
};

// ---- sites

constexpr int64_t DELAY = NS_PER_MS;
constexpr int64_t EPOCH = 1767225600;
const std::string NAME = "site.example";
const std::string PROXY_LOCAL("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16); ///< no addresses

/// A node that notes what its site says, and when.
class Listener : public ConnUser
{
  public:
    void
    ConnOpened(uint32_t) override
    {
    }

    void
    ConnFailed(uint32_t, qn_err) override
    {
    }

    void
    ConnReadable(uint32_t) override
    {
        qn_slice piece;
        while (conn->Peek(&piece, 1) > 0)
        {
            bytes.append(reinterpret_cast<const char*>(piece.p), piece.n);
            conn->Consume(piece.n);
            at.push_back(NowNs());
        }
        if (conn->AtEof())
        {
            eofAt = NowNs();
        }
    }

    void
    ConnWritable(uint32_t) override
    {
    }

    void
    ConnReset(uint32_t) override
    {
    }

    void
    Say(const std::string& text)
    {
        qn_slice slice{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
        conn->Write(&slice, 1);
    }

    std::shared_ptr<LocalConn> conn;
    std::string bytes;
    std::vector<int64_t> at;
    int64_t eofAt = -1;
};

/// One site with one visitor whose first flight is a real one, with the PROXY header in front.
class SiteTestCase : public ns3::TestCase
{
  public:
    explicit SiteTestCase(const std::string& claim)
        : TestCase(claim)
    {
    }

  protected:
    void
    Make(const OriginHabits& habits)
    {
        node = Listener();
        authority = std::make_unique<OriginAuthority>(1, EPOCH);
        site = std::make_unique<Origin>(authority.get(), NAME, 1, 0, habits);
        node.conn = site->Open();
        node.conn->SetNode(&node, 1);
        hello = PROXY_LOCAL + Hello();
    }

    std::string
    Hello()
    {
        qn_drbg stream;
        qn_drbg_init(&stream, "test", 1, 0);
        SeededCrypto::DrawFrom(&stream);
        SslPtr<SSL_CTX> context(
            SSL_CTX_new_ex(authority->GetCrypto().Get(), nullptr, TLS_client_method()));
        SslPtr<SSL> ssl(SSL_new(context.get()));
        SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_connect(ssl.get());
        SeededCrypto::DrawFrom(nullptr);
        std::string made(BIO_ctrl_pending(SSL_get_wbio(ssl.get())), '\0');
        BIO_read(SSL_get_wbio(ssl.get()), made.data(), static_cast<int>(made.size()));
        return made;
    }

    void
    RunFor(int64_t ns)
    {
        ns3::Simulator::Stop(Ns(ns));
        ns3::Simulator::Run();
    }

    void
    DoTeardown() override
    {
        ns3::Simulator::Destroy();
        node.conn.reset();
        site.reset();
        authority.reset();
    }

    std::unique_ptr<OriginAuthority> authority;
    std::unique_ptr<Origin> site;
    Listener node;
    std::string hello;
};

class AnswersWaitForTheirTime : public SiteTestCase
{
  public:
    AnswersWaitForTheirTime()
        : SiteTestCase("a slow thread and a quick one give the same bytes at the same time")
    {
    }

  private:
    /// A hello in two pieces, half a delay apart. The thread may begin at `begin`.
    void
    Visit(int64_t begin)
    {
        Make({DELAY});
        Promise gate;
        authority->GetWorker().Give(Job([&gate]() {
            gate.get_future().wait();
            return OriginSaid();
        }));
        ns3::Simulator::Schedule(Ns(begin), [&gate]() { gate.set_value(); });
        node.Say(hello.substr(0, 100));
        ns3::Simulator::Schedule(Ns(DELAY / 2), [this]() { node.Say(hello.substr(100)); });
        RunFor(10 * DELAY);
    }

    void
    DoRun() override
    {
        Visit(0);
        std::string quick = node.bytes;
        NS_TEST_ASSERT_MSG_GT(quick.size(), 1000, "a server's first flight");
        NS_TEST_ASSERT_MSG_EQ(node.at.size(), 1, "at one time");
        NS_TEST_ASSERT_MSG_EQ(node.at[0], DELAY / 2 + DELAY, "a delay behind the whole hello");
        DoTeardown();
        Visit(DELAY - 1);
        NS_TEST_ASSERT_MSG_EQ((node.bytes == quick), true, "the same bytes");
        NS_TEST_ASSERT_MSG_EQ(node.at[0], DELAY / 2 + DELAY, "at the same time");
    }
};

class TheEndStaysBehindTheAnswer : public SiteTestCase
{
  public:
    TheEndStaysBehindTheAnswer()
        : SiteTestCase("what was told within an answer's time is answered along with it")
    {
    }

  private:
    void
    DoRun() override
    {
        Make({DELAY});
        node.Say(hello);
        ns3::Simulator::Schedule(Ns(DELAY / 2), [this]() { node.conn->Finish(); });
        RunFor(10 * DELAY);
        NS_TEST_ASSERT_MSG_GT(node.bytes.size(), 1000, "the answer");
        NS_TEST_ASSERT_MSG_EQ(node.eofAt, DELAY, "and the end, in the answer's time");
    }
};

class SitesMayEndUnanswered : public SiteTestCase
{
  public:
    SitesMayEndUnanswered()
        : SiteTestCase("a conn and a site end while their thread has not begun what they were told")
    {
    }

  private:
    void
    DoRun() override
    {
        Make({DELAY});
        Promise gate;
        authority->GetWorker().Give(Job([&gate]() {
            gate.get_future().wait();
            return OriginSaid();
        }));
        Listener second;
        second.conn = site->Open();
        second.conn->SetNode(&second, 2);
        node.Say(hello);
        second.Say(hello);
        node.conn->Reset(false);
        gate.set_value();
        site.reset();
        RunFor(10 * DELAY);
        NS_TEST_ASSERT_MSG_EQ(node.bytes.size() + second.bytes.size(), 0, "nobody is answered");
    }
};

class ABusySiteAnswersLater : public SiteTestCase
{
  public:
    ABusySiteAnswersLater()
        : SiteTestCase("a site takes time for requests: a hello waits for the delay alone")
    {
    }

  private:
    void
    DoRun() override
    {
        Make({DELAY, DELAY});
        node.Say(hello);
        RunFor(10 * DELAY);
        NS_TEST_ASSERT_MSG_EQ(node.at.size(), 1, "answered");
        NS_TEST_ASSERT_MSG_EQ(node.at[0], DELAY, "a hello is no request");
    }
};

class OriginTestSuite : public ns3::TestSuite
{
  public:
    OriginTestSuite()
        : TestSuite("qnet-origin", UNIT)
    {
        AddTestCase(new JobsAreDoneInOrder, TestCase::QUICK);
        AddTestCase(new WhoWaitsHearsOfAFailure, TestCase::QUICK);
        AddTestCase(new TheEndWaitsForJobs, TestCase::QUICK);
        AddTestCase(new NoMoreThanTheLimitWait, TestCase::QUICK);
        AddTestCase(new AnswersWaitForTheirTime, TestCase::QUICK);
        AddTestCase(new TheEndStaysBehindTheAnswer, TestCase::QUICK);
        AddTestCase(new SitesMayEndUnanswered, TestCase::QUICK);
        AddTestCase(new ABusySiteAnswersLater, TestCase::QUICK);
    }
};

OriginTestSuite g_originTestSuite;

} // namespace
