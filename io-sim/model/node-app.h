// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A QNet node as an ns-3 application: the same core the shipped program runs, driven by the law of
 * qnet/node.h over the simulated network.
 */
#ifndef QNET_SIM_NODE_APP_H
#define QNET_SIM_NODE_APP_H

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ns3/application.h"
#include "ns3/event-id.h"
#include "ns3/traced-callback.h"

#include "local-conn.h"
#include "origin.h"
#include "shared-core.h"
#include "turns.h"

namespace qnet
{

class NodeApp final : public ns3::Application, private ConnUser, private ConnListener
{
  public:
    static ns3::TypeId GetTypeId();
    NodeApp();
    ~NodeApp() override;

    /// Where the node lives and who it is; once, before the simulation starts.
    /// \param index numbers the node in this run: its random bytes depend on it and the seed only
    void Setup(SharedCore* shared, uint32_t index, const qn_addr& addr, const qn_keys& keys);
    /// This node signs snapshots with this key.
    void SetOperator(const qn_secret32& seed);

    /// This node's carrier is HTX, its browser this profile, which trusts these certificates. Both
    /// outlive the node.
    void SetHtx(const std::string* profile, const std::string* roots);
    /// The web site it stands in front of: needed with HTX where others link to the node.
    void SetOrigin(std::unique_ptr<Origin> origin);
    /// An operator's mirror keys, as qn_htx_found made them, and a replay set as it was stored.
    void SetMirrorKeys(std::vector<uint8_t> keys, std::vector<uint8_t> replay);

    /// No list names it: it lets in who has been invited with this key.
    void SetUnlisted(const qn_secret32& psk);
    /// The invitations that it enters by from its next start on, and by nothing else.
    void SetInvited(const std::string& text);
    /// What it has stored by a name; none if it has not.
    qn_slice GetStored(const char* name) const;

    /// Ends the process without a word of its own: the kernel closes its conns.
    void Crash();
    /// Starts it again. It finds what it stored if KeepDisk was called before the run.
    void Boot();
    void KeepDisk();
    /// What it has stored is gone, before it is started again.
    void LoseDisk();
    /// Its wall clock is so many seconds ahead from now on.
    void SetClock(int64_t ahead);
    /// Its processor and its lines have so many thousandths of their speed from now on.
    void SetSlow(uint32_t permille);
    /// It tells these lies from now on (bits by lie); needs SharedCore::liar. 0: none any more.
    void SetLies(uint32_t lies);

    /// A program on this machine connects to the SOCKS port. \return null if the node is not up
    std::shared_ptr<LocalConn> OpenSocks(LocalUser* program);

    bool IsUp() const;
    uint32_t GetIndex() const;
    uint32_t GetHost() const;
    qn_mode GetMode() const;
    /// Counters go on over crashes; all else is zero while the node is not up.
    qn_status GetStatus() const;
    /// PeerIDs of the hops of one of its circuits, entry first; empty: it has no such circuit.
    std::vector<qn_peerid> GetHops(uint64_t circuit) const;
    int64_t GetCpuNs() const; ///< that its processor was busy
    const PromiseCounts& GetBroken() const;
    /// Bytes its core held at most since it last came up.
    uint64_t GetMemoryPeak() const;

    /// Trace signature of all events of the core. \param index the node's
    typedef void (*EventTracedCallback)(uint32_t index, const qn_event& event);

  protected:
    void DoDispose() override;

  private:
    struct Entry
    {
        ByteConn* conn = nullptr;
        std::shared_ptr<LocalConn> local; ///< the same conn, if it is one
        bool eofTold = false;
        bool finishing = false;
        bool closing = false;   ///< the node only waits for its last bytes to leave
        bool resetting = false; ///< closing, and then by RST
        bool lingers = false;   ///< a killed process would end it with RST
        bool toSend = false;
        bool toRead = false;
    };

    void StartApplication() override;
    void StopApplication() override;

    void ConnOpened(uint32_t key) override;
    void ConnFailed(uint32_t key, qn_err why) override;
    void ConnReadable(uint32_t key) override;
    void ConnWritable(uint32_t key) override;
    void ConnReset(uint32_t key) override;
    bool Accept(TransportConn* conn, const qn_addr& from) override;

