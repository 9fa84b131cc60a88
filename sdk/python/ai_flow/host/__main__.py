"""`python -m ai_flow.host compile FILE` and `python -m ai_flow.host run-task FILE`."""

import os
import sys

USAGE = """usage: python -m ai_flow.host compile FILE
       python -m ai_flow.host run-task FILE

compile   prints the specification of the workflows in FILE as JSON; 1 when FILE has an error
run-task  runs the task that AIFLOW_WORKFLOW and AIFLOW_TASK name, as a server starts it
"""


def main() -> None:
    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        print(USAGE, end="")
        return
    if len(arguments) != 2 or arguments[0] not in ("compile", "run-task"):
        sys.stderr.write(USAGE)
        sys.exit(2)
    # `-m` put the current folder first: files that tasks leave in their working directory must not
    # become modules. As for a script, the folder of the file takes its place.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    if arguments[0] == "compile":
        from ai_flow.host.compile import compile_main

        compile_main(arguments[1])
    else:
        from ai_flow.host.run_task import run_task_main

        run_task_main(arguments[1])


if __name__ == "__main__":
    main()
