"""A machine to install packages on: this one, with whatever is written kept aside."""

import pathlib
import subprocess

PATIENCE = 120.0  # seconds
# An overlay over the root file system, seen only by the processes of this world, which end with it.
SET_UP = """
set -e
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
echo ready
exec sleep infinity
"""


class Machine:
    """Use as a context manager. Where there can be none, `why_not` says why."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.root = folder / "root"
        self.why_not = ""

    def __enter__(self):
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SET_UP, "sh", str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            self.holder.kill()
            self.why_not = self.holder.communicate()[1].strip() or "no namespaces"
            return self
        (self.init,) = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        return self

    def __exit__(self, *exc):
        # With its first process all of the world ends.
        self.holder.kill()
        self.holder.communicate()

    def _command(self, words, user):
        command = ["nsenter", "-t", self.init, "--mount", "--pid", "chroot", str(self.root)]
        if user:
            command += ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        return command + [str(word) for word in words]

    @staticmethod
    def _environment(env):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                "DEBIAN_FRONTEND": "noninteractive", **(env or {})}

    def try_to_run(self, *words, user="", env=None) -> subprocess.CompletedProcess:
        return subprocess.run(self._command(words, user), env=self._environment(env), text=True, cwd="/",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)

    def run(self, *words, user="", env=None) -> str:
        done = self.try_to_run(*words, user=user, env=env)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, *words, user="", env=None) -> subprocess.Popen:
        """In the background; what it says goes to /tmp/out-USER of this world."""
        shell = ["sh", "-c", f'exec "$@" >>/tmp/out-{user or "root"} 2>&1', "sh"]
        return subprocess.Popen(self._command([*shell, *words], user), env=self._environment(env), cwd="/",
                                stdin=subprocess.DEVNULL)

    def put(self, source: pathlib.Path, name: str):
        """Copies a file of outside, whose /tmp is not seen here."""
        subprocess.run(["nsenter", "-t", self.init, "--mount", "sh", "-c", f'cat > "{self.root}/{name}"'],
                       stdin=source.open("rb"), check=True)

    def read(self, path: str) -> str:
        return self.run("cat", path)

    def exists(self, path: str) -> bool:
        return self.try_to_run("test", "-e", path).returncode == 0
