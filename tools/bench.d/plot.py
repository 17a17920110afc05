"""tools/bench plot: the figures of a run, as gnuplot scripts that can be run by hand, and drawn by them."""
import json
import os
import shutil
import statistics
import subprocess
import sys

from table import values

# (file, title, axis, logarithmic, [(section, key, legend)])
FIGURES = [
    ("speed", "Bulk over one machine's loopback", "10^6 bytes a second", False,
     [("one", "MBps", "1 stream"), ("eight", "MBps", "8 streams"), ("sixty_four", "MBps", "64 streams"),
      ("upload", "MBps", "upload")]),
    ("cpu", "What carrying a GiB costs the chain (8 streams)", "CPU seconds", False,
     [("eight", "cpu_s_per_GiB", "all processes of the chain")]),
    ("first-byte", "A new stream over a warm chain, to its first byte", "milliseconds", True,
     [("new_stream", "ms_p50", "median"), ("new_stream", "ms_p99", "99th percentile")]),
    ("keystroke", "One byte on a stream kept open", "milliseconds", True,
     [("keystroke", "ms_p50", "alone, median"), ("keystroke_beside_bulk", "ms_p50", "beside a download, median"),
      ("keystroke_beside_bulk", "ms_p99", "beside a download, 99th percentile")]),
]

SCRIPT = """# {title}: gnuplot {name}.gp draws {name}.png from {name}.tsv.
set terminal pngcairo size 960,540 font "sans,11"
set output "{name}.png"
set title "{title}\\n{machine}"
set ylabel "{axis}"
{scale}
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 noborder
set xtics rotate by -25 scale 0
set grid ytics
set key {key}
plot {series}
"""


def cells(result, section, key):
    """median, min and max of the rounds; gnuplot's NaN where there is none."""
    found = [v for v in values(result["rounds"], section, key) if v is not None]
    return (statistics.median(found), min(found), max(found)) if found else ("NaN",) * 3


def write_figure(document, folder, name, title, axis, logarithmic, series):
    shown = [target for target, result in document["targets"].items()
             if any(cells(result, section, key)[0] != "NaN" for section, key, _ in series)
             and not (target == "direct" and name == "cpu")]
    with open(os.path.join(folder, f"{name}.tsv"), "w") as f:
        f.write("\t".join(["target"] + [f"{legend}{what}" for _, _, legend in series
                                        for what in ("", ", min", ", max")]) + "\n")
        for target in shown:
            row = [str(x) for section, key, _ in series
                   for x in cells(document["targets"][target], section, key)]
            f.write("\t".join([f'"{target}"'] + row) + "\n")
    plots = [f'"{name}.tsv" skip 1 using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title "{legend}"'
             for i, (_, _, legend) in enumerate(series)]
    about = f"{document['machine'].get('cpu', '')}, {document['config']['runs']} round(s), medians; bars: min to max"
    with open(os.path.join(folder, f"{name}.gp"), "w") as f:
        f.write(SCRIPT.format(name=name, title=title, axis=axis, machine=about.lstrip(", "),
                              scale="set logscale y" if logarithmic else "set yrange [0:*]",
                              key="off" if len(series) == 1 else "outside top center horizontal", series=", \\\n     ".join(plots)))


def draw(path, folder):
    """Exit status. The folder is the JSON's own, and its name, unless said."""
    if not path:
        print("bench: plot needs the JSON file that tools/bench wrote", file=sys.stderr)
        return 2
    with open(path) as f:
        document = json.load(f)
    if document.get("schema") != "qnet-bench-1":
        print(f"bench: {path} is not of tools/bench's chains", file=sys.stderr)
        return 1
    folder = folder or os.path.splitext(path)[0]
    os.makedirs(folder, exist_ok=True)
    for figure in FIGURES:
        write_figure(document, folder, *figure)
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", f"{figure[0]}.gp"], cwd=folder, check=True)
    print(f"bench: figures are in {folder}" + ("" if shutil.which("gnuplot") else
                                               " (as scripts: gnuplot is not installed)"), file=sys.stderr)
    return 0
