"""The first process in a sandbox: `sandbox_init.py group|leader STOP_FILE COMMAND...`

Runs the command, reaps what it leaves behind, and ends as it ended; with that everything in the
sandbox ends. After a stop, for which STOP_FILE is there, the others in the sandbox have the rest of
the grace to end by themselves. SIGTERM is passed on to the command, unless the whole group gets it.
"""

import os
import signal
import sys


def main():
    whom, stop_file, argv = sys.argv[1], sys.argv[2], sys.argv[3:]
    # No SIGTERM is lost, whenever it comes: it waits, or the file is there.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        try:
            os.execvp(argv[0], argv)
        except OSError as error:
            sys.stderr.write(f"cannot run {argv[0]}: {error.strerror}\n")
            os._exit(127)
    pass_on = whom == "leader"
    signal.signal(
        signal.SIGTERM,
        (lambda *_: os.kill(command, signal.SIGTERM)) if pass_on else signal.SIG_IGN,
    )
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    if os.path.exists(stop_file):
        os.kill(command, signal.SIGTERM)
    status = 0
    while True:
        try:
            pid, ended = os.wait()
        except ChildProcessError:
            break
        if pid == command:
            status = ended
            if whom == "leader" or not os.path.exists(stop_file):
                break
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
