"""Generates the gRPC code from the repository's protos, then builds as pyproject.toml says.

The version is that of the repository's VERSION; ai_flow/version.py, which is written from it, tells
it where there is no repository: in an sdist and when it runs.

The generated modules are plain: a serialized descriptor and the public builder of protobuf, stubs
over `grpc.Channel`. They carry no version check of their generator, so one build works with every
protobuf from 3.20 and every grpcio, whatever else an environment pins. HTTP annotations are dropped
(no client needs them), and with them the dependency on googleapis-common-protos.
"""

import os
import shutil
import sys
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = os.path.dirname(os.path.abspath(__file__))
# proto file -> the package that gets its module
MODULES = {
    "ai_flow/message.proto": "ai_flow.rpc.protobuf",
    "ai_flow/scheduler_service.proto": "ai_flow.rpc.protobuf",
    "ai_flow/heartbeat_service.proto": "ai_flow.rpc.protobuf",
    "aiflow/v1/orchestrator.proto": "ai_flow.rpc.protobuf",
    "aiflow/v1/event_log.proto": "ai_flow.rpc.protobuf",
    "aiflow/executor/v1/executor_plugin.proto": "ai_flow.rpc.protobuf",
    "notification_service/notification_service.proto": "notification_service.rpc.protobuf",
}
ANNOTATIONS = "google/api/annotations.proto"


def proto_root():
    for root in (os.path.join(HERE, "proto"), os.path.join(HERE, "..", "..", "proto")):
        if os.path.isdir(root):
            return os.path.normpath(root)
    raise SystemExit("setup.py: no proto/ beside it and none two folders up; build from a checkout")


def file_descriptors():
    import google.api
    from google.protobuf import descriptor_pb2
    from grpc_tools import protoc

    include = [proto_root(), os.path.join(os.path.dirname(protoc.__file__), "_proto")]
    include += [os.path.dirname(os.path.dirname(path)) for path in google.api.__path__]
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "protos.bin")
        command = ["protoc"] + ["-I" + path for path in include]
        command += ["--descriptor_set_out=" + output] + sorted(MODULES)
        if protoc.main(command) != 0:
            raise SystemExit("setup.py: protoc failed: " + " ".join(command))
        with open(output, "rb") as file:
            return descriptor_pb2.FileDescriptorSet.FromString(file.read()).file


def module_name(proto):
    return os.path.basename(proto)[: -len(".proto")] + "_pb2"


def import_line(dependency):
    if dependency in MODULES:
        return "from {} import {}  # noqa: F401".format(
            MODULES[dependency], module_name(dependency)
        )
    package, name = dependency[: -len(".proto")].rsplit("/", 1)
    return "from {} import {}_pb2  # noqa: F401".format(package.replace("/", "."), name)


def messages_source(file):
    file.ClearField("options")
    for service in file.service:
        for method in service.method:
            method.ClearField("options")
    kept = [name for name in file.dependency if name != ANNOTATIONS]
    del file.dependency[:]
    file.dependency.extend(kept)
    lines = ['"""Generated from proto/{} by setup.py. Do not edit."""'.format(file.name)]
    lines += ["# ruff: noqa", "# mypy: ignore-errors"]
    lines += ["from google.protobuf import descriptor_pool as _pool"]
    lines += ["from google.protobuf.internal import builder as _builder"]
    lines += [import_line(name) for name in kept]
    lines += ["", "DESCRIPTOR = _pool.Default().AddSerializedFile("]
    lines += ["    {!r}".format(file.SerializeToString()), ")"]
    lines += ["_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())"]
    lines += ["_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())", ""]
    return "\n".join(lines)


def services_source(file, owner_of):
    lines = ['"""Generated from proto/{} by setup.py. Do not edit."""'.format(file.name)]
    lines += ["# ruff: noqa", "# mypy: ignore-errors", "import grpc"]
    lines += sorted(
        {
            import_line(owner_of[t])
            for s in file.service
            for m in s.method
            for t in (m.input_type, m.output_type)
        }
    )
    for service in file.service:
        full = "{}.{}".format(file.package, service.name)
        stub, servicer, handlers = [], [], []
        for method in service.method:
            kind = "{}_{}".format(
                "stream" if method.client_streaming else "unary",
                "stream" if method.server_streaming else "unary",
            )
            request, response = (
                "{}.{}".format(module_name(owner_of[t]), t.rsplit(".", 1)[1])
                for t in (method.input_type, method.output_type)
            )
            stub += [
                "        self.{} = channel.{}(".format(method.name, kind),
                "            '/{}/{}',".format(full, method.name),
                "            request_serializer={}.SerializeToString,".format(request),
                "            response_deserializer={}.FromString,".format(response),
                "        )",
            ]
            servicer += [
                "    def {}(self, request, context):".format(method.name),
                "        context.abort(grpc.StatusCode.UNIMPLEMENTED, '{}')".format(method.name),
                "",
            ]
            handlers += [
                "        '{}': grpc.{}_rpc_method_handler(".format(method.name, kind),
                "            servicer.{},".format(method.name),
                "            request_deserializer={}.FromString,".format(request),
                "            response_serializer={}.SerializeToString,".format(response),
                "        ),",
            ]
        lines += ["", "", "class {}Stub:".format(service.name)]
        lines += ["    def __init__(self, channel):"] + stub
        lines += ["", "", "class {}Servicer:".format(service.name)] + servicer
        lines += ["", "def add_{}Servicer_to_server(servicer, server):".format(service.name)]
        lines += ["    handlers = {"] + handlers + ["    }"]
        lines += [
            "    server.add_generic_rpc_handlers((",
            "        grpc.method_handlers_generic_handler('{}', handlers),".format(full),
            "    ))",
        ]
    return "\n".join(lines + [""])


def write(module, source):
    path = os.path.join(HERE, *module.split(".")) + ".py"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == source:
                return
    temporary = "{}.{}".format(path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(source)
    os.replace(temporary, path)


def generate():
    files = [file for file in file_descriptors() if file.name in MODULES]
    owner_of = {
        ".{}.{}".format(file.package, message.name): file.name
        for file in files
        for message in file.message_type
    }
    for file in files:
        module = "{}.{}".format(MODULES[file.name], module_name(file.name))
        write(module, messages_source(file))
        if file.service:
            write(module + "_grpc", services_source(file, owner_of))


def write_version():
    path = os.path.join(HERE, "..", "..", "VERSION")
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            version = file.read().strip()
        about = '"""The version of this SDK, that of the repository\'s VERSION: written by setup.py."""'
        write("ai_flow.version", about + '\n\n__version__ = "{}"\n'.format(version))


class BuildWithProtos(build_py):
    def run(self):
        generate()
        super().run()


class SdistWithProtos(sdist):
    def run(self):
        copy = os.path.join(HERE, "proto")
        made = not os.path.isdir(copy)
        if made:
            unused = shutil.ignore_patterns("CMakeLists.txt", "baseline.txt", "internal")
            shutil.copytree(proto_root(), copy, ignore=unused)
        try:
            super().run()
        finally:
            if made:
                shutil.rmtree(copy)


if __name__ == "__main__":
    write_version()
    if sys.argv[1:] == ["generate"]:
        generate()
    else:
        setup(cmdclass={"build_py": BuildWithProtos, "sdist": SdistWithProtos})
