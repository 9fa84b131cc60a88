"""What mkdocs.yml cannot say: pages whose source lies elsewhere, lists of files, and pages to come.

The guide shows files of the repository that people also read there (ARCHITECTURE.md, READMEs). Their
links are relative to where they lie; here they are turned to the pages of the guide. A link to a file
that the guide does not have becomes the path itself.
"""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Source in the repository -> page of the guide.
ELSEWHERE = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "examples/executors/sandbox/README.md": "examples/executor-sandbox.md",
    "examples/executors/ssh/README.md": "examples/executor-ssh.md",
    "examples/online_learning/README.md": "examples/online-learning.md",
    "examples/online_learning/data/README.md": "examples/digits.md",
    "examples/quickstart/README.md": "examples/quickstart.md",
    "sdk/python/README.md": "sdk-python.md",
}
LISTS = {
    "decisions.md": ("Decisions", "adr", "Why things are as they are, one page each."),
    "formats.md": ("Formats", "formats", "What is on disk, on sockets and in files, for those who write programs "
                   "that read or make it."),
}
LINK = re.compile(r"(?<!!)\[([^\]\[]*(?:\[[^\]]*\][^\]\[]*)*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)(```+).*?^\1\2\s*$", re.MULTILINE | re.DOTALL)


def title(path: pathlib.Path) -> str:
    return re.search(r"^# (.+)$", path.read_text(), re.MULTILINE).group(1)


def list_page(heading: str, folder: str, about: str) -> str:
    pages = sorted((ROOT / "docs" / folder).glob("*.md"))
    lines = [f"- [{title(page)}]({folder}/{page.name})" for page in pages]
    return f"# {heading}\n\n{about}\n\n" + "\n".join(lines) + "\n"


def on_config(config):
    """Leaves out of the navigation what is expected and not there yet."""
    def there(entry):
        ((name, value),) = entry.items()
        if isinstance(value, list):
            return {name: [child for child in map(there, value) if child]}
        missing = value in config.extra["expected"] and not (ROOT / "docs" / value).exists()
        return None if missing else entry

    config.nav = [there(entry) for entry in config.nav]
    return config


def on_files(files, config):
    for source, page in ELSEWHERE.items():
        if files.get_file_from_path(page) is None:
            files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for page, what in LISTS.items():
        files.append(File.generated(config, page, content=list_page(*what)))
    return files


def source_of(page: str) -> str:
    """The path in the repository of a page."""
    sources = {value: key for key, value in ELSEWHERE.items() if value != "index.md"}
    return sources.get(page, f"docs/{page}")


def turned(link: str, page: str, expected: list) -> str:
    """The same link from the page; None when the guide does not have what it leads to."""
    target, _, anchor = link.partition("#")
    if re.match(r"[a-z]+:", link) or not target:
        return link
    if page in LISTS:
        return link
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source_of(page)), target))
    if path in ELSEWHERE:
        place = ELSEWHERE[path]
    elif path in ("docs/adr", "docs/formats"):
        place = {"adr": "decisions.md", "formats": "formats.md"}[path.removeprefix("docs/")]
    elif path.startswith("docs/") and (ROOT / path).is_file():
        place = path.removeprefix("docs/")
    elif path.removeprefix("docs/") in expected:
        return None
    else:
        assert (ROOT / path).exists(), f"{source_of(page)}: no {target}"
        return None
    return posixpath.relpath(place, posixpath.dirname(page) or ".") + (f"#{anchor}" if anchor else "")


def on_page_markdown(markdown, page, config, files):
    def replace(match):
        text, link = match.groups()
        new = turned(link, page.file.src_uri, config.extra["expected"])
        if new is not None:
            return f"[{text}]({new})"
        if posixpath.basename(link) in config.extra["expected"]:
            return text
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source_of(page.file.src_uri)), link))
        return f"`{path}`" if text.strip("`/") in path else f"{text} (`{path}`)"

    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(replace, markdown[end:fence.start()]), fence.group()]
        end = fence.end()
    return "".join(parts) + LINK.sub(replace, markdown[end:])
