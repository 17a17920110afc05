"""Adds up the JUnit files ctest wrote.

usage: summary.py PRESET=FILE...

Names the tests that were skipped, with the last thing they said, and for each that failed the command
that runs it alone. FILE.second, where it exists, is of tests that failed and ran again: those that passed
then count as passed and are named. The last line is "PASSED FAILED" as two numbers for tools/test. A file
that is missing counts as one failure: ctest died before it could write it.
"""
import os
import re
import sys
import xml.etree.ElementTree as xml

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


def outcome(case):
    """What became of a <testcase>. CTest says "notrun" both for a test that asked to be skipped and for
    one whose program or fixture is missing; only the first is fine."""
    status = case.get("status")
    if status == "notrun":
        reason = case.find("skipped")
        asked = reason is not None and reason.get("message", "").startswith("SKIP_")
        return SKIPPED if asked else FAILED
    return {"run": PASSED, "disabled": SKIPPED}.get(status, FAILED)


def last_words(case):
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
    return lines[-1] if lines else "it did not say why"


def cases_of(path):
    return list(xml.parse(path).getroot().iter("testcase"))


def passed_then(path):
    """The names of what passed in the second try, if there was one."""
    return {case.get("name") for case in cases_of(path) if outcome(case) == PASSED} if os.path.exists(path) else set()


def report(preset, case, second):
    name, result = case.get("name"), outcome(case)
    if result == FAILED and name in second:
        print(f"  2nd try  {preset}: {name}: failed beside others, passed alone")
        return PASSED
    if result == SKIPPED:
        print(f"  skipped  {preset}: {name}: {last_words(case)}")
    elif result == FAILED:
        print(f"  FAILED   {preset}: {name}\n           again: cmake --build --preset {preset} && "
              f"ctest --preset {preset} -R '^{re.escape(name)}$'")
    return result


def main(arguments):
    count = {PASSED: 0, FAILED: 0, SKIPPED: 0}
    for argument in arguments:
        preset, _, path = argument.partition("=")
        try:
            cases, second = cases_of(path), passed_then(path + ".second")
        except (OSError, xml.ParseError) as error:
            print(f"  FAILED   {preset}: no test results ({error})")
            count[FAILED] += 1
            continue
        for case in cases:
            count[report(preset, case, second)] += 1
    print(count[PASSED], count[FAILED])


main(sys.argv[1:])
