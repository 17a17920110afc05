"""Browser flows to judge: connections of direct page loads, and page loads through tunnels."""
import asyncio
import contextlib

import tunnels
from bursts import bursts_of, windows_of
from lab import Lab
from wire import Wire

PROGRAMS, MESHES = ("trojan", "vmess"), ("bare", "htx")
EARLY = 0.1  # seconds: a stream is opened before its connection reaches the site


def sliced(flows, loaded):
    """The records of a mesh's links, cut at the times at which the pages' first connections arrived."""
    starts = {}
    for f in loaded:
        starts[f["name"]] = min(f["start"], starts.get(f["name"], f["start"]))
    ordered = sorted(starts.values())
    slices = [[] for _ in ordered]
    for f in flows:
        for at, *rest in f["records"]:
            n = sum(s - EARLY <= f["start"] + at / 1000 for s in ordered)
            if n > 0:
                slices[n - 1].append([at, *rest])
    # Bursts of a slice begin behind a handshake that was long before: a record is put in its place.
    return [[[0, 0, 23, 1], *s] for s in slices if s]


async def through(lab, name, pages):
    """The records of each page load: a connection of its own, or a slice of a link."""
    if name in PROGRAMS:
        flows, _ = await lab.flows("chromium", pages, tunnel=getattr(tunnels, name), limit=10 * pages)
        return [f["records"] for f in flows]
    with tunnels.mesh(name, lab.dir) as (socks, ports), Wire(ports) as wire:
        ready = contextlib.nullcontext(socks)
        _, loaded = await lab.flows("chromium", pages, tunnel=lambda *_: ready, limit=10 * pages)
        return sliced(wire.flows, loaded)


async def collected(pages, seed, say):
    """{name: [records of a flow...]}; "direct" holds both halves, in the order in which they were made."""
    found = {}
    with Lab(seed) as lab:
        for name in (*PROGRAMS, *MESHES):
            found[name] = await through(lab, name, pages[name])
            say(f"{name}: {len(found[name])} page loads or connections")
        found["direct"] = [f["records"] for f in await lab.flows("chromium", pages["direct"], limit=10 * pages["direct"])]
        say(f"direct: {len(found['direct'])} connections")
    return found


def collect(pages, seed, say):
    return asyncio.run(collected(pages, seed, say))


def judged(records):
    """(bursts, windows) of the flows that have a window."""
    bursts = [bursts_of(r) for r in records]
    return [(b, w) for b, w in ((b, windows_of(b)) for b in bursts) if w]
