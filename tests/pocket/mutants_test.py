#!/usr/bin/env python3
"""mutants - whether tests notice when the code of cells is wrong.

usage: mutants_test.py --build DIR [--list] [NAME ...]

Each mutant is one small change to one file of the core, compiled beside the real one (scratch files only) and
linked in its place into the tests that are to notice. A mutant that all its tests let pass is a failure, and so is
a change whose place in the code is gone. DIR is a build whose tests are built. Exit status: 0 every mutant was
noticed, 1 one was not, 2 wrong usage.
"""
import argparse
import os
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PATIENCE = 300      # seconds: a mesh that waits for ever has noticed
SEEDS = "33"        # of the hostile hop: each kind of lie three times
MESH, HOSTILE, ONION = "pocket_mesh_test", "pocket_hostile_test", "circuit_onion_test"

# Twenty seconds of four people who use three hops, in ns-3.
SIM = ("qnet-sim", "run", os.path.join(ROOT, "sim-scenarios", "baseline-web.yaml"), "--quiet",
       "--set", "network.carrier=bare", "--set", "general.stop='20 s'", "--set", "general.warmup='5 s'",
       "--set", "population.people.count=4", "--set", "population.people.route={privacy: 1}",
       "--set", "population.relays.count=4", "--set", "expect=[{what: streams.done, at_least: 3}]")

# name, file below proto/, what stands there, what is put in its place, and who must notice. What is wrong in the
# same way at both ends only an independent script's vectors can show.
MUTANTS = (
    ("a sealed byte is flipped", "circuit/onion.c", "return err == QN_OK ? advance(l, env) : err;\n}\n\n/* Opens",
     "cell[0] ^= err == QN_OK;\n    return err == QN_OK ? advance(l, env) : err;\n}\n\n/* Opens", MESH),
    ("a sealed byte is flipped in the simulator", "circuit/onion.c",
     "return err == QN_OK ? advance(l, env) : err;\n}\n\n/* Opens",
     "cell[0] ^= err == QN_OK;\n    return err == QN_OK ? advance(l, env) : err;\n}\n\n/* Opens", SIM),
    ("a joint seals with the other direction's key", "circuit/onion.c",
     "failed(o, seal(&o->backward, env, cell, qn_cell_text(size) + QN_TAG))",
     "failed(o, seal(&o->forward, env, cell, qn_cell_text(size) + QN_TAG))", MESH),
    ("a joint opens a byte less", "circuit/onion.c", "open(&o->forward, env, cell, qn_cell_text(size) + QN_TAG)",
     "open(&o->forward, env, cell, qn_cell_text(size) + QN_TAG - 1)", MESH),
    ("filler overwrites a tag", "circuit/onion.c", "cell + size - QN_TAG, QN_TAG", "cell + size - QN_TAG - 1, QN_TAG",
     MESH),
    ("no step at the role change", "circuit/hop.c", "err = qn_onion_extended(&h->onion, h->all->env);", "err = QN_OK;",
     MESH),
    ("tags are not looked at", "crypto/aead.c",
     "        EVP_DecryptFinal_ex(ctx, none, &left) != 1)\n        return QN_AUTH;",
     "        EVP_DecryptFinal_ex(ctx, none, &left) > 1)\n        return QN_AUTH;", HOSTILE),
    ("any size is a cell", "circuit/cell.h", "return n == QN_CELL_S || n == QN_CELL_L;", "return n > 0;", HOSTILE),
    ("a failure does not end the hop", "circuit/hop.c",
     "    err = qn_cell_sized(cell.len) ? forward(h, cell) : QN_PROTO;\n    if (err != QN_OK)",
     "    err = qn_cell_sized(cell.len) ? forward(h, cell) : QN_PROTO;\n    if (err == QN_INTERNAL)", HOSTILE),
    ("a text is not ended by zeros", "circuit/apps_out.c", "memset(w.text + w.used, 0,", "memset(w.text + w.used, 1,",
     MESH),
    ("keys step after 63 cells", "circuit/onion.c", "l->n % QN_LAYER_RATCHET == 0", "l->n % 63 == 0", ONION),
    ("nonces skip one", "circuit/onion.c", "    l->n++;", "    l->n += 2;", ONION),
)


def commands(build, target):
    done = subprocess.run(["ninja", "-C", build, "-t", "commands", os.path.join("bin", target)], check=True,
                          capture_output=True, text=True)
    return done.stdout.splitlines()


