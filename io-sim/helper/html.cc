// SPDX-License-Identifier: GPL-2.0-only
#include "html.h"

namespace qnet
{

std::string
Escape(const std::string& text)
{
    std::string out;
    for (char c : text)
    {
        switch (c)
        {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            // XML 1.0 has no other control characters.
            out += static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' ? ' ' : c;
        }
    }
    return out;
}

void
Html::Open(const std::string& tag, const std::string& attributes)
{
    m_out += "<" + tag + attributes + ">";
    m_open.push_back(tag);
}

void
Html::Close()
{
    m_out += "</" + m_open.back() + ">\n";
    m_open.pop_back();
}

void
Html::Text(const std::string& tag, const std::string& text, const std::string& attributes)
{
    m_out += "<" + tag + attributes + ">" + Escape(text) + "</" + tag + ">\n";
}

void
Html::Raw(const std::string& markup)
{
    m_out += markup;
}

void
Html::Table(const std::vector<std::vector<std::string>>& rows)
{
    Open("div", " class=\"scroll\"");
    Open("table");
    for (size_t i = 0; i < rows.size(); i++)
    {
        Open("tr");
        for (const std::string& cell : rows[i])
        {
            Text(i == 0 ? "th" : "td", cell);
        }
        Close();
    }
    Close();
    Close();
}

std::string
Html::Take()
{
    while (!m_open.empty())
    {
        Close();
    }
    return std::move(m_out);
}

} // namespace qnet
