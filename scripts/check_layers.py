#!/usr/bin/env python3
"""Checks that includes go one way and that the pure core stays pure.

Prints each offence as file:line and exits 1 when there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Which modules a module may include, beside itself.
ALLOWED = {
    "base": set(),
    "calendar": {"base"},
    "model": {"base", "calendar"},
    "scheduler": {"base", "calendar", "model"},
    "storage": {"base", "model"},
    "executor": {"base", "model", "runner"},
    "runner": {"base"},
    "plugin": {"base", "model", "executor", "runner"},
    "eventlog": {"base", "model", "storage"},
    "engine": {"base", "calendar", "model", "scheduler", "storage", "executor"},
    "hosts": {"base", "model", "engine"},
    "bundle": {"base", "model", "storage"},
    "yaml": {"base", "model"},
    "client": {"base"},
    "api": {"base", "calendar", "model", "scheduler", "storage", "executor", "eventlog", "engine",
            "bundle", "client"},
    "server": {"base", "calendar", "model", "scheduler", "storage", "executor", "eventlog", "engine",
               "hosts", "bundle", "api", "client", "plugin"},
    # The command line is a client of the contract; it shares packing and the model, and hands
    # `standalone` and `server` to the server's entry points.
    "cli": {"base", "model", "bundle", "client", "server", "storage", "yaml"},
}
# Headers of libraries that only these modules may see.
ADAPTERS = {
    r"<grpc|\.grpc\.pb\.h|\.pb\.h": {"api", "cli", "client", "plugin", "server"},
    r"<sqlite3\.h>": {"storage"},
    r"<httplib\.h>": {"api", "server"},
    r"<archive": {"bundle"},
    r"<curl/": {"storage"},
    r"<yaml-cpp": {"server", "cli", "yaml"},
    r"<date/": {"calendar"},
    r"<prometheus/": {"server"},
}
PURE = {"calendar", "model", "scheduler", "yaml"}
IMPURE = re.compile(
    r"\b(system_clock|steady_clock|std::thread|std::jthread|std::mutex|std::random_device|mt19937|"
    r"rand\(|getenv|std::ifstream|std::ofstream|fopen|std::filesystem|sleep_for)\b|"
    r"#include <(thread|mutex|random|fstream|filesystem|unistd\.h|sys/)")
INCLUDE = re.compile(r'^\s*#include\s+(["<][^">]+[">])')


def offences(path: pathlib.Path) -> list[str]:
    """The offences of one source file, as printable lines."""
    relative = path.relative_to(ROOT)
    module = relative.parts[1]
    is_test = path.stem.endswith("_test") or path.stem.startswith("fake_")
    if module not in ALLOWED:
        return [f"{relative}: module '{module}' is not known to {pathlib.Path(__file__).name}"]
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{relative}:{number}"
        match = INCLUDE.match(line)
        if match:
            target = match.group(1)
            first = target.strip('"<>').split("/")[0]
            if target.startswith('"') and first in ALLOWED and first != module:
                if first not in ALLOWED[module] and not is_test:
                    found.append(f"{where}: {module} may not include {first}")
            for pattern, modules in ADAPTERS.items():
                if re.search(pattern, target if "<" in pattern else line) and module not in modules:
                    found.append(f"{where}: {target} belongs to {', '.join(sorted(modules))}")
        if module in PURE and not is_test:
            code = line.split("//")[0]
            if IMPURE.search(code):
                found.append(f"{where}: {module} is pure: no clock, thread, randomness or I/O")
    return found


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src/*.h", "src/*.cc"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    found = [line for name in listed for line in offences(ROOT / name)]
    for line in found:
        print(line)
    if not found:
        print(f"layers: {len(listed)} files, no include goes the wrong way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