def compile_of(lines, source, scratch, out):
    """The command that compiles the scratch copy of this file into `out`, which finds scratch headers first."""
    for line in lines:
        words = shlex.split(line)
        if words and words[-1].endswith("/proto/" + source):
            flags = words[:next(i for i, word in enumerate(words) if word in ("-MD", "-o"))]
            first = next(i for i, word in enumerate(flags) if word.startswith("-"))
            return flags[:first] + ["-I" + scratch] + flags[first:] + ["-c", os.path.join(scratch, source), "-o", out]
    raise SystemExit(f"mutants: nothing compiles proto/{source} here")


def sources_of(file):
    """A header's change is compiled into every file of its folder."""
    if file.endswith(".c"):
        return [file]
    folder = os.path.join(ROOT, "proto", os.path.dirname(file))
    return [os.path.join(os.path.dirname(file), name) for name in sorted(os.listdir(folder)) if name.endswith(".c")]


def mutate(scratch, file, old, new):
    """A copy of the file's folder with the change, found before the real one."""
    folder = os.path.join(ROOT, "proto", os.path.dirname(file))
    copy = os.path.join(scratch, os.path.dirname(file))
    os.makedirs(copy)
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as source:
            text = source.read()
        if name == os.path.basename(file):
            if text.count(old) != 1:
                raise SystemExit(f"mutants: proto/{file} does not have this once: {old!r}")
            text = text.replace(old, new)
        with open(os.path.join(copy, name), "w") as out:
            out.write(text)


def build_mutant(build, scratch, target, file):
    """Compiles what changed and links it before the libraries; the program's path."""
    lines = commands(build, target)
    objects = []
    for source in sources_of(file):
        objects.append(os.path.join(scratch, source.replace("/", "_") + ".o"))
        subprocess.run(compile_of(lines, source, scratch, objects[-1]), cwd=build, check=True)
    return link(build, lines[-1], target, file, objects, scratch)


def link(build, line, target, file, objects, scratch):
    """In place of the real objects, or before the library that has them."""
    replaced = {"proto/" + source + ".o" for source in sources_of(file)}
    words = [word for word in shlex.split(line)
             if word not in (":", "&&") and not any(word.endswith(name) for name in replaced)]
    program = os.path.join(scratch, target)
    at = words.index("-o")
    words[at + 1] = program
    subprocess.run(words[:at] + objects + words[at:], cwd=build, check=True)
    return program


def name_of(target):
    return target if isinstance(target, str) else target[0]


def noticed(program, target):
    """Whether the test fails that this program is; of the simulator, a run."""
    env = dict(os.environ, POCKET_SEEDS=SEEDS, ASAN_OPTIONS="detect_leaks=0")
    with tempfile.TemporaryDirectory(prefix="qnet-mutant-") as out:
        more = [] if isinstance(target, str) else [*target[1:], "--out", out]
        try:
            done = subprocess.run([program, *more], env=env, timeout=PATIENCE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return True
    return done.returncode != 0


def judge(build, mutant):
    name, file, old, new, target = mutant
    with tempfile.TemporaryDirectory(prefix="qnet-mutant-") as scratch:
        mutate(scratch, file, old, new)
        caught = noticed(build_mutant(build, scratch, name_of(target), file), target)
    print(f"{'noticed' if caught else 'NOT NOTICED':12} {name} ({name_of(target)})", flush=True)
    return caught


def main():
    parser = argparse.ArgumentParser(description="Whether tests notice when the code of cells is wrong.")
    parser.add_argument("--build", required=True, help="a build folder whose tests are built")
    parser.add_argument("--list", action="store_true", help="name the mutants and stop")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    args = parser.parse_args()
    chosen = [m for m in MUTANTS if not args.names or m[0] in args.names]
    if not chosen:
        parser.error("no mutant has that name: --list")
    if args.list:
        print("\n".join(m[0] for m in chosen))
        return 0
    programs = os.path.join(os.path.realpath(args.build), "bin")
    if not os.path.exists(os.path.join(programs, SIM[0])):  # a build without ns-3
        chosen = [m for m in chosen if m[4] != SIM]
    if any(noticed(os.path.join(programs, name_of(target)), target) for target in {m[4] for m in chosen}):
        print("mutants: a test fails without any mutant: nothing can be told", file=sys.stderr)
        return 1
    return 0 if all([judge(os.path.realpath(args.build), m) for m in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main())
