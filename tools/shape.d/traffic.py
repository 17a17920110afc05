"""From what a browser's connections looked like to the shaping item of a profile (docs/wire/shaping.md)."""
import collections

RECORDS = 12        # of a page's template, each way
PAGES_MAX, REQUESTS_MAX, POSTS_MAX, BURSTS_MAX = 8, 32, 8, 32
SHORTEST = 1 + 16 + 32       # a record of ours that carries anything: the item has no shorter ones
LONGEST = 1 + 16 + 16384
HEADER = 5
FLIGHT = 3                   # records of a first request: Finished, preface with SETTINGS, HEADERS
CONTROLS = (9 + 4 + 17, 2 * (9 + 4) + 17)  # a WINDOW_UPDATE, or two, with what TLS adds
BURST_MIN, BURST_MAX = 100, 1 << 20  # less is an end of the connection, more a download
REQUEST_MAX = 700            # longer records carry a body
CREDIT_AFTER_MS = 5000       # Chromium gives small credit with the first data so long after the last; rarely met
KEYS = ("pages", "requests", "posts", "bursts", "credit")


class Unfit(ValueError):
    pass


def compact(flow):
    """The lengths of its application records, negative for the server's."""
    return [-length if direction else length for _, direction, kind, length in flow["records"] if kind == 23]


def loads(flows):
    """Those that loaded something: spare connections stop after Finished."""
    return [f for f in flows if sum(n > 0 for n in f) > FLIGHT]


def after_request(flow):
    """What follows the first request, longest of the first records: its answer and all that comes of it."""
    ups = [i for i, n in enumerate(flow) if n > 0]
    return flow[max(ups[:FLIGHT + 2], key=lambda i: flow[i]) + 1:]


def useful(flow):
    return [n for n in flow if abs(n) >= SHORTEST]


def first_records(flow):
    """The template of one page load: (up, down), or None when it is too short for one."""
    rest = useful(after_request(flow))
    up, down = [n for n in rest if n > 0], [-n for n in rest if n < 0]
    # The second request and the record in front of it are spent before the link begins.
    return [up[1:1 + RECORDS], down[1:1 + RECORDS]] if min(len(up), len(down)) > RECORDS else None


def pages_of(flows):
    """One template of each kind of page, the load of median size, then of others until there are eight."""
    kinds = collections.defaultdict(list)
    for kind, flow in flows:
        template = first_records(flow) if sum(n > 0 for n in flow) > FLIGHT else None
        if template:
            kinds[kind].append((sum(template[1]), template))
    ordered = [sorted(kinds[kind]) for kind in sorted(kinds)]
    found = [loads[len(loads) // 2][1] for loads in ordered]
    if not found:
        raise Unfit("no page load has 13 records each way")
    return found[:PAGES_MAX]


def quantiles(values, n):
    values = sorted(values)
    return [values[(2 * i + 1) * len(values) // (2 * n)] for i in range(n)]


def requests_of(flows):
    """A connection's first request, by far its longest, is spent before the link begins."""
    return quantiles([n for f in flows for n in useful(after_request(f)) if 0 < n <= REQUEST_MAX], REQUESTS_MAX)


def posts_of(flows):
    bodies = [n for f in flows for n in f if n > REQUEST_MAX]
    if not bodies or max(bodies) > LONGEST:
        raise Unfit("no upload was seen, or records longer than TLS allows")
    lengths = sorted(set(bodies))
    return lengths if len(lengths) <= POSTS_MAX else sorted(set(quantiles(lengths, POSTS_MAX - 1) + lengths[-1:]))


def answers(flow):
    """Bytes of each burst of the server, headers of records included; a control record ends none."""
    size, found = 0, []
    for n in after_request(flow):
        if n < 0:
            size += HEADER - n
        elif n not in CONTROLS and size:
            found.append(size)
            size = 0
    return found + [size] * (size > 0)


def bursts_of(flows):
    found = [n for f in flows for n in answers(f) if BURST_MIN <= n <= BURST_MAX]
    return sorted(set(quantiles(found, BURSTS_MAX)))


def credit_of(flows):
    """Bytes of a download for one WINDOW_UPDATE: the median."""
    found, size = [], 0
    for n in [n for f in flows for n in after_request(f)]:
        size += -n if n < 0 else 0
        if n in CONTROLS:
            found.append(size)
            size = 0
    return sorted(found)[len(found) // 2]


def item_of(recorded):
    """recorded: {"pages": [[kind, lengths]...], "upload": [lengths...], "download": [lengths...]}"""
    pages = loads(flow for _, flow in recorded["pages"])
    return {0: pages_of(recorded["pages"]), 1: requests_of(pages), 2: posts_of(loads(recorded["upload"])),
            3: bursts_of(pages), 4: [credit_of(loads(recorded["download"])), CREDIT_AFTER_MS]}
