"""A list of relays in CSV: each row becomes a group of one member."""
import csv
import re

from quantity import RATE, Failure, read

ROLES = ("relay", "exit", "super")
NEEDED = ("name", "region", "up", "down")
KNOWN = (*NEEDED, "role")
ROWS_MAX = 20000


def rows(path, file):
    reader = csv.DictReader(file)
    try:
        yield from checked(path, reader)
    except csv.Error as error:
        raise Failure(f"{path}:{reader.line_num + 1}: {error}") from None


def checked(path, reader):
    for column in NEEDED:
        if column not in (reader.fieldnames or []):
            raise Failure(f"{path}:1: no column is called {column}; there must be {', '.join(NEEDED)}, and there may be role")
    for column in reader.fieldnames:
        if column not in KNOWN:
            raise Failure(f"{path}:1: column {column} is unknown; known are {', '.join(KNOWN)}")
    seen = set()
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if None in row or None in row.values():
            raise Failure(f"{where}: the row has not as many cells as the header")
        for column in ("name", "region"):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", row[column]):
                raise Failure(f"{where}: {column}: \"{row[column]}\" is not made of letters, digits, - and _")
        if row["name"] in seen or len(seen) == ROWS_MAX:
            raise Failure(f"{where}: name: {row['name']} stands twice" if row["name"] in seen else f"{where}: too many rows")
        seen.add(row["name"])
        role = row.get("role") or "relay"
        if role not in ROLES:
            raise Failure(f"{where}: role: \"{role}\" is none of {', '.join(ROLES)}")
        rates = [read(row[way], RATE, "bit", f"{where}: {way}") for way in ("up", "down")]
        if min(rates) < 1000:
            raise Failure(f"{where}: {'up' if rates[0] < 1000 else 'down'}: less than 1 kbit/s")
        yield row["name"], row["region"], role, rates


def write_scenario(path, file, base, out):
    """A scenario that is `base` with these relays."""
    listed = list(rows(path, file))
    print(f"# From a list of relays, by tools/sim-import.\nextends: {base}\nnetwork:\n  access:", file=out)
    for name, _, _, (up, down) in listed:
        print(f"    listed-{name}: {{up: {up} bit/s, down: {down} bit/s}}", file=out)
    print("population:", file=out)
    for name, region, role, _ in listed:
        print(f"  - {{name: listed-{name}, role: {role}, count: 1, access: listed-{name}, regions: {{{region}: 1}}, "
              "start: {from: 1 s, over: 2 s}}", file=out)
