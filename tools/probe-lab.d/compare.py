"""Whether a position saw what a prober of the origin itself sees, and the table that says so."""
import json

SPLIT = 16384  # a splice may cut what loopback carries in one segment of up to 64 KiB
LATE = 0.5  # seconds: the earliest end through the peer against the latest direct one


def key(transcript):
    """All that must be equal. Segment counts and times depend on the scheduler, so they have rules of their own."""
    return json.dumps({k: v for k, v in transcript.items() if k not in ("reads", "segments", "bytes")}, sort_keys=True)


def ended_at(transcript):
    """Seconds from the last thing said to the end; None without an end."""
    reads = transcript["reads"]
    if transcript["end"] not in ("FIN", "RST") or not reads:
        return None
    return (reads[-1][0] - (reads[-2][0] if len(reads) > 1 else 0)) / 1000


def why(direct, seen):
    """In words, what sets this transcript apart from the nearest direct one."""
    def distance(d):
        return sum(d.get(k) != seen.get(k) for k in ("records", "end", "after", "rest", "notes"))

    near = min(direct, key=distance)
    parts = []
    for k in ("records", "rest", "end", "after", "notes"):
        if near.get(k) != seen.get(k):
            parts.append(f"{k} {show(seen.get(k))} instead of {show(near.get(k))}")
    return "; ".join(parts)


def merged(direct, seen):
    """Fewer segments than any direct prober got: a splice that runs a moment later reads two as one. Reported, no more:
    how often it happens says as much about the machine as about the peer."""
    return max(s["segments"] for s in seen) < min(d["segments"] for d in direct)


def show(value):
    if isinstance(value, list):
        return " ".join(str(v) for v in value) or "nothing"
    return "nothing" if value is None else str(value)


def differences(direct, seen):
    """[] when every transcript seen is one that direct probers got too, in no more segments and as soon."""
    known = {key(d) for d in direct}
    found = sorted({why(direct, s) for s in seen if key(s) not in known})
    if found:
        return found
    most = max(d["segments"] for d in direct)
    if min(s["segments"] for s in seen) > most and max(s["bytes"] for s in seen) < SPLIT:
        found.append(f"segments {sorted(s['segments'] for s in seen)} instead of at most {most}")
    latest, earliest = [[t for t in map(ended_at, group) if t is not None] for group in (direct, seen)]
    if latest and earliest and min(earliest) > max(latest) + LATE:
        found.append(f"ends after {min(earliest):.1f} s instead of {max(latest):.1f} s")
    return found


def row(*cells):
    return "{:12} {:30} {:22} {}".format(*cells).rstrip()


def summary(transcript):
    return f"{show(transcript['records'])} {transcript['end']}" + (f" ({transcript['rest']})" if "rest" in transcript
                                                                 else "")
