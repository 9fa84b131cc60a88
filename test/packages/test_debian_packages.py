"""The Debian packages: what is in them, and the life of an installation on a machine like this one."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from aiflow_server import wait_until
from machine import Machine
from package_world import BUILD, SOURCE, VERSION, run

AS_SERVICE = {"AIFLOW_HOME": "/var/lib/aiflow"}
ANY_PORTS = ["--rpc-port", "0", "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0"]
ENDLESS = "from ai_flow.model.workflow import Workflow\nfrom ai_flow.operators.bash import BashOperator\n" \
          "with Workflow('endless') as w:\n    BashOperator('stream', 'echo $$ > pid; exec sleep 100000')\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """File by package name: of the build, or those that AIFLOW_PACKAGES holds."""
    folder = pathlib.Path(os.environ.get("AIFLOW_PACKAGES") or tmp_path_factory.mktemp("debs"))
    if "AIFLOW_PACKAGES" not in os.environ:
        run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder, cwd=BUILD)
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="module")
def contents(packages, tmp_path_factory):
    """Unpacked, by package name."""
    folders = {}
    for name, path in packages.items():
        folders[name] = tmp_path_factory.mktemp(name)
        run("dpkg-deb", "-x", path, folders[name])
    return folders


@pytest.fixture
def machine(packages, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    with Machine(tmp_path) as world:
        if world.why_not:
            pytest.skip(f"no other root here: {world.why_not}")
        for name, path in packages.items():
            world.put(path, f"tmp/{name}.deb")
        yield world


def control(path):
    fields = run("dpkg-deb", "-f", path)
    return dict(re.findall(r"^([\w-]+): (.*)$", fields, re.M))


def test_there_are_three_of_the_version(packages):
    assert sorted(packages) == ["aiflow", "aiflow-dev", "python3-aiflow"]
    assert {control(path)["Version"] for path in packages.values()} == {f"{VERSION}-1"}
    assert control(packages["python3-aiflow"])["Architecture"] == "all"


def test_the_server_depends_on_the_libraries_it_is_linked_with(packages):
    depends = control(packages["aiflow"])["Depends"]
    for name in ("libc6", "libgrpc++", "libprotobuf", "libsqlite3", "libssl", "adduser"):
        assert name in depends, depends


def test_the_server_has_all_it_needs_and_is_stripped(contents):
    root = contents["aiflow"]
    for name in ("usr/bin/aiflow", "usr/bin/aiflow-runner", "usr/bin/notification", "usr/share/man/man1/aiflow.1.gz",
                 "usr/share/man/man1/notification-server-start.1.gz", "usr/share/bash-completion/completions/aiflow",
                 "usr/share/zsh/site-functions/_notification", "usr/share/fish/vendor_completions.d/aiflow.fish",
                 "usr/share/doc/aiflow/operating.md", "usr/share/doc/aiflow/copyright",
                 "usr/share/doc/aiflow/changelog.gz", "usr/share/doc/aiflow/changelog.Debian.gz",
                 "etc/aiflow/aiflow_server.yaml", "etc/aiflow/notification_server.yaml"):
        assert (root / name).is_file(), name
    assert os.readlink(root / "usr/bin/notification") == "aiflow"
    assert ".debug_info" not in run("readelf", "-SW", root / "usr/bin/aiflow")


@pytest.mark.parametrize("name", ["aiflow", "notification"])
def test_the_units_are_those_of_deploy(contents, name):
    unit = (SOURCE / f"deploy/systemd/{name}.service").read_text()
    assert (contents["aiflow"] / f"usr/lib/systemd/system/{name}.service").read_text() == unit
    # Rule of the house: a service that ends takes no task along.
    assert "\nKillMode=process\n" in unit and "\nType=notify\n" in unit
    document = re.search(r"Documentation=file:///(\S+)", unit).group(1)
    assert (contents["aiflow"] / document).is_file()


def test_the_settings_that_are_shipped_are_read_and_change_nothing(contents, tmp_path):
    env = {**os.environ, "AIFLOW_HOME": str(tmp_path), "NOTIFICATION_HOME": str(tmp_path)}
    for program in ("aiflow", "notification"):
        (tmp_path / f"{program}_server.yaml").unlink(missing_ok=True)
        command = [BUILD / "bin" / program, "config", "show"]
        defaults = run(*command, env=env)
        shutil.copy(contents["aiflow"] / f"etc/aiflow/{program}_server.yaml", tmp_path)
        assert run(*command, env=env) == defaults


def test_maintainer_scripts_are_shell(packages, tmp_path):
    for name, path in packages.items():
        run("dpkg-deb", "-e", path, tmp_path / name)
        for script in ("postinst", "prerm", "postrm"):
            if (tmp_path / name / script).exists():
                run("sh", "-n", tmp_path / name / script)


def give_python_what_it_needs(machine):
    """In the place of the packages python3-grpcio and so on: those of .venv, which is of the same Python."""
    (site,) = pathlib.Path(sys.prefix).glob("lib/python3*/site-packages")
    local = machine.run("/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    machine.run("mkdir", "-p", local)
    for entry in ("grpc", "google", "cloudpickle", "yaml", "_yaml", "typing_extensions.py"):
        if (site / entry).exists():
            machine.run("ln", "-s", site / entry, f"{local}/{entry}")


def server(machine):
    """Starts it as its unit does."""
    process = machine.start("aiflow", "server", "start", *ANY_PORTS, user="aiflow", env=AS_SERVICE)

    def ready():
        assert process.poll() is None, machine.read("/tmp/out-aiflow")
        return machine.try_to_run("aiflow", "namespace", "list", env=AS_SERVICE).returncode == 0

    wait_until(ready, "the server answers")
    return process


def stop(machine, process):
    machine.run("aiflow", "server", "stop", env=AS_SERVICE)
    assert process.wait(60) == 0


def test_an_installation_runs_the_quickstart_and_its_streams_survive_an_upgrade(machine, tmp_path):
    give_python_what_it_needs(machine)
    said = machine.run("dpkg", "-i", "/tmp/aiflow.deb")
    assert "no service is started yet" in said
    machine.run("dpkg", "--force-depends", "-i", "/tmp/python3-aiflow.deb")
    assert machine.run("stat", "-c", "%U %a", "/var/lib/aiflow").split() == ["aiflow", "700"]
    assert machine.run("stat", "-c", "%G %a", "/etc/aiflow/aiflow_server.yaml").split() == ["aiflow", "640"]
    assert machine.run("aiflow", "version").strip() == VERSION
    if shutil.which("systemd-analyze"):
        for unit in ("aiflow", "notification"):
            assert machine.run("systemd-analyze", "verify", f"/usr/lib/systemd/system/{unit}.service") == ""

    process = server(machine)
    machine.run("aiflow", "workflow", "upload", SOURCE / "examples/quickstart/quickstart.py", env=AS_SERVICE)
    machine.run("aiflow", "workflow-execution", "start", "quickstart_workflow", env=AS_SERVICE)
    machine.run("aiflow", "workflow-execution", "wait", "1", env=AS_SERVICE)
    assert "I am the 1st task" in machine.run("aiflow", "logs", "1", "task1", env=AS_SERVICE)
    assert machine.run("aiflow", "config", "get-value", "rpc_port", env=AS_SERVICE).strip() == "50051"

    (tmp_path / "endless.py").write_text(ENDLESS)
    machine.put(tmp_path / "endless.py", "tmp/endless.py")
    machine.run("aiflow", "workflow", "upload", "/tmp/endless.py", env=AS_SERVICE)
    machine.run("aiflow", "workflow-execution", "start", "endless", env=AS_SERVICE)
    pid_file = "/var/lib/aiflow/working_dir/default/endless/2/pid"
    wait_until(lambda: machine.exists(pid_file), "the stream runs")
    pid = machine.read(pid_file).strip()
    machine.run("sh", "-c", "echo 'log_level: debug' >> /etc/aiflow/aiflow_server.yaml")

    machine.run("dpkg", "-i", "/tmp/aiflow.deb")
    assert machine.exists(f"/proc/{pid}") and process.poll() is None
    assert "log_level: debug" in machine.read("/etc/aiflow/aiflow_server.yaml")
    stop(machine, process)
    assert machine.exists(f"/proc/{pid}")
    process = server(machine)
    assert machine.run("aiflow", "config", "get-value", "log_level", env=AS_SERVICE).strip() == "debug"
    assert "RUNNING" in machine.run("aiflow", "workflow-execution", "show", "2", env=AS_SERVICE)

    assert "tasks that run go on" in machine.run("dpkg", "-r", "aiflow")
    assert machine.exists(f"/proc/{pid}") and not machine.exists("/usr/bin/aiflow")
    assert machine.exists("/etc/aiflow/aiflow_server.yaml")
    process.terminate()
    process.wait(60)
    assert "/var/lib/aiflow is kept" in machine.run("dpkg", "--purge", "aiflow")
    assert not machine.exists("/etc/aiflow") and machine.exists("/var/lib/aiflow/aiflow.db")
    machine.run("dpkg", "-i", "/tmp/aiflow.deb")
    assert machine.run("stat", "-c", "%U %a", "/var/lib/aiflow").split() == ["aiflow", "700"]


def test_configuring_twice_is_configuring_once(machine):
    machine.run("dpkg", "-i", "/tmp/aiflow.deb")
    machine.run("sh", "-c", "rm /var/lib/aiflow/aiflow_server.yaml; echo 'log_level: error' > /var/lib/aiflow/aiflow_server.yaml")
    before = machine.run("sh", "-c", "ls -lR /var/lib/aiflow /etc/aiflow; getent passwd aiflow")
    machine.run("/var/lib/dpkg/info/aiflow.postinst", "configure", f"{VERSION}-1")
    machine.run("/var/lib/dpkg/info/aiflow.postinst", "configure", "")
    assert machine.run("sh", "-c", "ls -lR /var/lib/aiflow /etc/aiflow; getent passwd aiflow") == before
