"""A web site of eight kinds of page, five of each, the same for the same seed, for nginx to serve and browsers to load."""
import random

KINDS = ("article", "front", "search", "login", "gallery", "app", "document", "player")
VARIANTS = 5
UPLOAD, DOWNLOAD = "upload", "download"
POSTS = (5_000, 20_000, 200_000, 2_000_000)
LARGE = 64 << 20
DOMAIN = "pages.example"

# A page ends by going on to the next host, whose name no connection is open to. #LAST,KIND says until
# which number, and whether every page is of one kind; a fragment is never sent.
NEXT = """
const [last, only] = location.hash.slice(1).split(',');
const go = () => { const n = 1 + +location.host.match(/\\d+/)[0];
  const page = only || KINDS[(n * 5 + 3) % KINDS.length] + (n >> 3) % VARIANTS;
  location.href = n < +last ? `https://p${n}.DOMAIN/${page}.html#${last},${only}`
                            : `https://done.DOMAIN/login0.html`; };
const all = async () => { WORK };
addEventListener('load', () => all().then(() => setTimeout(go, 400)));
"""


def kind_of(number):
    """Of the page on the host with this number, when all kinds come in turn."""
    return KINDS[(number * 5 + 3) % len(KINDS)]


def page_of(number):
    return kind_of(number) + str((number >> 3) % VARIANTS)


def files_of(kind, rng):
    """(bytes of the page, style sheets, scripts, images, fetched one after the other)."""
    def sizes(n, low, high):
        return [int(low * (high / low) ** rng.random()) for _ in range(n)]

    return {
        "article": lambda: (sizes(1, 20e3, 60e3)[0], sizes(1, 8e3, 30e3), sizes(2, 10e3, 90e3), sizes(6, 4e3, 80e3), []),
        "front": lambda: (sizes(1, 50e3, 90e3)[0], sizes(2, 5e3, 40e3), sizes(5, 5e3, 60e3), sizes(20, 2e3, 40e3), []),
        "search": lambda: (sizes(1, 8e3, 20e3)[0], sizes(1, 5e3, 20e3), sizes(3, 5e3, 50e3), sizes(2, 1e3, 5e3), sizes(4, 400, 5e3)),
        "login": lambda: (sizes(1, 2e3, 6e3)[0], sizes(1, 2e3, 9e3), sizes(1, 3e3, 30e3), sizes(3, 600, 4e3), []),
        "gallery": lambda: (sizes(1, 6e3, 14e3)[0], sizes(1, 4e3, 12e3), sizes(1, 8e3, 30e3), sizes(24, 15e3, 200e3), []),
        "app": lambda: (sizes(1, 1e3, 4e3)[0], sizes(1, 20e3, 60e3), sizes(2, 90e3, 300e3), sizes(4, 700, 6e3), sizes(10, 300, 8e3)),
        "document": lambda: (sizes(1, 60e3, 140e3)[0], sizes(1, 3e3, 9e3), [], [], []),
        "player": lambda: (sizes(1, 5e3, 12e3)[0], sizes(1, 6e3, 20e3), sizes(2, 40e3, 120e3), sizes(2, 8e3, 60e3), sizes(8, 200e3, 700e3)),
    }[kind]()


def write_noise(path, n, rng):
    path.write_bytes(rng.randbytes(n))


def write_page(folder, kind, variant, rng):
    size, styles, scripts, images, fetched = files_of(kind, rng)
    kind += str(variant)
    head, body, work = [], [], []
    for i, n in enumerate(styles):
        (folder / f"{kind}-{i}.css").write_text("/*" + rng.randbytes(n // 2).hex() + "*/")
        head.append(f'<link rel="stylesheet" href="/{kind}-{i}.css">')
    for i, n in enumerate(scripts):
        (folder / f"{kind}-{i}.js").write_text("/*" + rng.randbytes(n // 2).hex() + "*/")
        head.append(f'<script src="/{kind}-{i}.js" defer></script>')
    for i, n in enumerate(images):
        write_noise(folder / f"{kind}-{i}.png", n, rng)
        body.append(f'<img src="/{kind}-{i}.png" width="40" height="40" alt="">')
    for i, n in enumerate(fetched):
        write_noise(folder / f"{kind}-{i}.json", n, rng)
        work.append(f"await fetch('/{kind}-{i}.json').then(r => r.arrayBuffer());")
    write_html(folder, kind, head, body, " ".join(work), size, rng)


def write_html(folder, kind, head, body, work, size, rng):
    script = NEXT.replace("KINDS", repr(list(KINDS))).replace("DOMAIN", DOMAIN).replace("WORK", work)
    script = script.replace("VARIANTS", str(VARIANTS))
    text = f"<!doctype html><html><head><meta charset='utf-8'><title>{kind}</title>{''.join(head)}"
    text += f"<script>{script}</script></head><body>{''.join(body)}<p>{rng.randbytes(size // 2).hex()}</p></body></html>"
    (folder / f"{kind}.html").write_text(text)


def make(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        for variant in range(VARIANTS):
            write_page(folder, kind, variant, random.Random(f"{seed} {kind} {variant}"))
    rng = random.Random(f"{seed} extra")
    write_noise(folder / "favicon.ico", 1150, rng)
    posts = " ".join(f"await fetch('/sink', {{method: 'POST', body: 'x'.repeat({n})}});" for n in POSTS)
    write_html(folder, UPLOAD, [], [], posts, 3000, rng)
    (folder / "large.bin").write_bytes(bytes(LARGE))
    write_html(folder, DOWNLOAD, [], [], "await fetch('/large.bin').then(r => r.arrayBuffer());", 3000, rng)
