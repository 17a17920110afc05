// SPDX-License-Identifier: GPL-2.0-only
#include "origin.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "origin-conn.h"
#include "sim-time.h"

namespace qnet
{

namespace
{

/// Where a peer dials its own machine. No other address of the simulation is a loopback's.
constexpr qn_addr LOOPBACK{4, {127, 0, 0, 1}, 8443};
constexpr uint16_t ALERT = 2 + 1 + 16;      ///< level, description; inner type; tag
constexpr uint16_t GOAWAY = 9 + 8 + 1 + 16; ///< frame header, two numbers; inner type; tag
/// ECDSA signatures are a few bytes longer or shorter, and so is what is measured; a flight less
/// this is still longer than one without its last record.
constexpr uint32_t SLACK = 8;

qn_slice
SliceOf(const char* text)
{
    return {reinterpret_cast<const uint8_t*>(text), std::strlen(text)};
}

void
Must(bool ok)
{
    if (!ok)
    {
        throw std::runtime_error("a simulated web site does not complete its own handshake");
    }
}

/// The lengths of the application records among these bytes.
std::vector<uint32_t>
ApplicationRecords(const std::vector<uint8_t>& bytes)
{
    std::vector<uint32_t> lengths;
    for (size_t at = 0; at + 5 <= bytes.size();)
    {
        uint32_t length = static_cast<uint32_t>(bytes[at + 3]) << 8 | bytes[at + 4];
        if (bytes[at] == 23)
        {
            lengths.push_back(length);
        }
        at += 5 + length;
    }
    return lengths;
}

std::vector<uint8_t>
TakeAll(BIO* from)
{
    std::vector<uint8_t> bytes(BIO_ctrl_pending(from));
    Must(BIO_read(from, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size()));
    return bytes;
}

/// A browser's hello, as far as a server's flight depends on it.
SslPtr<SSL>
MakeVisitor(SSL_CTX* context, const std::string& name)
{
    static const unsigned char http2[] = {2, 'h', '2'};
    SslPtr<SSL> ssl(SSL_new(context));
    Must(ssl != nullptr && SSL_set_tlsext_host_name(ssl.get(), name.c_str()) == 1 &&
         SSL_set_alpn_protos(ssl.get(), http2, sizeof http2) == 0 &&
         SSL_set_ciphersuites(ssl.get(), "TLS_AES_128_GCM_SHA256") == 1 &&
         SSL_set1_groups_list(ssl.get(), "X25519") == 1);
    SSL_set_connect_state(ssl.get());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return ssl;
}

} // namespace

Origin::Origin(OriginAuthority* authority,
               const std::string& name,
               uint64_t seed,
               uint64_t index,
               const OriginHabits& habits)
    : m_authority(authority),
      m_name(name),
      m_habits(habits)
{
    qn_drbg_init(&m_stream, "qnet-sim-origin", seed, index);
    SeededCrypto::DrawFrom(&m_stream);
    m_server = authority->MakeServer(name);
    Measure();
    SeededCrypto::DrawFrom(nullptr);
    m_facts.name[0] = SliceOf(m_name.c_str());
    m_facts.names_n = 1;
    m_facts.addr = LOOPBACK;
    m_facts.alert = ALERT;
    m_facts.on_close_notify = {true, false};
    m_facts.goaway = GOAWAY;
    m_facts.largest_record = 16384;
    m_facts.requests = habits.requests;
    m_facts.seconds = static_cast<uint32_t>(habits.age / NS_PER_SECOND);
    m_facts.idle = static_cast<uint32_t>(habits.idle / NS_PER_SECOND);
    for (const OriginPage& page : OriginVisit::GetPages())
    {
        qn_htx_page entry{SliceOf(page.path), page.size};
        bool single = page.size < m_facts.largest_record / 2;
        (single ? m_facts.second[m_facts.second_n++] : m_facts.first[m_facts.first_n++]) = entry;
    }
}

/// The sites' thread uses what is this origin's until its visits have ended there.
Origin::~Origin()
{
    if (m_next > 0)
    {
        m_conns.clear();
        Give(OriginWorker::Job([]() { return OriginSaid(); })).wait();
    }
}

/// A visit in memory, to see how long the server's first flight is.
void
Origin::Measure()
{
    SslPtr<SSL_CTX> context(
        SSL_CTX_new_ex(m_authority->GetCrypto().Get(), nullptr, TLS_client_method()));
    Must(context != nullptr);
    SslPtr<SSL> visitor = MakeVisitor(context.get(), m_name);
    SslPtr<SSL> server(SSL_new(m_server.get()));
    Must(server != nullptr);
    SSL_set_bio(server.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    Must(SSL_do_handshake(visitor.get()) == -1);
    std::vector<uint8_t> hello = TakeAll(SSL_get_wbio(visitor.get()));
    Must(BIO_write(SSL_get_rbio(server.get()), hello.data(), static_cast<int>(hello.size())) > 0 &&
         SSL_accept(server.get()) == -1);
    std::vector<uint32_t> flight = ApplicationRecords(TakeAll(SSL_get_wbio(server.get())));
    Must(flight.size() >= 2);
    for (uint32_t length : flight)
    {
        m_facts.flight += length;
    }
    m_facts.flight -= SLACK;
    m_facts.flight_resumed = flight.front() + flight.back() - SLACK;
}

const qn_htx_origin&
Origin::GetFacts() const
{
    return m_facts;
}

const std::string&
Origin::GetName() const
{
    return m_name;
}

std::shared_ptr<LocalConn>
Origin::Open()
{
    uint64_t number = m_next++;
    auto conn = std::make_unique<OriginConn>(this, number);
    std::shared_ptr<LocalConn> socket = conn->GetConn();
    m_conns[number] = std::move(conn);
    return socket;
}

int64_t
Origin::Serve(uint64_t requests)
{
    int64_t now = NowNs();
    m_free = std::max(m_free, now) + static_cast<int64_t>(requests) * m_habits.service;
    return m_habits.delay + (requests > 0 ? m_free - now : 0);
}

/// A conn deletes itself so: nothing of it may be touched afterwards.
void
Origin::Ended(uint64_t conn)
{
    m_conns.erase(conn);
}

std::future<OriginSaid>
Origin::Give(OriginWorker::Job job)
{
    return m_authority->GetWorker().Give(std::move(job));
}

} // namespace qnet
