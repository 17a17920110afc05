"""Turns rounds into the table, and into the ratios that the project holds itself to."""
import statistics

COLUMNS = ["target", "hops", "1 stream MB/s", "x direct", "8 streams MB/s", "x direct", "CPU s/GiB",
           "TTFB ms", "p99", "warm RTT ms", "fetches/s", "CPU ms/fetch", "CPU s/GiB by process",
           "peak RSS MB"]

# (ours, theirs, goal): bulk speed on one stream, ours over theirs, at least goal.
GOALS = [("qnet-1hop", "floor-fused-1", 0.6), ("qnet-3hop", "tor-3hop-max", 2.0)]


def values(rounds, section, key):
    return [r[section][key] if r and section in r else None for r in rounds]


def spread(numbers, form):
    """min/median/max, or the one number there is."""
    numbers = [x for x in numbers if x is not None]
    if not numbers:
        return "-"
    shown = [form.format(x) for x in (min(numbers), statistics.median(numbers), max(numbers))]
    return shown[0] if len(numbers) == 1 else "/".join(shown)


def ratios(ours, theirs, section, key):
    """Ours over theirs, round by round: only what ran minutes apart is compared."""
    pairs = zip(values(ours, section, key), values(theirs, section, key))
    return [a / b for a, b in pairs if a is not None and b]


def by_process(rounds):
    roles = {}
    for r in rounds:
        for role, seconds in r["eight"]["cpu_s_per_GiB_by_role"].items() if r else ():
            roles.setdefault(role, []).append(seconds)
    return " ".join(f"{role} {statistics.median(s):.2f}" for role, s in roles.items()) or "-"


def row(name, result, direct):
    rounds = result["rounds"]
    peak = result.get("peak_kB") or {}

    def show(section, key, form):
        return spread(values(rounds, section, key), form)

    def beside_direct(section):
        return spread(ratios(rounds, direct, section, "MBps"), "{:.2g}") if direct else "-"

    return [name, str(result["hops"]), show("one", "MBps", "{:.0f}"), beside_direct("one"),
            show("eight", "MBps", "{:.0f}"), beside_direct("eight"), show("eight", "cpu_s_per_GiB", "{:.2f}"),
            show("new_stream", "ms_p50", "{:.2f}"), show("new_stream", "ms_p99", "{:.2f}"),
            show("kept_stream", "ms_p50", "{:.2f}"), show("many", "rate", "{:.0f}"),
            show("many", "cpu_ms_per_fetch", "{:.2f}"), by_process(rounds),
            " ".join(f"{role} {kb / 1024:.0f}" for role, kb in peak.items()) or "-"]


def markdown(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def main_table(results):
    direct = results.get("direct", {}).get("rounds", [])
    return markdown(COLUMNS, [row(name, result, direct) for name, result in results.items()])


def goals(results):
    """One dictionary per goal whose two rows were measured."""
    judged = []
    for ours, theirs, least in GOALS:
        if ours not in results or theirs not in results:
            continue
        a, b = results[ours]["rounds"], results[theirs]["rounds"]
        one = ratios(a, b, "one", "MBps")
        if one:
            judged.append({"ours": ours, "theirs": theirs, "goal": least, "one_stream": one,
                           "median": statistics.median(one), "met": statistics.median(one) >= least,
                           "eight_streams": ratios(a, b, "eight", "MBps"),
                           "cpu_s_per_GiB": ratios(a, b, "eight", "cpu_s_per_GiB")})
    return judged


def goal_line(goal):
    return (f"{goal['ours']} / {goal['theirs']}: 1 stream {spread(goal['one_stream'], '{:.2f}')} "
            f"(goal: at least {goal['goal']}, {'met' if goal['met'] else 'NOT met'}), "
            f"8 streams {spread(goal['eight_streams'], '{:.2f}')}, "
            f"CPU s/GiB {spread(goal['cpu_s_per_GiB'], '{:.2f}')}")


def idle_table(results):
    rows = []
    for name, result in results.items():
        idle = result["idle"]
        rows.append([name, str(result["hops"]), str(idle["held"]), str(idle["failed"]),
                     f"{idle['kB_per_stream']:.1f}",
                     " ".join(f"{role} {kb:.1f}" for role, kb in idle["kB_per_stream_by_role"].items()),
                     " ".join(f"{role} {kb / 1024:.0f}" for role, kb in idle["resident_kB"].items())])
    return markdown(["target", "hops", "idle streams held", "refused", "kB per stream, whole chain",
                     "kB per stream by process", "RSS before, MB"], rows)
