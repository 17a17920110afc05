"""tgen's action graphs (GraphML): a walk through start, streams and pauses becomes a trace of requests."""
import math
import random
from xml.parsers import expat

from quantity import COUNT, SIZE, TIME, Failure, read

REQUESTS_MAX = 1000000
KINDS = ("start", "stream", "pause", "end")
SECOND = 10**9


class Graph:
    """Actions by id, and where they lead."""

    def __init__(self, path, text):
        self.path, self.keys, self.actions, self.edges = path, {}, {}, []
        self.item, self.key, self.text = None, None, ""
        parser = self.parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self.begin, self.end
        parser.CharacterDataHandler = self.characters
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise Failure(f"{path}:{error.lineno}: {expat.errors.messages[error.code]}") from None
        self.check()

    def begin(self, tag, attributes):
        line = self.parser.CurrentLineNumber
        if tag == "key":
            self.keys[attributes.get("id", "")] = attributes.get("attr.name", "")
        elif tag in ("node", "edge"):
            self.item = {"line": line, **({"id": attributes.get("id", "")} if tag == "node" else
                                          {"source": attributes.get("source"), "target": attributes.get("target")})}
            if tag == "edge":
                self.edges.append(self.item)
            else:
                self.actions[self.item["id"]] = self.item
        elif tag == "data":
            self.key = attributes.get("key", "")
            if self.key not in self.keys:
                raise Failure(f"{self.path}:{line}: no <key> declares \"{self.key}\"")
        self.text = ""

    def characters(self, text):
        self.text += text

    def end(self, tag):
        if tag == "data" and self.item is not None:
            self.item[self.keys[self.key]] = self.text.strip()
        elif tag in ("node", "edge"):
            self.item = None

    def where(self, item, key):
        return f"{self.path}:{item['line']}: {item.get('id', 'edge')}, {key}"

    def kind(self, item):
        return next((kind for kind in KINDS if item["id"].startswith(kind)), None)

    def check(self):
        starts = [item for item in self.actions.values() if self.kind(item) == "start"]
        if len(starts) != 1:
            raise Failure(f"{self.path}:1: {len(starts)} actions are called start; there must be one")
        self.start = starts[0]
        for item in self.actions.values():
            item["next"] = []
            kind = self.kind(item)
            if kind is None:
                raise Failure(f"{self.where(item, 'id')}: only {', '.join(KINDS)} are understood")
            if "streammodelpath" in item or "packetmodelpath" in item:
                raise Failure(f"{self.where(item, 'streammodelpath')}: Markov models are not understood; give sendsize and recvsize")
            if kind == "stream":
                item["bytes"] = read(item.get("recvsize", ""), SIZE, "b", self.where(item, "recvsize"))
                if not 1 <= item["bytes"] <= 2**30:
                    raise Failure(f"{self.where(item, 'recvsize')}: 1 B to 1 GiB")
            if kind == "pause":
                item["times"] = [read(part, TIME, "s", self.where(item, "time")) for part in item.get("time", "").split(",")]
        for edge in self.edges:
            for end in ("source", "target"):
                if edge[end] not in self.actions:
                    raise Failure(f"{self.where(edge, end)}: no action is called {edge[end]}")
            try:
                weight = float(edge.get("weight", "1"))
            except ValueError:
                weight = 0
            if not 0 < weight < math.inf:
                raise Failure(f"{self.where(edge, 'weight')}: \"{edge['weight']}\" is no number above 0")
            self.actions[edge["source"]]["next"].append((edge["target"], weight))

    def limits(self):
        """Of one client: ns, streams; None: no limit."""
        ends = [item for item in self.actions.values() if self.kind(item) == "end"]
        ns = [read(item["time"], TIME, "s", self.where(item, "time")) for item in ends if item.get("time")]
        count = [read(item["count"], COUNT, "", self.where(item, "count")) for item in ends if item.get("count")]
        return min(ns, default=None), min(count, default=None)


def walk(graph, client, seed, until):
    """One client's requests: (ns, bytes). A stream is taken to be over at once: its time is the network's to say."""
    draw = random.Random(f"{seed}/{client}")
    most_ns, most = graph.limits()
    now, count, idle, at = 0, 0, 0, graph.start
    if graph.start.get("time"):
        now = read(graph.start["time"], TIME, "s", graph.where(graph.start, "time"))
    end = min(until, now + most_ns) if most_ns is not None else until
    while at["next"]:
        names, weights = zip(*at["next"])
        at = graph.actions[draw.choices(names, weights)[0]]
        before = now
        if graph.kind(at) == "pause":
            now += draw.choice(at["times"])
        if now >= end or (most is not None and count >= most):
            return
        if graph.kind(at) == "stream":
            yield now, at["bytes"]
            count += 1
        idle = 0 if now > before else idle + 1
        if idle > 1000 or count >= REQUESTS_MAX:
            raise Failure(f"{graph.path}:1: {count} streams, the last {idle} actions without a pause: the walk would not end")


def write_trace(graph, clients, seed, until, out):
    requests = sorted((ns, client, size) for client in range(clients) for ns, size in walk(graph, client, seed, until))
    print("start_ns,client,size_bytes", file=out)
    for row in requests:
        print(",".join(map(str, row)), file=out)
