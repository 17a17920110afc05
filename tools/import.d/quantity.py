"""Quantities as Shadow, tgen and our scenarios write them, and what is wrong with a file."""
import re

RATE = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "kibit": 2**10, "mibit": 2**20, "gibit": 2**30}
SIZE = {"b": 1, "byte": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
TIME = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "sec": 10**9, "seconds": 10**9, "second": 10**9, "min": 60 * 10**9}
COUNT = {"": 1}
NAMES = {id(COUNT): "a whole number", id(RATE): "a rate such as 30 Mbit/s", id(SIZE): "a size such as 50 KiB", id(TIME): "a time such as 20 ms"}


class Failure(Exception):
    """One sentence, with file and line."""


def read(text, units, plain, where):
    """\\param plain the unit of a number without one. \\return a whole number of the smallest unit"""
    found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([a-z]*)(?:/s|ps)?\s*", str(text).strip().lower())
    unit = (found.group(2) or plain) if found else None
    if unit not in units:
        raise Failure(f"{where}: \"{text}\" is not {NAMES[id(units)]}")
    whole, _, part = found.group(1).partition(".")
    return int(whole) * units[unit] + (int(part) * units[unit] // 10 ** len(part) if part else 0)
