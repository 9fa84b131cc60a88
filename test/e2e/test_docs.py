"""Every code block of every document does what it says; every link leads somewhere."""

import collections
import concurrent.futures
import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib

import doc_blocks
import pytest
import yaml
from aiflow_server import SOURCE
from doc_session import Session, says

LANGUAGES = {"bash", "sh", "python", "cpp", "cmake", "yaml", "json", "toml", "ini", "java", "text"}
# Blocks that nobody runs, of each page: the reason is before each of them.
NOT_RUN = {
    "docs/authoring-cpp.md": 1,
    "docs/blob-stores.md": 1,
    "docs/custom-operators.md": 3,
    "docs/index.md": 1,
    "docs/install.md": 4,
    "examples/custom_operator/README.md": 2,
    "sdk/python/README.md": 2,
}
PAGES = [page for page in doc_blocks.pages() if doc_blocks.blocks_of(page)]


@pytest.fixture(scope="module")
def sessions():
    """Page -> what became of it. Two at a time: most of it is waiting."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="aiflow-docs-"))
    pool = concurrent.futures.ThreadPoolExecutor(2)
    futures = {}
    for number, page in enumerate(PAGES):
        directory = root / str(number)
        directory.mkdir()
        futures[page] = pool.submit(Session(page, doc_blocks.blocks_of(page), directory).run)
    yield futures
    pool.shutdown(cancel_futures=True)
    if not any(future.done() and future.result() for future in futures.values() if not future.cancelled()):
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_in_their_order(sessions, page):
    wrong = sessions[page].result()
    assert not wrong, wrong


@pytest.mark.parametrize("expected, printed, same", [
    ("a  b", "a b", True),
    ("a", "a\nb", False),
    ("...\nb", "a\nb", True),
    ("...\nb", "b", True),
    ("a\n...", "a", True),
    ("a\n...\nc\n...", "a\nb\nc\nd", True),
    ("run 1 ... by x=1 #...", "run 1 started by x=1 #15 (rule)", True),
    ("run 1 ...", "run 2 started", False),
    ("a...", "", False),
])
def test_output_is_compared_line_by_line(expected, printed, same):
    assert says(expected, printed) == same


def test_every_block_has_a_language_that_is_checked():
    unknown = [f"{block.place}: {block.language!r}" for block in doc_blocks.all_blocks()
               if block.language not in LANGUAGES]
    assert not unknown, unknown


def test_what_is_not_run_has_a_reason_and_is_on_the_list():
    counts = collections.Counter()
    for block in doc_blocks.all_blocks():
        if "not run" in block.marks:
            assert len(block.marks["not run"]) > 5, block.place
            counts[block.page] += 1
        assert "needs" not in block.marks or block.marks["needs"] in doc_blocks.NEEDS, block.place
    assert dict(counts) == NOT_RUN


def test_marks_are_understood():
    for page in doc_blocks.pages():
        for comment in re.findall(r"<!--.*?-->", (SOURCE / page).read_text(), re.DOTALL):
            assert doc_blocks.MARK.fullmatch(comment), f"{page}: {comment}"


def test_json_yaml_toml_and_ini_can_be_read():
    for block in doc_blocks.all_blocks():
        if block.language == "ini":
            configparser.ConfigParser().read_string(block.text, block.place)
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "yaml":
            list(yaml.safe_load_all(block.text))
        if block.language == "json":
            try:
                json.loads(block.text)
            except json.JSONDecodeError:
                for line in block.text.splitlines():  # one object a line
                    json.loads(line)


def test_python_blocks_compile_also_those_that_are_not_run():
    for block in doc_blocks.all_blocks():
        if block.language == "python":
            compile(block.text, block.place, "exec")


def cpp_source() -> str:
    """All C++ blocks as one file: each in a namespace of its own, so that it is parsed once."""
    includes, bodies = ["#include <chrono>", "#include <iostream>", "#include <string>"], []
    includes += [f'#include "aiflow/{path.name}"' for path in sorted((SOURCE / "sdk/cpp/include/aiflow").glob("*.h"))]
    blocks = [block for block in doc_blocks.all_blocks() if block.language == "cpp" and "not run" not in block.marks]
    for number, block in enumerate(blocks):
        lines = block.text.splitlines()
        includes += [line for line in lines if line.startswith("#include")]
        code = "\n".join("" if line.startswith("#include") else line for line in lines)
        code = f'#line {block.line} "{block.page}"\n{code}\n'
        before = block.marks.get("before", "")
        if "in a function" in block.marks:
            code = f"int Piece(int argc, char** argv) {{\n{block.marks['in a function']}\n{code}\nreturn 0;\n}}\n"
        bodies.append(f"namespace block_{number} {{\n{before}\n{code}}}\n")
    unique = list(dict.fromkeys(includes))
    return "\n".join(unique + bodies)


def test_cpp_blocks_compile(tmp_path):
    (tmp_path / "blocks.cc").write_text(cpp_source())
    done = subprocess.run(
        [os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", "-Wno-main",
         *(f"-I{SOURCE / folder}" for folder in ("sdk/cpp/include", "src")), str(tmp_path / "blocks.cc")],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def anchors(page: str) -> set:
    """Of the headings, as the generator and the usual viewers of Markdown make them."""
    text = doc_blocks.FENCE.sub("", (SOURCE / page).read_text())
    found = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found |= {slug, re.sub(r"-+", "-", slug)}
    return found


def test_links_lead_somewhere():
    wrong = []
    expected = re.search(r"expected: \[(.*)\]", (SOURCE / "mkdocs.yml").read_text())[1].split(", ")
    for page in doc_blocks.pages():
        text = doc_blocks.FENCE.sub("", (SOURCE / page).read_text())
        text = re.sub(r"(`+).+?\1", "", text)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?://", link):
                if not re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]{2,}(:\d+)?(/[\w./~%#?=&+-]*)?", link):
                    wrong.append(f"{page}: {link}")
                continue
            target, _, anchor = link.partition("#")
            path = (SOURCE / page).parent / target if target else SOURCE / page
            if target in expected and not path.exists():
                continue
            if not path.exists():
                wrong.append(f"{page}: no file {link}")
            elif anchor and path.suffix == ".md" and \
                    anchor not in anchors(os.path.relpath(path.resolve(), SOURCE.resolve())):
                wrong.append(f"{page}: no heading {link}")
    assert not wrong, "\n".join(wrong)