    qn_slice Stored(const char* name) const;
    qn_node_cfg MakeConfig() const;
    qn_htx_cfg MakeHtxConfig() const;
    void Dial(const qn_action& a);
    void LocalOpened(uint32_t life, qn_conn c);
    void Door(bool open);
    Entry* Find(qn_conn c);
    void Forget(qn_conn c);
    void Enter();
    void Charge(uint64_t writes);
    bool IsBusy();
    void Resume();
    void Drive();
    void Perform(const qn_action& a);
    void PerformReset(const qn_action& a);
    void BeginClose(qn_conn c, bool byReset);
    void FinishClose(qn_conn c);
    void Observe(const qn_event& event);
    void QueueSend(qn_conn c);
    void QueueRead(qn_conn c);
    void Flush(qn_conn c);
    bool Push(qn_conn c, Entry& e);
    void Read(qn_conn c);
    void Arm();
    void Tick();
    void Store(const qn_action& a);
    void Resolved(uint32_t life, uint32_t query, std::string name, uint16_t port);
    void CloseOver(uint32_t life, qn_conn c);
    void LetGo(uint32_t life);
    void Watch();
    void WatchDial(const qn_addr& to);
    void WatchResolve(const qn_action& a);

    qn_mode m_mode = QN_CLIENT;
    qn_route m_route = QN_ROUTE_FAST;
    uint32_t m_region = 0;
    uint64_t m_up = 0;
    uint64_t m_down = 0;
    uint64_t m_memoryLimit = 0;
    uint64_t m_delay = 0;
    uint32_t m_loss = 0;
    std::string m_country;
    uint32_t m_pool = 0;
    bool m_returning = false;
    uint32_t m_cpuSpeed = 1000; ///< permille

    SharedCore* m_shared = nullptr;
    uint32_t m_index = 0;
    uint32_t m_host = 0;
    qn_addr m_addr{};
    qn_keys m_keys{};
    const std::string* m_profile = nullptr; ///< null: the bare carrier
    const std::string* m_roots = nullptr;
    std::unique_ptr<Origin> m_origin;
    std::map<std::string, std::vector<uint8_t>> m_disk; ///< by STORE's names
    bool m_keepDisk = false;
    int64_t m_clockAhead = 0;   ///< seconds
    uint32_t m_slow = 1000;     ///< permille
    uint32_t m_lies = 0;        ///< bits
    uint64_t m_listVersion = 0; ///< of this life's list
    uint32_t m_life = 0;        ///< numbers its starts, so that events of an earlier one are known
    std::unique_ptr<qn_counters> m_past; ///< of earlier lives; null: none
    PromiseCounts m_broken;
    bool m_hasOperator = false;
    bool m_unlisted = false;
    qn_secret32 m_psk{};
    std::string m_invited;
    qn_secret32 m_operator{};

    qn_drbg m_drbg{};
    qn_env m_env{};
    qn_node* m_node = nullptr;
    std::unordered_map<qn_conn, Entry> m_conns; ///< looked up by name, never walked in a run
    Entry* m_found = nullptr; ///< what was looked up last: one event asks for one conn many times
    qn_conn m_foundConn = 0;
    Turns m_toSend;
    Turns m_toRead;
    std::unique_ptr<qn_counters> m_charged; ///< what the processor has spent time on; null: nothing
    int64_t m_cpuFree = 0;                  ///< ns: when it has
    int64_t m_cpuSpent = 0;                 ///< ns, in all
    ns3::EventId m_resume;
    bool m_socksPaused = false;
    ns3::EventId m_timer;
    qn_time m_armed = QN_NEVER;

    using EventTrace = ns3::TracedCallback<uint32_t, const qn_event&>;
    EventTrace m_linkUp;
    EventTrace m_linkDown;
    EventTrace m_snapshot;
    EventTrace m_circuitBuilt;
    EventTrace m_circuitEnded;
    EventTrace m_streamOpened;
    EventTrace m_streamFirst;
    EventTrace m_streamEnded;
};

} // namespace qnet

#endif
