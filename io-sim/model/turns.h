// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Conns that wait for their turn, first come first served. Nearly always none do, in a hundred
 * thousand nodes; a std::deque takes 640 bytes for that.
 */
#ifndef QNET_SIM_TURNS_H
#define QNET_SIM_TURNS_H

#include <vector>

#include "qnet/node.h"

namespace qnet
{

class Turns
{
  public:
    bool
    IsEmpty() const
    {
        return m_conns.empty();
    }

    void
    Add(qn_conn c)
    {
        m_conns.push_back(c);
    }

    /// Not from an empty one.
    qn_conn
    Take()
    {
        qn_conn c = m_conns[m_next++];
        if (m_next * 2 >= m_conns.size()) // so each conn is moved once, on average
        {
            m_conns.erase(m_conns.begin(), m_conns.begin() + static_cast<std::ptrdiff_t>(m_next));
            m_next = 0;
        }
        return c;
    }

    void
    Clear()
    {
        m_conns.clear();
        m_next = 0;
    }

  private:
    std::vector<qn_conn> m_conns;
    size_t m_next = 0; ///< those before it have had their turn
};

} // namespace qnet

#endif
