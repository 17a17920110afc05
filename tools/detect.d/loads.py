"""Browser flows to judge: connections of direct page loads, and page loads through tunnels.

They are captured in parts, each a file in one folder, written when it is complete: what was interrupted goes on with the part it
was in. A part says what it was made with, and one made with anything else is captured anew.
"""
import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import time

import browsers
import private
import tunnels
from bursts import bursts_of, windows_of
from lab import Lab, program
from wire import Wire

PROGRAMS, MESHES = {"trojan": "trojan", "vmess": "v2ray"}, ("bare", "htx")
SCENES = (*PROGRAMS, *MESHES, "direct")
PART, PART_TUNNEL = 100, 50  # page loads; each part has a mesh of its own
TRIES = 2  # of a part: a browser sometimes stops in the middle
EARLY = 0.1  # seconds: a stream is opened before its connection reaches the site


def sliced(flows, loaded):
    """The records of a mesh's links, cut at the times at which the pages' first connections arrived: a page load is a list of
    pieces of links."""
    starts = {}
    for f in loaded:
        starts[f["name"]] = min(f["start"], starts.get(f["name"], f["start"]))
    ordered = sorted(starts.values())
    slices = [{} for _ in ordered]
    for i, f in enumerate(flows):
        for at, *rest in f["records"]:
            n = sum(s - EARLY <= f["start"] + at / 1000 for s in ordered)
            if n > 0:
                # Bursts of a piece begin behind a handshake that was long before: a record is put in its place.
                slices[n - 1].setdefault(i, [[0, 0, 23, 1]]).append([at, *rest])
    return [list(s.values()) for s in slices if s]


async def through(lab, name, pages):
    """Flows, each a list of connections: one by itself, or over a mesh what a page load added to each link."""
    if name == "direct":
        return [[f["records"]] for f in await lab.flows("chromium", pages)]
    if name in PROGRAMS:
        flows, _ = await lab.flows("chromium", pages, tunnel=getattr(tunnels, name))
        return [[f["records"]] for f in flows]
    with tunnels.mesh(name, lab.dir) as (socks, ports), Wire(ports) as wire:
        ready = contextlib.nullcontext(socks)
        _, loaded = await lab.flows("chromium", pages, tunnel=lambda *_: ready)
        return sliced(wire.flows, loaded)


# ---- parts ---------------------------------------------------------------------------------------


def version_of(name):
    """'1.16.0-1+b3', as Debian numbers it."""
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=True).stdout


def made_with(name):
    """What a scene's flows come from: programs and their versions, of our own the hash."""
    found = {"chromium": browsers.version("chromium")}
    if name in PROGRAMS:
        program(PROGRAMS[name], " --detect")
        found[PROGRAMS[name]] = version_of(PROGRAMS[name])
    if name in MESHES:
        if not tunnels.QNET.exists():
            raise browsers.Missing("build/release/bin/qnet is not there: cmake --build --preset release")
        found["qnet"] = hashlib.sha256(tunnels.QNET.read_bytes()).hexdigest()
    return found


def read_part(path, made):
    """The flows in it; None: there is none, or it was made otherwise."""
    if not path.exists():
        return None
    part = json.loads(path.read_text())
    return part["flows"] if part["made"] == made else None


def write_part(path, made, flows):
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"made": made, "flows": flows}, separators=(",", ":")))
    os.replace(new, path)


def parts_of(name, pages):
    part = PART if name == "direct" else PART_TUNNEL
    return [min(part, pages - at) for at in range(0, pages, part)]


def captured(lab, name, pages, say):
    for left in reversed(range(TRIES)):
        try:
            return asyncio.run(through(lab, name, pages))
        except RuntimeError as e:
            if not left:
                raise
            say(f"{name}: {e}; once more")


def scene(lab, name, pages, folder, say):
    made, found, parts = {"seed": lab.seed} | made_with(name), [], parts_of(name, pages)
    for i, n in enumerate(parts):
        path, began = folder / f"{name}-{i:02}.json", time.monotonic()
        flows = read_part(path, made | {"pages": n})
        if flows is None:
            flows = captured(lab, name, n, say)
            write_part(path, made | {"pages": n}, flows)
            say(f"{name}: part {i + 1} of {len(parts)}, {len(flows)} flows of {n} page loads in {time.monotonic() - began:.0f} s")
        found += flows
    return found


def collect(pages, seed, folder, say):
    """{name: [connections of a flow...]}; "direct" holds both halves, in the order in which they were made."""
    folder.mkdir(parents=True, exist_ok=True)
    private.enter()
    with Lab(seed) as lab:
        return {name: scene(lab, name, pages[name], folder, say) for name in SCENES}


def judged(flows):
    """[(bursts of each connection, windows of all)] of the flows that have a window."""
    bursts = [[bursts_of(records) for records in connections] for connections in flows]
    found = [(each, [w for b in each for w in windows_of(b)]) for each in bursts]
    return [(each, windows) for each, windows in found if windows]
