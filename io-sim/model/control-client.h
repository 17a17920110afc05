// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One of the people of a control (control-flow.h): visits a server, thinks, visits the next. Each
 * visit is a new conn, and succeeds when all it asked for has come in time.
 */
#ifndef QNET_SIM_CONTROL_CLIENT_H
#define QNET_SIM_CONTROL_CLIENT_H

#include <memory>
#include <string>
#include <vector>

#include "ns3/application.h"
#include "ns3/event-id.h"

#include "browser/browser.h"

#include "control-flow.h"
#include "shared-core.h"

namespace qnet
{

struct ControlSite
{
    qn_addr addr;
    std::string name; ///< a browser's
};

/// What the people of one control share.
struct ControlHabits
{
    std::vector<ControlSite> servers;
    uint64_t size = 0;                ///< bytes of an answer; a browser's pages are the site's
    uint64_t think = 0;               ///< mean, ns
    uint64_t timeout = 0;             ///< ns
    const lab_guise* guise = nullptr; ///< Browser only
};

struct ControlVisit
{
    int64_t start; ///< ns
    int64_t took;  ///< ns; -1: it failed, or was not over at the end
};

class ControlClient final : public ns3::Application, private ConnUser
{
  public:
    static ns3::TypeId GetTypeId();
    ControlClient();
    ~ControlClient() override;

    /// What is pointed to outlives it.
    void Setup(const SharedCore* shared,
               const Transport::HostConfig& host,
               ControlFlows* flows,
               const ControlHabits* habits,
               uint32_t index);
    uint32_t GetHost() const;
    const std::vector<ControlVisit>& GetVisits() const;

  protected:
    void DoDispose() override;

  private:
    void StartApplication() override;
    void StopApplication() override;
    void ConnOpened(uint32_t key) override;
    void ConnFailed(uint32_t key, qn_err why) override;
    void ConnReadable(uint32_t key) override;
    void ConnWritable(uint32_t key) override;
    void ConnReset(uint32_t key) override;

    void Visit();
    void Push();
    void Took(const qn_slice& piece);
    bool IsDone() const;
    void OutOfPatience();
    void Conclude(bool done);
    void DropBrowser();

    const SharedCore* m_shared = nullptr;
    uint32_t m_host = 0;
    ControlFlows* m_flows = nullptr;
    const ControlHabits* m_habits = nullptr;
    std::unique_ptr<Draws> m_draws;
    qn_drbg m_drbg{};
    qn_env m_env{};

    TransportConn* m_conn = nullptr;
    uint32_t m_key = 0; ///< of this visit's conn
    lab_browser* m_browser = nullptr;
    std::string m_out;
    uint64_t m_flight = 0; ///< bytes that the server says before the client goes on
    uint64_t m_want = 0;   ///< bytes in all
    uint64_t m_got = 0;
    bool m_went = false; ///< the client has gone on
    ns3::EventId m_timer;
    std::vector<ControlVisit> m_visits;
};

} // namespace qnet

#endif
