"""GML as Shadow and tornettools write it: a network's places, and the links between them."""
import heapq
import re

from quantity import RATE, TIME, Failure, read

TOKEN = re.compile(r'\s*(?:#[^\n]*)?(?:(?P<open>\[)|(?P<close>\])|"(?P<text>[^"]*)"|(?P<word>[^\s\[\]"]+))?')
NODES_MAX = 512  # every pair has an entry in the map
DEPTH_MAX = 16  # of brackets; a topology has two


def tokens(text, path):
    """(kind, value, line), to the end."""
    at, line = 0, 1
    while at < len(text):
        found = TOKEN.match(text, at)
        if found.end() == at:
            raise Failure(f"{path}:{line}: a text that begins here has no end")
        line += text.count("\n", at, found.start(found.lastgroup) if found.lastgroup else found.end())
        if found.lastgroup:
            yield found.lastgroup, found.group(found.lastgroup), line
            line += found.group(found.lastgroup).count("\n")
        at = found.end()


def block(stream, path, opened, depth=0):
    """Keys and values up to the closing bracket: [(key, value, line)]."""
    out = []
    for kind, key, line in stream:
        if kind == "close":
            if opened is None:
                raise Failure(f"{path}:{line}: a bracket is closed that nobody opened")
            return out
        if kind != "word":
            raise Failure(f"{path}:{line}: a key was expected, not \"{key}\"")
        kind, value, at = next(stream, (None, None, line))
        if kind in (None, "close"):
            raise Failure(f"{path}:{line}: the key {key} has no value")
        if depth == DEPTH_MAX:
            raise Failure(f"{path}:{at}: brackets lie more than {DEPTH_MAX} deep")
        out.append((key, block(stream, path, line, depth + 1) if kind == "open" else value, at))
    if opened is not None:
        raise Failure(f"{path}:{opened}: this bracket is never closed")
    return out


class Item:
    """A node or an edge, which knows where it stands."""

    def __init__(self, what, pairs, path, line):
        self.what, self.path, self.line = what, path, line
        self.values = {key: (value, at) for key, value, at in pairs}

    def where(self, key):
        return f"{self.path}:{self.values[key][1] if key in self.values else self.line}: {self.what}, {key}"

    def get(self, key, missing=None):
        if key in self.values:
            if isinstance(self.values[key][0], list):
                raise Failure(f"{self.where(key)}: is a value, not brackets")
            return self.values[key][0]
        if missing is None:
            raise Failure(f"{self.where(key)}: is needed")
        return missing

    def share(self, key):
        """Thousandths of thousandths."""
        text = self.get(key, "0")
        try:
            value = float(text)
        except ValueError:
            value = -1
        if not 0 <= value <= 1:
            raise Failure(f"{self.where(key)}: \"{text}\" is not a share from 0 to 1")
        return round(value * 1000000)


class Graph:
    def __init__(self, path, text):
        top = [entry for entry in block(tokens(text, path), path, None) if entry[0] == "graph" and isinstance(entry[1], list)]
        if not top:
            raise Failure(f"{path}:1: there is no graph [ ... ] in it")
        self.path = path
        items = [Item(key, value, path, line) for key, value, line in top[0][1] if isinstance(value, list)]
        self.nodes = {}
        for node in (item for item in items if item.what == "node"):
            if not re.fullmatch("[A-Za-z0-9_-]{1,64}", node.get("id")):
                raise Failure(f"{node.where('id')}: \"{node.get('id')}\" is not made of letters, digits, - and _")
            if node.get("id") in self.nodes:
                raise Failure(f"{node.where('id')}: {node.get('id')} stands twice")
            self.nodes[node.get("id")] = node
        self.edges = [item for item in items if item.what == "edge"]
        if not self.nodes or len(self.nodes) > NODES_MAX:
            raise Failure(f"{path}:1: {len(self.nodes)} nodes; 1 to {NODES_MAX} can be regions of a scenario")
        for edge in self.edges:
            for end in ("source", "target"):
                if edge.get(end) not in self.nodes:
                    raise Failure(f"{edge.where(end)}: no node has the id {edge.get(end)}")

    def links(self):
        """By node: {other: ns}, of the quicker direction."""
        out = {name: {} for name in self.nodes}
        for edge in self.edges:
            ns = read(edge.get("latency"), TIME, "ms", edge.where("latency"))
            if ns < 1000:
                raise Failure(f"{edge.where('latency')}: less than 1 us")
            a, b = edge.get("source"), edge.get("target")
            out[a][b] = out[b][a] = min(ns, out[a].get(b, ns))
        return out

    def losses(self):
        """By node, the mean loss of its links to others, in millionths."""
        sums = {name: [] for name in self.nodes}
        for edge in self.edges:
            if edge.get("source") != edge.get("target"):
                for end in ("source", "target"):
                    sums[edge.get(end)].append(edge.share("packet_loss"))
        return {name: sum(all_) // len(all_) if all_ else 0 for name, all_ in sums.items()}


def distances(links, start):
    """Shortest ways, as Shadow routes where no link leads directly."""
    best, queue = {start: 0}, [(0, start)]
    while queue:
        far, at = heapq.heappop(queue)
        if far > best[at]:
            continue
        for other, ns in links[at].items():
            if other != at and far + ns < best.get(other, far + ns + 1):
                best[other] = far + ns
                heapq.heappush(queue, (far + ns, other))
    return best


def name_of(node):
    """What a region may be called."""
    label = re.sub(r"[^a-z0-9]+", "-", node.get("label", "").lower()).strip("-")
    return f"{label}-{node.get('id')}" if label else f"node-{node.get('id')}"


def write_map(graph, out):
    """Keys of a scenario's network."""
    links, losses = graph.links(), graph.losses()
    names = {key: name_of(node) for key, node in graph.nodes.items()}
    own = sorted(ns for key, to in links.items() for other, ns in to.items() if other == key)
    if not own:
        raise Failure(f"{graph.path}:1: no node has an edge to itself, so the latency within a region is unknown")
    print("# From a GML graph, by tools/sim-import. A loss on the way is split between its ends' access links.\nregions:", file=out)
    for key, node in graph.nodes.items():
        country = node.get("country_code", "").upper()
        known = f", country: {country}" if re.fullmatch("[A-Z]{2}", country) else ""
        print(f"  - {{name: {names[key]}{known}, access: {names[key]}}}", file=out)
    print(f"latency:\n  local: {own[len(own) // 2]} ns\n  between:", file=out)
    order = list(graph.nodes)
    for i, a in enumerate(order):
        best = distances(links, a)
        for b in order[i + 1:]:
            if b not in best:
                raise Failure(f"{graph.nodes[b].where('id')}: no way leads from node {a} to node {b}")
            print(f"    - [{names[a]}, {names[b]}, {best[b]} ns]", file=out)
    print("access:", file=out)
    for key, node in graph.nodes.items():
        rates = [read(node.get(f"host_bandwidth_{way}"), RATE, "bit", node.where(f"host_bandwidth_{way}")) for way in ("up", "down")]
        loss = f", loss: {losses[key] // 2 / 10000:.4f} %" if losses[key] >= 2 else ""
        print(f"  {names[key]}: {{up: {rates[0]} bit/s, down: {rates[1]} bit/s{loss}}}", file=out)
