"""Turns rounds into the table, and into the ratios that the project holds itself to."""
import statistics

COLUMNS = ["target", "hops", "1 stream MB/s", "x direct", "8 streams MB/s", "x direct", "64 streams MB/s",
           "upload MB/s", "CPU s/GiB", "TTFB ms", "p99", "warm RTT ms", "keystroke ms", "beside bulk ms", "p99",
           "fetches/s", "CPU ms/fetch", "CPU s/GiB by process", "peak RSS MB"]

SPEED, EIGHT, FIRST_BYTE, RATE, CPU = (("one", "MBps"), ("eight", "MBps"), ("new_stream", "ms_p50"),
                                       ("many", "rate"), ("eight", "cpu_s_per_GiB"))
TITLES = {SPEED: "1 stream", EIGHT: "8 streams", FIRST_BYTE: "first byte", RATE: "fetches/s", CPU: "CPU s/GiB"}
HIGHER = (SPEED, EIGHT, RATE)      # the others are better when they are lower
TOR = ("tor-3hop-kist", "tor-3hop", "tor-3hop-sendme", "tor-3hop-max")
OTHERS = ("shadowsocks", "shadowsocks-aes", "ssh-D", "ssh-D-aes", "stunnel", "trojan", "trojan-chacha",
          "v2ray-vless", "v2ray-vmess", "v2ray-vless-mux")
# (ours, theirs, what is compared, goal): the median over the rounds of ours over theirs; of several of theirs
# the best that was measured. What is better when higher must reach the goal, the others must not exceed it.
GOALS = [("qnet-1hop", ("floor-fused-1",), SPEED, 0.85), ("qnet-1hop", ("floor-fused-1",), EIGHT, 0.85),
         ("qnet-1hop", OTHERS, SPEED, 1.0), ("qnet-1hop", OTHERS, EIGHT, 1.0),
         ("qnet-1hop", ("floor-fused-1",), CPU, 1.25), ("qnet-1hop", ("shadowsocks",), FIRST_BYTE, 1.2),
         ("qnet-3hop", ("floor-fused-3",), SPEED, 0.85), ("qnet-3hop", ("floor-fused-3",), EIGHT, 0.85),
         ("qnet-3hop", ("tor-3hop-max",), SPEED, 3.5), ("qnet-3hop", ("tor-3hop-max",), EIGHT, 3.5),
         ("qnet-3hop", ("floor-fused-3",), CPU, 1.25), ("qnet-3hop", TOR, FIRST_BYTE, 0.85),
         ("qnet-3hop", TOR, RATE, 1.1)]
TAIL = 3      # the 99th percentile of QNet's first bytes is at most so many medians


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
            show("eight", "MBps", "{:.0f}"), beside_direct("eight"), show("sixty_four", "MBps", "{:.0f}"),
            show("upload", "MBps", "{:.0f}"), show("eight", "cpu_s_per_GiB", "{:.2f}"),
            show("new_stream", "ms_p50", "{:.2f}"), show("new_stream", "ms_p99", "{:.2f}"),
            show("kept_stream", "ms_p50", "{:.2f}"), show("keystroke", "ms_p50", "{:.2f}"),
            show("keystroke_beside_bulk", "ms_p50", "{:.2f}"), show("keystroke_beside_bulk", "ms_p99", "{:.2f}"),
            show("many", "rate", "{:.0f}"),
            show("many", "cpu_ms_per_fetch", "{:.2f}"), by_process(rounds),
            " ".join(f"{role} {kb / 1024:.0f}" for role, kb in peak.items()) or "-"]


def markdown(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def main_table(results):
    direct = results.get("direct", {}).get("rounds", [])
    return markdown(COLUMNS, [row(name, result, direct) for name, result in results.items()])


def best(results, names, measured):
    """Of these rows the one whose median is best; None when none was measured."""
    found = {name: [v for v in values(results[name]["rounds"], *measured) if v is not None]
             for name in names if name in results}
    medians = {name: statistics.median(v) for name, v in found.items() if v}
    pick = max if measured in HIGHER else min
    return pick(medians, key=medians.get) if medians else None


def judge(results, ours, theirs, measured, goal):
    """One goal as a dictionary; None when a row it needs was not measured."""
    theirs = best(results, theirs, measured)
    if ours not in results or theirs is None:
        return None
    found = ratios(results[ours]["rounds"], results[theirs]["rounds"], *measured)
    if not found:
        return None
    median = statistics.median(found)
    return {"ours": ours, "theirs": theirs, "measured": ".".join(measured), "title": TITLES[measured],
            "goal": goal, "at": "least" if measured in HIGHER else "most", "ratios": found, "median": median,
            "met": median >= goal if measured in HIGHER else median <= goal}


def judge_tail(results, ours):
    pairs = [(r["new_stream"]["ms_p99"], r["new_stream"]["ms_p50"]) for r in results[ours]["rounds"] if r]
    found = [p99 / p50 for p99, p50 in pairs]
    median = statistics.median(found)
    return {"ours": ours, "theirs": "its own median", "measured": "new_stream.ms_p99", "title": "first byte, p99",
            "goal": TAIL, "at": "most", "ratios": found, "median": median, "met": median <= TAIL}


def goals(results):
    """One dictionary per goal whose rows were measured."""
    judged = [judge(results, *goal) for goal in GOALS]
    judged += [judge_tail(results, name) for name in ("qnet-1hop", "qnet-3hop")
               if name in results and results[name]["rounds"]]
    return [goal for goal in judged if goal]


def goal_line(goal):
    return (f"{goal['ours']} / {goal['theirs']}, {goal['title']}: {spread(goal['ratios'], '{:.2f}')} "
            f"(goal: at {goal['at']} {goal['goal']}, {'met' if goal['met'] else 'NOT met'})")


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
