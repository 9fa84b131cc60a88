#!/usr/bin/env python3
"""Checks that the .proto files still mean what proto/baseline.txt says they mean.

The baseline has one line for everything that clients are generated from: messages, fields, enum
values, methods, HTTP annotations, the options of code generators. Clients that are out there were
generated from it, so no line of it may vanish or change. A package of FROZEN takes no additions
either; any other package grows, line by line, with --update.

    check_protos.py                     prints each offence and exits 1 when there is one
    check_protos.py --update            adds new lines to the baseline, except of frozen packages
    check_protos.py --update --frozen   adds those, too

Nothing here removes or changes a line: who has to, edits the baseline by hand and writes an ADR.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

try:
    import google.api
    from google.api import annotations_pb2
    from google.protobuf import descriptor_pb2
except ImportError as error:
    raise SystemExit(f"{error}: scripts/setup makes .venv; run this with .venv/bin/python") from error

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Clients of the forerunner speak these.
FROZEN = ("notification_service", "ai_flow")
WHY = {
    "file": "generated code is imported by the file's name",
    "option": "names in generated code follow it",
    "message": "clients that send or read it do not compile any more",
    "field": "the number and type are the encoding, the name is its JSON: clients that are out there"
    " would lose or misread it",
    "enum": "clients that use it do not compile any more",
    "value": "the number is the encoding: clients that are out there would lose or misread it",
    "rpc": "clients that are out there call it by this name, with these messages",
    "http": "HTTP clients are generated from it",
}
OPTIONS = ("java_package", "java_outer_classname", "java_multiple_files", "go_package",
           "java_generic_services", "py_generic_services", "cc_generic_services")
FIELD = descriptor_pb2.FieldDescriptorProto


def compile_protos(folder: pathlib.Path) -> descriptor_pb2.FileDescriptorSet:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))
    if not names:
        raise SystemExit(f"{folder}: no .proto files")
    googleapis = pathlib.Path(list(google.api.__path__)[0]).parents[1]
    with tempfile.NamedTemporaryFile(suffix=".pb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{googleapis}",
             f"--descriptor_set_out={out.name}", *names],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{folder}: protoc refuses the files:\n{done.stderr.strip()}")
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())


def type_of(field: FIELD, maps: dict) -> str:
    entry = maps.get(field.type_name)
    if entry is not None:
        return f"map<{type_of(entry.field[0], {})}, {type_of(entry.field[1], {})}>"
    name = field.type_name.lstrip(".") or FIELD.Type.Name(field.type)[len("TYPE_"):].lower()
    if field.label == FIELD.LABEL_REPEATED:
        packed = " unpacked" if field.options.HasField("packed") and not field.options.packed else ""
        return f"repeated {name}{packed}"
    return f"optional {name}" if field.proto3_optional else name


def json_name(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def enum_lines(scope: str, enum, file: str):
    name = f"{scope}.{enum.name}"
    yield f"enum {name}", file
    for value in enum.value:
        yield f"value {name}.{value.name}", str(value.number)


def message_lines(scope: str, message, file: str):
    name = f"{scope}.{message.name}"
    yield f"message {name}", file
    maps = {f".{name}.{nested.name}": nested for nested in message.nested_type
            if nested.options.map_entry}
    for field in message.field:
        text = f"{field.number} {type_of(field, maps)}"
        if field.HasField("oneof_index") and not field.proto3_optional:
            text += f" of {message.oneof_decl[field.oneof_index].name}"
        if field.json_name != json_name(field.name):
            text += f" json {field.json_name}"
        yield f"field {name}.{field.name}", text
    for enum in message.enum_type:
        yield from enum_lines(name, enum, file)
    for nested in message.nested_type:
        if not nested.options.map_entry:
            yield from message_lines(name, nested, file)


def binding_text(rule) -> str:
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb) if verb != "custom" else f"{rule.custom.kind} {rule.custom.path}"
    body = f" body {rule.body}" if rule.body else ""
    answer = f" answer {rule.response_body}" if rule.response_body else ""
    return f"{verb.upper()} {path}{body}{answer}"


def service_lines(package: str, service):
    for method in service.method:
        name = f"{package}.{service.name}.{method.name}"
        asks, answers = ("stream " if streams else "" for streams in (
            method.client_streaming, method.server_streaming))
        yield (f"rpc {name}", f"{asks}{method.input_type.lstrip('.')} -> "
               f"{answers}{method.output_type.lstrip('.')}")
        if not method.options.HasExtension(annotations_pb2.http):
            continue
        rule = method.options.Extensions[annotations_pb2.http]
        yield f"http {name}", binding_text(rule)
        for more in rule.additional_bindings:
            yield f"http {name} {binding_text(more)}", "additional"


def file_lines(file: descriptor_pb2.FileDescriptorProto):
    yield f"file {file.name}", f"{file.syntax or 'proto2'} {file.package}"
    for option in OPTIONS:
        if file.options.HasField(option):
            yield f"option {file.name} {option}", str(getattr(file.options, option))
    for enum in file.enum_type:
        yield from enum_lines(file.package, enum, file.name)
    for message in file.message_type:
        yield from message_lines(file.package, message, file.name)
    for service in file.service:
        yield from service_lines(file.package, service)


def lines_now(folder: pathlib.Path) -> dict:
    """Package -> name -> definition, in the order of the files."""
    packages = {}
    for file in sorted(compile_protos(folder).file, key=lambda file: (file.package, file.name)):
        packages.setdefault(file.package, {}).update(file_lines(file))
    return packages


def lines_before(baseline: pathlib.Path) -> dict:
    """The same from the file; its form is that of text_of."""
    packages = {}
    package = None
    for number, line in enumerate(baseline.read_text().splitlines(), 1):
        if line.startswith("package "):
            package = packages.setdefault(line[len("package "):], {})
        elif line and not line.startswith("#"):
            name, separator, definition = line.partition(" = ")
            if package is None or not separator:
                raise SystemExit(f"{baseline}:{number}: neither a package nor NAME = DEFINITION")
            package[name] = definition
    return packages


def text_of(packages: dict) -> str:
    text = ("# What clients are generated from. Written and checked by scripts/check_protos.py; packages\n"
            f"# {' and '.join(FROZEN)} are frozen.\n")
    for package, lines in packages.items():
        text += f"\npackage {package}\n"
        text += "".join(f"{name} = {definition}\n" for name, definition in lines.items())
    return text


def breaks(before: dict, now: dict):
    """What vanished or changed. Each line says what, and whom it hurts."""
    for package, lines in before.items():
        there = now.get(package, {})
        for name, definition in lines.items():
            if there.get(name) == definition:
                continue
            what = f"changed to {there[name]}" if name in there else "removed"
            whose = ", frozen" if package in FROZEN else ""
            why = WHY.get(name.split()[0], "not a kind of line that this script writes")
            yield f"{name} = {definition}{whose}: {what}; {why}"


def additions(before: dict, now: dict, frozen: bool):
    for package, lines in now.items():
        if (package in FROZEN) == frozen:
            for name, definition in lines.items():
                if name not in before.get(package, {}):
                    yield f"{name} = {definition}"


def offences(before: dict, now: dict, taken: set):
    """`taken`: which additions are welcome, as `frozen` of additions()."""
    yield from breaks(before, now)
    if True not in taken:
        for line in additions(before, now, frozen=True):
            yield (f"{line}: added to a frozen package, whose clients refuse what they do not know;"
                   " it belongs into aiflow.v1 (or, decided in an ADR: --update --frozen)")
    if False not in taken:
        for line in additions(before, now, frozen=False):
            yield (f"{line}: not in the baseline; if it should be there for good, run"
                   " .venv/bin/python scripts/check_protos.py --update")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="add new lines to the baseline")
    parser.add_argument("--frozen", action="store_true", help="with --update: of frozen packages, too")
    parser.add_argument("--protos", type=pathlib.Path, default=ROOT / "proto",
                        help="folder of the .proto files and of baseline.txt (default: proto)")
    args = parser.parse_args()
    if args.frozen and not args.update:
        parser.error("--frozen goes with --update")
    baseline = args.protos / "baseline.txt"
    if not baseline.is_file() and not args.update:
        raise SystemExit(f"{baseline}: missing; restore it from version control")

    now = lines_now(args.protos)
    before = lines_before(baseline) if baseline.is_file() else {}
    taken = ({False} | ({True} if args.frozen else set())) if args.update else set()
    found = list(offences(before, now, taken))
    if found:
        print("\n".join(f"protos: {line}" for line in found))
        return 1
    if args.update:
        baseline.write_text(text_of(now))
    count = sum(len(lines) for lines in now.values())
    print(f"protos: {count} names and numbers are {'written' if args.update else 'as before'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
