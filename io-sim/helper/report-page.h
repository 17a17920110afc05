// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What a report's page is made of, whether of one run or of a sweep: one file, nothing loaded from
 * elsewhere.
 */
#ifndef QNET_SIM_REPORT_PAGE_H
#define QNET_SIM_REPORT_PAGE_H

#include <string>
#include <vector>

#include "figures.h"
#include "html.h"

namespace qnet
{

/// 1234567 as "1,234,567".
std::string Grouped(uint64_t value);

class ReportPage : public Html
{
  public:
    void Begin(const std::string& title); ///< the head, and an open body
    /// \param mood "good", "bad" or ""
    void Tile(const std::string& value, const std::string& label, const std::string& mood);
    /// Of a definition list; none if there is no text.
    void Line(const std::string& term, const std::string& text);
    /// \param attributes of what is around them: " class=\"columns\"" puts narrow ones side by side
    /// The SVG files in `folder`/figs with their captions. \param noFigures why there are none, or
    /// ""
    void Pictures(const std::string& folder,
                  const std::vector<Figure>& figures,
                  const std::string& noFigures,
                  const std::string& attributes = "");
};

} // namespace qnet

#endif
