"""Distributions of simulated and real times beside each other: a CSV, a gnuplot script that can be run by hand, a picture."""
import csv
import os
import shutil
import subprocess

SHOWN = ("first byte, fast", "first byte, privacy", "last byte, fast", "last byte, privacy", "circuit build")
SCRIPT = """# gnuplot {name}.gp
set terminal {terminal}
set output "{name}.{kind}"
set datafile separator ","
set key bottom right
set ylabel "share of fetches (circuits)"
set yrange [0:1]
set xrange [0:*]
set grid
set multiplot layout 3,2
{plots}
unset multiplot
"""
PLOT = """set title "{what}"
set xlabel "seconds"
plot "{name}.csv" using (strcol(1) eq "{label}" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \\
     "" using (strcol(1) eq "{label}" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real\""""
KINDS = (("svg", "svg size 900,1000 font 'sans,13'"), ("png", "pngcairo size 900,1000 font 'sans,11'"))


def quantile(values, permille):
    """The smallest value that so many permille are not above, as summary.json has it."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * permille // 1000), 1) - 1]


def label(what):
    return what.replace(",", "")


def draw(base, seeds):
    """base.csv, base.gp, and the pictures if gnuplot is there. seeds: samples by what is compared."""
    folder, name = os.path.split(os.path.abspath(base))
    with open(base + ".csv", "w", encoding="ascii", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(("what", "permille", "simulated_ms", "real_ms"))
        for what in SHOWN:
            sides = [[x for seed in seeds for x in seed[what][side]] for side in (0, 1)]
            for permille in range(5, 1000, 5):
                out.writerow((label(what), permille, *(round(quantile(side, permille) / 1e6, 1) for side in sides)))
    plots = "\n".join(PLOT.format(what=what, label=label(what), name=name) for what in SHOWN)
    for kind, terminal in KINDS:
        with open(base + ".gp", "w", encoding="ascii") as f:
            f.write(SCRIPT.format(name=name, kind=kind, terminal=terminal, plots=plots))
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", name + ".gp"], cwd=folder, check=True, timeout=60)
