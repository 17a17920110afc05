"""The web sites that a mesh's nodes stand in front of: one process, port, name and certificate for each node that
is dialled, all certificates from one lab authority, each measured with qnet-origin-check as an operator would.

FOLDER/origins/ca        the authority; ca.pem is what browsers (curl --cacert) must trust
FOLDER/origins/NAME      a site's certificate, its configuration, its log
FOLDER/NAME.origin       what was measured, for the node's origin.file
FOLDER/hosts             the sites' names
"""
import concurrent.futures
import os
import random
import shutil
import socket

from processes import Failure, free_port, run, start, wait_until

READY_SECONDS = 20
LIMITS = ("--requests", "1000", "--seconds", "3600")  # what both kinds are set to

NGINX = """{user} daemon off; master_process on; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; default_type text/html; types {{ text/html html; text/css css; image/bmp bmp; }}
    client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
    uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
    server {{
        listen 127.0.0.1:{port} ssl http2 proxy_protocol; listen unix:{dir}/sock ssl http2 proxy_protocol;
        set_real_ip_from 127.0.0.1; set_real_ip_from unix:; real_ip_header proxy_protocol;
        server_name {name}; root {pages};
        ssl_certificate {dir}/chain.pem; ssl_certificate_key {dir}/key.pem; ssl_protocols TLSv1.3;
        ssl_session_cache shared:site:1m; keepalive_requests 1000; keepalive_time 3600s; keepalive_timeout {idle}s;
    }}
}}
"""
WORDS = ("the a river bridge winter of to and harbour lamp slow garden letter north in with old paper morning road "
         "quiet stone window under over green between market evening").split()


def text(size, seed):
    """Something to read, the same in every run."""
    rng, out = random.Random(seed), []
    while sum(map(len, out)) < size:
        out.append("<p>" + " ".join(rng.choice(WORDS) for _ in range(60)).capitalize() + ".</p>\n")
    return "<!doctype html><title>Harbour notes</title>" + "".join(out)


def write_pages(folder):
    """Pages of the sizes that origin-check looks for: some of exactly one record, one longer."""
    os.makedirs(folder)
    for name, size in (("index.html", 5000), ("about.html", 3000), ("article.html", 21000)):
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text(size, name))
    with open(os.path.join(folder, "photo.bmp"), "wb") as f:
        f.write(random.Random(1).randbytes(3942))
    with open(os.path.join(folder, "large.bin"), "wb") as f:
        f.write(random.Random(2).randbytes(4 << 20))


def beside(program, name):
    path = os.path.join(os.path.dirname(program), name)
    if not os.access(path, os.X_OK):
        raise Failure(f"there is no {path}; build it, or use --carrier bare")
    return path


def certificates(program, site, ca):
    run(beside(program, "qnet-origin"), "--lab", "--dir", site["dir"], "--name", site["name"], "--ca", ca,
        "--certify")


def nginx_command(program, folder, site):
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nginx is None:
        raise Failure("--origin nginx needs nginx; 'tools/setup' installs it")
    pages = os.path.join(folder, "origins", "pages")
    if not os.path.exists(pages):
        write_pages(pages)
    certificates(program, site, os.path.join(folder, "origins", "ca"))
    os.makedirs(os.path.join(site["dir"], "tmp"), exist_ok=True)
    configuration = os.path.join(site["dir"], "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as f:
        f.write(NGINX.format(pages=pages, user="user root;" if os.geteuid() == 0 else "", **site))
    return [nginx, "-p", site["dir"], "-c", configuration, "-e", os.path.join(site["dir"], "error.log")]


def embedded_command(program, folder, site):
    return [beside(program, "qnet-origin"), "--lab", "--dir", site["dir"], "--name", site["name"], "--ca",
            os.path.join(folder, "origins", "ca"), "--port", str(site["port"]), "--proxy",
            "--idle", str(site["idle"])]


COMMANDS = {"embedded": embedded_command, "nginx": nginx_command, "nginx-unix": nginx_command}


def plan(folder, kind, program, names, idle):
    """A site for each node; nothing runs yet."""
    taken, sites = set(), []
    if names:
        os.makedirs(os.path.join(folder, "origins"), exist_ok=True)
    for node in names:
        site = {"node": node, "name": f"{node}.test", "dir": os.path.join(folder, "origins", node),
                "port": free_port(taken), "idle": idle, "file": os.path.join(folder, f"{node}.origin")}
        site["at"] = f"unix:{site['dir']}/sock" if kind == "nginx-unix" else f"127.0.0.1:{site['port']}"
        site["command"] = COMMANDS[kind](program, folder, site)
        site["log"] = site["dir"] + ".log"
        sites.append(site)
    with open(os.path.join(folder, "hosts"), "w", encoding="ascii") as f:
        f.writelines(f"127.0.0.1 {site['name']}\n" for site in sites)
    return sites


def answers(site):
    if site["process"].poll() is not None:
        with open(site["log"], encoding="utf-8", errors="replace") as f:
            raise Failure(f"the site of {site['node']} ended: {f.read().strip()[-500:]}")
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", site["port"])) == 0


def measure(program, folder, site):
    run(beside(program, "qnet-origin-check"), site["at"], "--name", site["name"], "--proxy", "--ca",
        os.path.join(folder, "origins", "ca", "ca.pem"), "--quick", *LIMITS,
        "--idle", str(site["idle"]), "--out", site["file"])


def bring_up(program, folder, sites):
    """Starts them all, then measures them, as many at once as there are processors."""
    for site in sites:
        site.update(start(site["command"], site["log"]))
    for site in sites:
        if not wait_until(lambda s=site: answers(s), READY_SECONDS):
            raise Failure(f"the site of {site['node']} does not answer")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda site: measure(program, folder, site), sites))
