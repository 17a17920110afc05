// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A few verbs that write HTML which is also well-formed XML.
 */
#ifndef QNET_SIM_HTML_H
#define QNET_SIM_HTML_H

#include <string>
#include <vector>

namespace qnet
{

std::string Escape(const std::string& text);

class Html
{
  public:
    /// \param attributes as written, " class='x'"
    void Open(const std::string& tag, const std::string& attributes = "");
    void Close(); ///< the innermost open tag
    void Text(const std::string& tag, const std::string& text, const std::string& attributes = "");
    void Raw(const std::string& markup); ///< already markup, and well-formed
    /// The first row is the head. Cells after the first of a row are numbers, set to the right.
    void Table(const std::vector<std::vector<std::string>>& rows);
    std::string Take(); ///< closes what is open

  private:
    std::string m_out;
    std::vector<std::string> m_open;
};

} // namespace qnet

#endif
