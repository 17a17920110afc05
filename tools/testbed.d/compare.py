"""Simulated times beside real ones: percentiles, how far they are apart, and a 95 % interval over seeds."""
import csv
import math
import os
import statistics

import plot

KIB = 1024
DELIVERED = "delivered bytes of a seed"
# Two-sided 95 % quantiles of Student's t by degrees of freedom; beyond the table the normal one.
STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)


STREAMS = ("client", "route", "size_bytes", "start_ns", "ttfb_ns", "ttlb_ns", "bytes", "measured", "outcome")


def read(path, columns):
    """Rows of a file that qnet-sim or run wrote; ValueError when it is another."""
    with open(path, encoding="ascii", newline="") as f:
        reader = csv.DictReader(f)
        try:
            present, found = reader.fieldnames or [], list(reader)
        except csv.Error as error:
            raise ValueError(f"{path}:{reader.line_num}: {error}") from None
    missing = [name for name in columns if name not in present]
    if missing:
        raise ValueError(f"{path}: no column is called {missing[0]}")
    for number, row in enumerate(found, 2):
        if None in row or None in row.values():
            raise ValueError(f"{path}:{number}: the row has not as many cells as the header")
    return found


def kinds():
    """What is compared: a name, the column, and which rows."""
    for route in ("fast", "privacy"):
        yield f"first byte, {route}", "ttfb_ns", lambda row, r=route: row["route"] == r
        yield f"last byte, {route}", "ttlb_ns", lambda row, r=route: row["route"] == r
        for size, name in ((50 * KIB, "50 KiB"), (KIB * KIB, "1 MiB"), (5 * KIB * KIB, "5 MiB")):
            yield (f"last byte of {name}, {route}", "ttlb_ns",
                   lambda row, r=route, s=size: row["route"] == r and int(row["size_bytes"]) == s)


def counts(row):
    return row["measured"] == "1" and row["outcome"] == "done"


def numbered(rows):
    """By client and how many fetches it made before: what a client fetches is drawn for it alone, when depends on the tier."""
    made, found = {}, {}
    for row in sorted(rows, key=lambda row: int(row["start_ns"])):
        number = made[row["client"]] = made.get(row["client"], -1) + 1
        found[row["client"], number] = row
    return found


def pairs(simulated, real):
    """Rows of the same fetch that both finished."""
    others = numbered(real)
    for key, row in numbered(simulated).items():
        other = others.get(key)
        if other is not None and counts(row) and counts(other):
            yield row, other


def builds(path):
    return [int(row["build_ns"]) for row in read(path, ("build_ns",)) if row["build_ns"]]


def samples(folder, simulated, real):
    """By what is compared: the simulated and the real times of one seed."""
    streams = [read(os.path.join(folder, name, "streams.csv"), STREAMS) for name in (simulated, real)]
    both = list(pairs(*streams))
    found = {}
    for name, column, wanted in kinds():
        picked = [(int(s[column]), int(r[column])) for s, r in both if wanted(s)]
        found[name] = tuple(zip(*picked)) if picked else ((), ())
    found["circuit build"] = (builds(os.path.join(folder, simulated, "circuits.csv")),
                              builds(os.path.join(folder, real, "circuits.csv")))
    found[DELIVERED] = tuple([sum(int(row["bytes"]) for row in side if row["measured"] == "1")] for side in streams)
    return found


def interval(values):
    """Half of the 95 % interval of the mean."""
    n = len(values)
    if n < 2:
        return math.nan
    t = STUDENT[n - 2] if n - 2 < len(STUDENT) else 1.96
    return t * statistics.stdev(values) / math.sqrt(n)


def rows(seeds):
    """For each thing compared and p50, p95, in ms (bytes: millions): pooled times, their difference, and its mean over seeds with the interval."""
    for name in seeds[0]:
        pooled = [[x for seed in seeds for x in seed[name][side]] for side in (0, 1)]
        if not pooled[0] or not pooled[1]:
            continue
        for permille in (500,) if name == DELIVERED else (500, 950):
            apart = [1000 * (plot.quantile(s, permille) / plot.quantile(r, permille) - 1)
                     for s, r in (seed[name] for seed in seeds) if s and r]
            sim, real = (plot.quantile(side, permille) for side in pooled)
            yield {"what": name, "quantile": f"p{permille // 10}", "n": len(pooled[1]), "simulated": round(sim / 1e6, 1),
                   "real": round(real / 1e6, 1), "pooled_percent": round(100 * (sim / real - 1), 1),
                   "mean_percent": round(statistics.mean(apart) / 10, 1), "interval_percent": round(interval(apart) / 10, 1),
                   "seeds": len(apart)}


def main(args):
    seeds = [samples(folder, args.simulated, args.real) for folder in args.folders]
    for folder, seed in zip(args.folders, seeds):
        if not all(sum(times) for times in seed[DELIVERED]):
            raise ValueError(f"{folder}: one of its runs delivered nothing, so there is nothing to compare")
    table = list(rows(seeds))
    print(f"{'':32} {'n':>5} {args.simulated:>10} {args.real:>10} {'apart':>8}   mean of seeds")
    for r in table:
        print(f"{r['what'] + ', ' + r['quantile']:32} {r['n']:5} {r['simulated']:10.1f} {r['real']:10.1f} "
              f"{r['pooled_percent']:+7.1f} %   {r['mean_percent']:+.1f} +- {r['interval_percent']:.1f} %")
    if args.csv:
        with open(args.csv, "w", encoding="ascii", newline="") as f:
            out = csv.DictWriter(f, list(table[0]), lineterminator="\n")
            out.writeheader()
            out.writerows(table)
    if args.plot:
        plot.draw(args.plot, seeds)
    return 0
