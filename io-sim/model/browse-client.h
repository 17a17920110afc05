// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A person at a browser as a Markov chain. Reading a page leads, by chance, to another page of the
 * same site or away from it; a page is a document and then its objects, a few at a time.
 */
#ifndef QNET_SIM_BROWSE_CLIENT_H
#define QNET_SIM_BROWSE_CLIENT_H

#include "fetch-client.h"

namespace qnet
{

class BrowseClient final : public FetchClient
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    void StartApplication() override;
    void Ended(SocksFetch& fetch) override;
    void Visit();
    void Open();
    void More();
    void PageOver();

    static constexpr unsigned AT_ONCE = 6; ///< conns to one host, as browsers do over HTTP/1.1

    FetchRequest m_page;
    int64_t m_since = 0;  ///< ns: when the page was asked for
    uint64_t m_left = 0;  ///< objects not asked for yet
    unsigned m_under = 0; ///< under way
    bool m_whole = true;  ///< nothing of the page failed
    bool m_awake = false; ///< More comes
};

} // namespace qnet

#endif
