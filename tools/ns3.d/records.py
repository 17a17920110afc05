"""Puts the records of a parallel run's processes together, in an order that does not depend on how many they were."""

# What a row is sorted by: columns of numbers, an empty one last.
ORDER = {
    "client,workload": ("start_ns", "client", "circuit"),
    "client,circuit": ("built_at_ns", "ended_at_ns", "client", "circuit"),
    "time_ns,node": ("time_ns", "node"),
}


def order_of(header):
    for start, columns in ORDER.items():
        if header.startswith(start):
            return [header.split(",").index(column) for column in columns]
    raise ValueError(f"no order is known for rows of {header}")


def merge(sources, out):
    """Rows of one node keep their order among each other when nothing else parts them."""
    header, rows = "", []
    for name in sources:
        with open(name, encoding="utf-8") as f:
            header, *more = f.read().splitlines()
        rows += more
    columns = order_of(header)

    def key(row):
        cells = row.split(",")
        return [int(cells[at]) if cells[at] else 1 << 63 for at in columns]

    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join([header, *sorted(rows, key=key)]) + "\n")
