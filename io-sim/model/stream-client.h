// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Somebody watches a medium: segments one after another on one stream, each due before the one
 * before has been played. Playing begins when two are there, and stands still while the next is
 * not.
 */
#ifndef QNET_SIM_STREAM_CLIENT_H
#define QNET_SIM_STREAM_CLIENT_H

#include "fetch-client.h"

namespace qnet
{

class StreamClient final : public FetchClient
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    void StartApplication() override;
    void Ended(SocksFetch& fetch) override;
    void Begin();
    void Next();
    void Play();

    static constexpr uint64_t FIRST = 2; ///< segments there before playing begins

    FetchRequest m_request;
    SocksFetch* m_kept = nullptr;
    int64_t m_since = 0;  ///< ns: when the medium was asked for
    uint64_t m_here = 0;  ///< segments
    bool m_plays = false; ///< it has begun
    int64_t m_dry = 0;    ///< ns: when what is here will have been played
};

} // namespace qnet

#endif
