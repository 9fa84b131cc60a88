#!/usr/bin/env python3
"""Checks that every test named in the tables of docs/reliability.md exists where the table says.

A row's third column names tests, its fourth the files they are in. Each promise and each fault has
such a row, or one with the reason why it has no test. Prints each offence as file:line and exits 1
when there is one.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reliability.md"
CPP_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)
# The last number of each kind: promises have no letter.
LAST_IDS = {"": 35, "N": 17, "E": 20, "S": 19, "T": 15, "A": 17}
ID_ROW = re.compile(r"^\| ([A-Z]?\d+) \| .*\S.* \|$", re.MULTILINE)
MUTANT = re.compile(r"Mutant::k\w+,\s*\"([a-z-]+)\"")


def tests_in(path: pathlib.Path) -> set:
    """Names as the page writes them: Suite.Name, test_name, mutant name."""
    text = path.read_text()
    if path.suffix == ".py":
        return set(PYTHON_TEST.findall(text))
    names = {f"{suite}.{name}" for suite, name in CPP_TEST.findall(text)}
    return names | {f"mutant {name}" for name in MUTANT.findall(text)}


def rows(text: str):
    """(line number, tests, files) of each table row that names files."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 4:
            continue
        tests, files = (re.findall(r"`([^`]+)`", cell) for cell in cells[2:])
        if tests or files:
            yield number, tests, files


def ids_without_row(text: str):
    there = ID_ROW.findall(text)
    for letter, last in LAST_IDS.items():
        for number in range(1, last + 1):
            name = f"{letter}{number}"
            if there.count(name) != 1:
                yield f"{name} has {there.count(name)} rows instead of one"


def main() -> int:
    offences = [f"{PAGE.relative_to(ROOT)}: {what}" for what in ids_without_row(PAGE.read_text())]
    checked = 0
    known = {}
    for number, tests, files in rows(PAGE.read_text()):
        def offend(what):
            offences.append(f"{PAGE.relative_to(ROOT)}:{number}: {what}")

        found = set()
        for name in files:
            if name not in known:
                path = ROOT / name
                known[name] = tests_in(path) if path.is_file() else None
            if known[name] is None:
                offend(f"no file {name}")
                continue
            if not known[name] & set(tests):
                offend(f"{name} holds none of the tests of this row")
            found |= known[name]
        for test in tests:
            checked += 1
            if test not in found:
                offend(f"no test {test} in the files of this row")
        if not tests:
            offend("a row without a test")
    if not checked:
        offences.append(f"{PAGE.relative_to(ROOT)}: no test is named")
    print("\n".join(offences) if offences else f"promises: {checked} named tests exist")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
