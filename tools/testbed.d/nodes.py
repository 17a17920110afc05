"""The real nodes of a testbed: their network file, web sites, configurations and processes."""
import concurrent.futures
import json
import os
import re

import origins
from processes import run, start, wait_until

SOCKS_PORT = 1088
LINK_PORT = 443
READY_SECONDS = 20
FIRST_PAGE, SECOND_PAGE = "/article", "/photo.bmp"
PROFILE = "chromium-156"  # the simulator's
BUILT = re.compile(r"(\S+Z) debug circuit: circuit (\d+) over (\d+) hops is ready after (\d+) us")


def is_node(host):
    return host["role"] != "web"


def dialled(hosts):
    return [host for host in hosts if host["role"] not in ("web", "client")]


def keep_simulated_pages(path):
    """A visit's first page takes two flights and its second one, as those of the simulator's sites do
    (io-sim/model/origin-conn.cc); a shorter first page would save a round trip of each link's set-up."""
    with open(path, encoding="utf-8") as f:
        facts = json.load(f)
    for which, wanted in (("first", FIRST_PAGE), ("second", SECOND_PAGE)):
        facts[which] = [page for page in facts[which] if page[0] == wanted]
        if not facts[which]:
            raise origins.Failure(f"{path}: the site's {wanted} is not fit for a visit's {which} page")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(facts, f)


def bring_up_sites(program, folder, hosts, places):
    """A web site on the machine of each node that is dialled, measured as its operator would."""
    names = [host["name"] for host in dialled(hosts)]
    idle = 75
    sites = origins.plan(folder, "embedded", program, names, idle)
    place_of = {host["name"]: place for host, place in zip(hosts, places)}

    def open_site(site):
        with place_of[site["node"]].inside():
            site.update(start(site["command"], site["log"]))
            if not wait_until(lambda: origins.answers(site), READY_SECONDS):
                raise origins.Failure(f"the site of {site['node']} does not answer")
            origins.measure(program, folder, site)
        keep_simulated_pages(site["file"])

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(open_site, sites))
    return sites


def write_names(folder, hosts, places, web):
    """The sites' names for the nodes, in hosts; and for the exits what is to be /etc/hosts."""
    lines = [f"{place.address} {host['name']}.test\n" for host, place in zip(hosts, places) if host in dialled(hosts)]
    with open(os.path.join(folder, "hosts"), "w", encoding="ascii") as f:
        f.writelines(lines)
    with open(os.path.join(folder, "etc-hosts"), "w", encoding="ascii") as f:
        f.writelines(["127.0.0.1 localhost\n", *(f"{place.address} {name}\n" for name, place in web)])


def configuration(folder, host, place):
    mode = host["role"]
    lines = {"mode": mode, "state": os.path.join(folder, host["name"]), "network": os.path.join(folder, "network"),
             "lab": "true", "status.port": "off", "log.level": "debug", "profile": PROFILE,
             "roots": os.path.join(folder, "origins", "ca", "ca.pem"), "hosts": os.path.join(folder, "hosts")}
    if mode == "client":
        lines.update({"socks.port": str(SOCKS_PORT), "route": host["route"]})
        if host["pool"]:
            lines["circuits.ready"] = str(host["pool"])
    else:
        lines["listen"] = f"{place.address}:{LINK_PORT}"
        lines["origin.file"] = os.path.join(folder, host["name"] + ".origin")
    if mode in ("exit", "super"):
        lines.update({"exit.contact": "lab@localhost", "exit.allow": ["10.0.0.0/8:80"]})
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())


def found(program, folder, hosts, places):
    """A network whose one operator is the first super, as the simulator's is; configurations of all nodes."""
    def path(name):
        return os.path.join(folder, name)

    first, place = next((host, place) for host, place in zip(hosts, places) if host["role"] == "super")
    name = first["name"]
    run(program, "keygen", "--operator", "--state", path(name))
    run(program, "network", "entry", "--state", path(name), "--addr", f"{place.address}:{LINK_PORT}", "--out", path("entry"))
    run(program, "network", "init", "--out", path("network"), "--name", "testbed", "--lab", "--operator-entry", path("entry"))
    run(program, "network", "contact", "--state", path(name), "--network", path("network"), "--origin", path(f"{name}.origin"),
        "--out", path("contact"))
    run(program, "network", "complete", "--network", path("network"), "--contact", path("contact"), "--out", path("network"))
    for host, at in zip(hosts, places):
        if is_node(host):
            with open(path(host["name"] + ".yaml"), "w", encoding="utf-8") as f:
                f.write(configuration(folder, host, at))


def start_node(program, folder, host, place, priority):
    with place.inside():
        return start([*priority, program, "run", "--config", os.path.join(folder, host["name"] + ".yaml")],
                     os.path.join(folder, host["name"] + ".log"))


def circuits_of(folder, host):
    """(circuit, hops, build time in ns) as the node's log has them."""
    with open(os.path.join(folder, host["name"] + ".log"), encoding="utf-8") as log:
        return [(int(m[2]), int(m[3]), int(m[4]) * 1000) for m in map(BUILT.match, log) if m]


def strain(processes):
    """How long their work took, and how long it waited for a processor, in ms: /proc/PID/schedstat."""
    ran = waited = 0
    for process in processes:
        try:
            with open(f"/proc/{process['pid']}/schedstat", encoding="ascii") as f:
                fields = f.read().split()
        except OSError:
            continue
        ran, waited = ran + int(fields[0]), waited + int(fields[1])
    return {"cpu_ms": ran // 1000000, "waited_for_cpu_ms": waited // 1000000}
