// SPDX-License-Identifier: GPL-2.0-only
#include "figure-script.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "output-file.h"

extern char** environ;

namespace qnet
{

namespace
{

struct Shape
{
    const char* svg;
    const char* png; ///< 300 dots per inch at column width
    const char* titleFont;
    const char* more; ///< after the common look
};

constexpr Shape SHAPES[] = {
    {"size 760,430 dynamic enhanced font 'DejaVu Sans,13'",
     "size 1520,860 enhanced font 'DejaVu Sans,13' fontscale 1.9 linewidth 2",
     "15",
     ""},
    {"size 340,230 dynamic enhanced font 'DejaVu Sans,11'",
     "size 992,671 enhanced font 'DejaVu Sans,11' fontscale 2.05 linewidth 2.9 pointscale 2",
     "11",
     "set key samplen 1.5 spacing 1.05 font ',9.5'\nset tics font ',9.5'\nset bars 0.6\n"}};

/// Runs "gnuplot SCRIPT" in the folder. \return "" or what went wrong
std::string
RunGnuplot(const std::string& folder, const std::string& script)
{
    std::string name = "gnuplot";
    std::string argument = script;
    std::string change = "cd '";
    for (char c : folder)
    {
        change += c == '\'' ? "''" : std::string(1, c); // gnuplot's quoting
    }
    change += "'";
    std::string option = "-e";
    char* argv[] = {name.data(), option.data(), change.data(), argument.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    pid_t pid = 0;
    int err = posix_spawnp(&pid, "gnuplot", &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (err == ENOENT)
    {
        return "gnuplot is not installed (apt install gnuplot-nox); the data and the scripts are "
               "in "
               "figs/";
    }
    if (err != 0)
    {
        return std::string("gnuplot did not start: ") + std::strerror(err);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    {
    }
    return status == 0 ? "" : "gnuplot did not like " + script + "; its own words are above";
}

} // namespace

void
WriteFigureStyle(const std::string& folder)
{
    OutputFile out(folder + "/style.gp");
    out.Write(
        "# The common look of all figures. Colours: Okabe and Ito (2008), told apart with any\n"
        "# common colour-blindness; dashes tell routes apart, so print in grey works too.\n"
        "set datafile separator ','\n"
        "set encoding utf8\n"
        "set style line 1 lc rgb '#0072B2' lw 2.2\n"
        "set style line 2 lc rgb '#D55E00' lw 2.2\n"
        "set style line 3 lc rgb '#009E73' lw 2.2\n"
        "set style line 4 lc rgb '#CC79A7' lw 2.2\n"
        "set style line 5 lc rgb '#E69F00' lw 2.2\n"
        "set style line 6 lc rgb '#555555' lw 1.4\n"
        "set border 3 lw 1 lc rgb '#444444'\n"
        "set tics nomirror out scale 0.6\n"
        "set grid lw 1 lc rgb '#dddddd'\n"
        "set key samplen 3 spacing 1.2\n");
    out.Close();
}

void
WriteFigureScript(const std::string& folder,
                  const std::string& id,
                  const std::string& title,
                  const std::string& body,
                  FigureShape shape)
{
    const Shape& look = SHAPES[static_cast<size_t>(shape)];
    OutputFile out(folder + "/" + id + ".gp");
    std::string name = id; // gnuplot takes letters, digits and underscores
    std::replace_if(
        name.begin(),
        name.end(),
        [](char c) { return !std::isalnum(static_cast<uint8_t>(c)); },
        '_');
    out.Write("# " + title + ". Again, in the results folder: gnuplot figs/" + id + ".gp\n" +
              "load 'figs/style.gp'\n" + look.more + "set title '" + title + "' font '," +
              look.titleFont + "'\n" + "set terminal svg " + look.svg + " name '" + name +
              "' background rgb 'white'\n" + "set output 'figs/" + id + ".svg'\n" + body +
              "set terminal pngcairo " + look.png + " background rgb 'white'\n" +
              "set output 'figs/" + id + ".png'\nreplot\nset output\n");
    out.Close();
}

FigureSet::FigureSet(std::string folder, FigureShape shape)
    : m_folder(std::move(folder)),
      m_shape(shape)
{
}

std::string
FigureSet::DataPath(const std::string& name) const
{
    return m_folder + "/" + name + ".csv";
}

void
FigureSet::Add(const std::string& id,
               const std::string& title,
               const std::string& caption,
               const std::string& body)
{
    WriteFigureScript(m_folder, id, title, body, m_shape);
    m_figures.push_back({id, title, caption});
}

std::vector<Figure>
FigureSet::Take()
{
    return std::move(m_figures);
}

std::string
DrawFigures(const std::string& folder, const std::vector<Figure>& figures)
{
    for (const Figure& figure : figures)
    {
        std::string why = RunGnuplot(folder, "figs/" + figure.id + ".gp");
        if (!why.empty())
        {
            return why;
        }
    }
    return "";
}

} // namespace qnet
