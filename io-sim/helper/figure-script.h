// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The gnuplot side of figures: the common look, one script per figure, and running them.
 */
#ifndef QNET_SIM_FIGURE_SCRIPT_H
#define QNET_SIM_FIGURE_SCRIPT_H

#include <string>
#include <vector>

#include "figures.h"

namespace qnet
{

/// How large a picture is.
enum class FigureShape
{
    Page,  ///< as wide as a page's text
    Column ///< 84 mm, a column of a paper, with letters of 7 to 8 points
};

/// style.gp: colours of Okabe and Ito, which people with colour-blindness tell apart.
void WriteFigureStyle(const std::string& folder);
/// \param body everything between the common look and the two outputs; ends with a plot command
void WriteFigureScript(const std::string& folder,
                       const std::string& id,
                       const std::string& title,
                       const std::string& body,
                       FigureShape shape = FigureShape::Page);

/// Figures on their way: what makers of figures stand on.
class FigureSet
{
  public:
    /// \param folder of their data and scripts
    explicit FigureSet(std::string folder, FigureShape shape = FigureShape::Page);
    /// Of a figure's data. \param name without ending
    std::string DataPath(const std::string& name) const;
    void Add(const std::string& id,
             const std::string& title,
             const std::string& caption,
             const std::string& body);
    std::vector<Figure> Take();

  private:
    std::string m_folder;
    FigureShape m_shape;
    std::vector<Figure> m_figures;
};

} // namespace qnet

#endif
