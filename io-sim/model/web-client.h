// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A person reduced to what tornettools' performance clients do: fetch an object, look at it for a
 * while, fetch the next. With large objects and no thought it is bulk.
 */
#ifndef QNET_SIM_WEB_CLIENT_H
#define QNET_SIM_WEB_CLIENT_H

#include "fetch-client.h"

namespace qnet
{

class WebClient final : public FetchClient
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    void StartApplication() override;
    void Ended(SocksFetch& fetch) override;
    void Think();
    void Next();
};

/// Replays requests at the times a trace names, whatever became of those before.
class TraceClient final : public FetchClient
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    void StartApplication() override;
    void Ended(SocksFetch& fetch) override;
    void Wait();
    void Next();

    size_t m_at = 0;
};

/// Request after request on one stream that stays open, with thought between: a chat's messages,
/// and the reference load.
class KeptClient final : public FetchClient
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    void StartApplication() override;
    void Ended(SocksFetch& fetch) override;
    void Think();
    void Next();

    FetchRequest m_request;
    SocksFetch* m_kept = nullptr;
};

} // namespace qnet

#endif
