"""The fenced code blocks of the documents, and the marks before them.

A mark is an HTML comment in front of a block, so that a reader of the source sees it and a reader of the
page does not:

    <!-- not run: REASON -->    nobody runs it; test_docs.py has the list of those
    <!-- needs: NAME -->        run only where NAME is installed (NEEDS), else only parsed
    <!-- exit code: N -->       how a block of commands ends
    <!-- output -->             what the block before prints; "..." stands for anything
    <!-- run: COMMANDS -->      bash that is run at this place, without a block
    <!-- before: CODE -->       C++ that a piece of C++ refers to, outside of functions
    <!-- in a function: CODE -->   the same; the block is statements, not declarations

`title="FILE"` after the language names the file that the block is.

Run as a program it prints how many blocks there are of each language, and what is not run; with a page and a
title, the text of that block.
"""

import collections
import importlib.util
import os
import pathlib
import re
import shutil
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(os.environ.get("AIFLOW_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
FENCE = re.compile(
    r"(?P<marks>(?:<!--(?:(?!-->).)*-->\s*)*)^(?P<indent> *)```(?P<language>[a-z+]*)(?P<attributes>[^\n`]*)\n"
    r"(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!--\s*(not run|needs|exit code|output|run|before|in a function)\s*(?::\s*(.*?))?\s*-->", re.DOTALL)


def flink_home():
    """Where Flink's distribution is, as `scripts/setup --real-tools` installs it; None when it is not there."""
    places = [os.environ.get("FLINK_HOME"), os.environ.get("AIFLOW_REAL_TOOLS", ROOT / "build/real-tools")]
    found = [pathlib.Path(place) for place in places if place]
    return next((path for place in found for path in (place, place / "flink" / "home") if (path / "lib").is_dir()), None)


# What a block may need that not every machine has: how to find out.
NEEDS = {
    "confluent_kafka": lambda: importlib.util.find_spec("confluent_kafka") is not None,
    "flink": lambda: shutil.which("javac") is not None and flink_home() is not None,
}


@dataclass
class Block:
    page: str
    line: int  # of its first line of code
    language: str
    text: str
    title: str = ""
    marks: dict = field(default_factory=dict)  # name -> text; of "run" a list

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def runs(self) -> bool:
        return "not run" not in self.marks and all(NEEDS[name]() for name in self.needs)

    @property
    def needs(self) -> list:
        return [self.marks["needs"]] if "needs" in self.marks else []


def pages() -> list:
    """Every document, as path from the root."""
    found = [path for folder in ("docs", "examples", "deploy", "sdk") for path in (ROOT / folder).rglob("*.md")]
    found += ROOT.glob("*.md")
    return sorted(str(path.relative_to(ROOT)) for path in found if "node_modules" not in path.parts)


def blocks_of(page: str) -> list:
    """The blocks of a page in order. Commands of "run" marks are blocks of their own, with the title "run"."""
    text = (ROOT / page).read_text()
    found = []
    position = 0
    for match in FENCE.finditer(text):
        found += loose_runs(page, text, position, match.start("marks"))
        position = match.end()
        marks = {}
        for mark in MARK.finditer(match["marks"]):
            if mark[1] == "run":
                found.append(run_block(page, text, match.start("marks") + mark.start(), mark[2]))
            else:
                marks[mark[1]] = mark[2] or ""
        indent = match["indent"]
        code = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        title = re.search(r'title="([^"]+)"', match["attributes"])
        found.append(Block(page, text.count("\n", 0, match.start("text")) + 1, match["language"], code,
                           title[1] if title else "", marks))
    return found + loose_runs(page, text, position, len(text))


def loose_runs(page: str, text: str, begin: int, end: int) -> list:
    return [run_block(page, text, begin + mark.start(), mark[2])
            for mark in MARK.finditer(text[begin:end]) if mark[1] == "run"]


def run_block(page: str, text: str, position: int, commands: str) -> Block:
    return Block(page, text.count("\n", 0, position) + 1, "bash", commands + "\n", "run")


def all_blocks() -> list:
    return [block for page in pages() for block in blocks_of(page)]


def main():
    if len(sys.argv) > 2:
        sys.stdout.write(next(block.text for block in blocks_of(sys.argv[1]) if block.title == sys.argv[2]))
        return
    blocks = [block for block in all_blocks() if block.title != "run"]
    def kind(block):
        return "output" if "output" in block.marks else block.language

    counts = collections.Counter(map(kind, blocks))
    run = collections.Counter(kind(block) for block in blocks if block.runs and block.language != "text" or
                              "output" in block.marks)
    for language, count in sorted(counts.items()):
        print(f"{language or '(none)':10} {run[language]:4} of {count:4} run")
    for block in blocks:
        if "not run" in block.marks:
            print(f"{block.place}: not run: {block.marks['not run']}")
        elif not block.runs:
            print(f"{block.place}: needs {', '.join(block.needs)}")


if __name__ == "__main__":
    main()
