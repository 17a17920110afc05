// SPDX-License-Identifier: GPL-2.0-only
// The simulated half of the two-world test: holds the conversation of a file on a simulated mesh
// and prints, for each step, what the program at the SOCKS port saw. tests/sim/two_world_test.py
// holds the same conversation on real sockets and compares line by line.
//
// usage: two_world_sim MESH.yaml CONVERSATION.txt
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "ns3/simulator.h"

#include "digest.h"
#include "sim-time.h"
#include "simulation.h"
#include "web-object.h"

using namespace qnet;

namespace
{

constexpr int64_t BEGIN_NS = 5 * NS_PER_SECOND; ///< the client knows the network by then
constexpr const char* SERVER = "www0.example";
constexpr uint16_t CLOSED_PORT = 443; ///< allowed by every exit, and nobody listens
constexpr uint16_t FORBIDDEN_PORT = 25;

struct Step
{
    std::string line;
    std::string verb;
    std::string route;
    uint64_t object = 0;
    uint64_t cut = 0;
};

class Conversation : public LocalUser
{
  public:
    Conversation(ns3::Ptr<NodeApp> node, std::vector<Step> steps)
        : m_node(node),
          m_steps(std::move(steps))
    {
    }

    void
    Next()
    {
        if (m_at == m_steps.size())
        {
            ns3::Simulator::Stop();
            return;
        }
        m_in.clear();
        m_stage = 0;
        m_reply = -1;
        m_conn = m_node->OpenSocks(this);
        Send(std::string("\5\1\2", 3));
    }

    bool
    Complete() const
    {
        return m_at == m_steps.size();
    }

  private:
    const Step&
    Now() const
    {
        return m_steps[m_at];
    }

    void
    Send(const std::string& text)
    {
        m_conn->Send(text.data(), text.size());
    }

    std::string
    Connect() const
    {
        uint16_t port = 80;
        if (Now().verb == "refused")
        {
            port = CLOSED_PORT;
        }
        else if (Now().verb == "forbidden")
        {
            port = FORBIDDEN_PORT;
        }
        std::string host = SERVER;
        return std::string("\5\1\0\3", 4) + static_cast<char>(host.size()) + host +
               static_cast<char>(port >> 8) + static_cast<char>(port & 255);
    }

    std::string
    Get() const
    {
        std::string path = "/bytes/" + std::to_string(Now().object);
        if (Now().verb == "reset")
        {
            path = "/reset/" + std::to_string(Now().object) + "/" + std::to_string(Now().cut);
        }
        return "GET " + path + " HTTP/1.1\r\nHost: " + SERVER + "\r\nConnection: close\r\n\r\n";
    }

    /// One message of the SOCKS dialogue. \return false when more bytes are needed
    bool
    Advance()
    {
        static const size_t needs[] = {2, 2, 10};
        if (m_stage > 2 || m_in.size() < needs[m_stage])
        {
            return false;
        }
        std::string message = m_in.substr(0, needs[m_stage]);
        m_in.erase(0, needs[m_stage]);
        m_stage++;
        if (m_stage == 1)
        {
            Send(std::string(1, '\1') + static_cast<char>(Now().route.size()) + Now().route +
                 "\1x");
        }
        else if (m_stage == 2)
        {
            Send(Connect());
        }
        else
        {
            m_reply = message[1];
            if (m_reply == 0)
            {
                Send(Get());
            }
        }
        return true;
    }

    void
    LocalBytes(const uint8_t* p, size_t n) override
    {
        m_in.append(reinterpret_cast<const char*>(p), n);
        while (Advance())
        {
        }
    }

    void
    LocalEof() override
    {
        m_conn->SendEof();
        End("fin");
    }

    void
    LocalReset() override
    {
        End("rst");
    }

    /// Whether what came of a response that was cut is right as far as it goes.
    bool
    RightSoFar() const
    {
        size_t body = m_in.find("\r\n\r\n");
        if (body == std::string::npos)
        {
            return true;
        }
        body += 4;
        return m_in.size() - body <= Now().cut &&
               WebObjectMatches(Now().object,
                                0,
                                reinterpret_cast<const uint8_t*>(m_in.data()) + body,
                                m_in.size() - body);
    }

    void
    End(const char* how)
    {
        std::printf("%s: reply %d, ", Now().line.c_str(), m_reply);
        if (Now().verb == "reset")
        {
            std::printf("%s, ", RightSoFar() ? "right so far" : "WRONG");
        }
        else
        {
            Sha256 sha;
            sha.Add(m_in);
            std::printf("%zu bytes %s, ", m_in.size(), sha.Hex().c_str());
        }
        std::printf("end %s\n", how);
        m_at++;
        ns3::Simulator::Schedule(Ns(NS_PER_MS), &Conversation::Next, this);
    }

    ns3::Ptr<NodeApp> m_node;
    std::vector<Step> m_steps;
    size_t m_at = 0;
    std::shared_ptr<LocalConn> m_conn;
    std::string m_in;
    size_t m_stage = 0;
    int m_reply = -1;
};

std::vector<Step>
ReadSteps(const char* path)
{
    std::vector<Step> steps;
    std::ifstream file(path);
    if (!file)
    {
        throw std::runtime_error(std::string("cannot read ") + path);
    }
    for (std::string line; std::getline(file, line);)
    {
        if (line.empty() || line[0] == '#')
        {
            continue;
        }
        Step step;
        step.line = line;
        std::istringstream(line) >> step.verb >> step.route >> step.object >> step.cut;
        steps.push_back(step);
    }
    return steps;
}

int
Hold(const char* mesh, const char* conversation, Tier tier)
{
    Scenario scenario = ReadScenario(mesh, {});
    std::vector<Step> steps = ReadSteps(conversation);
    Simulation simulation(scenario, 1, tier);
    ns3::Ptr<NodeApp> client = simulation.GetMembers().back().app;
    Conversation talk(client, steps);
    ns3::Simulator::Schedule(Ns(BEGIN_NS), &Conversation::Next, &talk);
    simulation.Run();
    if (!talk.Complete())
    {
        std::fputs("two_world_sim: the conversation did not end in time\n", stderr);
        return 1;
    }
    return 0;
}

} // namespace

int
main(int argc, char** argv)
{
    Tier tier = Tier::M;
    if (argc != 4 || !ParseTier(argv[3], &tier))
    {
        std::fputs("usage: two_world_sim MESH.yaml CONVERSATION.txt TIER\n", stderr);
        return 2;
    }
    try
    {
        return Hold(argv[1], argv[2], tier);
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "two_world_sim: %s\n", error.what());
        return 1;
    }
}
