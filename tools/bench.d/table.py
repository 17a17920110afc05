"""Turns rounds into the table, and into the ratios that the project holds itself to."""
import statistics

COLUMNS = ["target", "hops", "1 stream MB/s", "x direct", "8 streams MB/s", "x direct", "CPU s/GiB",
           "TTFB ms", "p99", "warm RTT ms", "fetches/s", "CPU ms/fetch", "CPU s/GiB by process",
           "peak RSS MB"]

# (ours, theirs, what is compared, goal): the median over the rounds of ours over theirs. A speed must reach
# the goal, a time must not exceed it.
SPEED, FIRST_BYTE = ("one", "MBps"), ("new_stream", "ms_p50")
GOALS = [("qnet-1hop", "floor-fused-1", SPEED, 0.75), ("qnet-1hop", "ssh-D-aes", SPEED, 1.0),
         ("qnet-1hop", "shadowsocks", FIRST_BYTE, 1.5), ("qnet-3hop", "tor-3hop-max", SPEED, 3.5)]


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


def is_met(measured, median, goal):
    return median >= goal if measured == SPEED else median <= goal


def goals(results):
    """One dictionary per goal whose two rows were measured."""
    judged = []
    for ours, theirs, measured, goal in GOALS:
        if ours not in results or theirs not in results:
            continue
        a, b = results[ours]["rounds"], results[theirs]["rounds"]
        found = ratios(a, b, *measured)
        if found:
            median = statistics.median(found)
            judged.append({"ours": ours, "theirs": theirs, "measured": ".".join(measured), "goal": goal,
                           "ratios": found, "median": median, "met": is_met(measured, median, goal),
                           "eight_streams": ratios(a, b, "eight", "MBps"),
                           "cpu_s_per_GiB": ratios(a, b, "eight", "cpu_s_per_GiB")})
    return judged


def goal_line(goal):
    speed = goal["measured"] == ".".join(SPEED)
    return (f"{goal['ours']} / {goal['theirs']}: {'1 stream' if speed else 'first byte'} "
            f"{spread(goal['ratios'], '{:.2f}')} (goal: at {'least' if speed else 'most'} {goal['goal']}, "
            f"{'met' if goal['met'] else 'NOT met'}), 8 streams {spread(goal['eight_streams'], '{:.2f}')}, "
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
