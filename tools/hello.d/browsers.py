"""Debian's Chromium and Firefox ESR, windowed on a display of their own, with a throw-away profile that trusts one CA."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

PROGRAMS = {"chromium": "chromium", "firefox": "firefox-esr"}

PREFS = {  # what a first start would do by itself, and the way to our listener
    "app.normandy.enabled": False, "app.update.enabled": False, "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False, "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0, "browser.topsites.contile.enabled": False, "captivedetect.canonicalURL": "",
    "datareporting.healthreport.uploadEnabled": False, "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False, "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "network.dns.forceResolve": "127.0.0.1",
    "network.http.http3.enable": False, "network.prefetch-next": False,
    "network.trr.mode": 5, "security.OCSP.enabled": 0, "services.settings.server": "data:,#",
    "toolkit.telemetry.enabled": False, "toolkit.telemetry.unified": False, "trailhead.firstrun.didSeeAboutWelcome": True,
}


class Missing(RuntimeError):
    pass


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed: tools/setup --browsers")


def version(browser):
    """'156.0.8078.79'"""
    need(PROGRAMS[browser])
    out = subprocess.run([PROGRAMS[browser], "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return next(word for word in out.split() if word[:1].isdigit()).removesuffix("esr")


def trust(folder, ca):
    """An NSS database that trusts `ca` for servers."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True, timeout=60)
    subprocess.run(["certutil", "-A", "-d", f"sql:{folder}", "-n", "throw-away", "-t", "C,,", "-i", ca], check=True,
                   timeout=60)


@contextlib.contextmanager
def display():
    need("Xvfb")
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                              pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            yield ":" + numbers.readline().strip()
    finally:
        server.terminate()
        server.wait(20)


def chromium(home, port, url):
    options = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
               "--disable-default-apps", "--disable-gpu", "--disable-quic", "--password-store=basic",
               f"--host-resolver-rules=MAP *.example 127.0.0.1:{port}, MAP * ~NOTFOUND", f"--user-data-dir={home}/data"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    return ["chromium", *options, url]


def firefox(home, port, url):
    prefs = PREFS | {"network.socket.forcePort": f"443={port}"}
    lines = [f'user_pref("{name}", {str(value).lower() if not isinstance(value, str) else repr(value)});'
             for name, value in prefs.items()]
    (home / "data" / "user.js").write_text("\n".join(lines) + "\n")
    return ["firefox-esr", "--no-remote", "--profile", str(home / "data"), url]


@contextlib.contextmanager
def running(browser, ca, port, url, options=()):
    """The browser, shown `url`, every name leading to our port, with these options besides; everything of it is
    gone afterwards."""
    need(PROGRAMS[browser], "certutil")
    with tempfile.TemporaryDirectory(prefix="qnet-browser-", ignore_cleanup_errors=True) as folder, display() as screen:
        home = pathlib.Path(folder)
        (home / "data").mkdir()
        trust(home / ".pki/nssdb" if browser == "chromium" else home / "data", ca)
        command = (chromium if browser == "chromium" else firefox)(home, port, url)
        command[-1:-1] = options
        environment = {"HOME": folder, "DISPLAY": screen, "PATH": os.environ["PATH"], "LANG": "en_US.UTF-8",
                       "XDG_RUNTIME_DIR": folder, "MOZ_CRASHREPORTER_DISABLE": "1"}
        process = subprocess.Popen(command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            stop(process)


def stop(process):
    """The browser and what it started: they share a session of their own."""
    for signal, patience in ((15, 10), (9, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    time.sleep(0.3)  # its children let go of their files
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
