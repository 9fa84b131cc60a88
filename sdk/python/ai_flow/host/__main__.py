"""What a server and its command line start: `python -m ai_flow.host COMMAND [FILE]`."""

import os
import sys

USAGE = """usage: python -m ai_flow.host compile FILE
       python -m ai_flow.host compile-workflow FILE
       python -m ai_flow.host compile-rule FILE
       python -m ai_flow.host run-task FILE
       python -m ai_flow.host serve-conditions [FILE]
       python -m ai_flow.host store-bundle FILE

compile           prints the specification of the workflows in FILE as JSON; 1: FILE has an error
compile-workflow  prints that of the pickled workflow in FILE
compile-rule      prints that of the pickled workflow rule in FILE, which may use the modules of the
                  current folder
run-task          runs the task that AIFLOW_WORKFLOW and AIFLOW_TASK name, as a server starts it
serve-conditions  answers a server's questions about the conditions in FILE and in pickled rules
store-bundle      hands FILE to the blob manager of aiflow_client.yaml, which may move it, and
                  prints its uri as JSON; 1: it failed
"""
COMMANDS = (
    "compile",
    "compile-workflow",
    "compile-rule",
    "run-task",
    "serve-conditions",
    "store-bundle",
)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        print(USAGE, end="")
        return
    command = arguments[0] if arguments else ""
    without_file = command == "serve-conditions" and len(arguments) == 1
    if command not in COMMANDS or (len(arguments) != 2 and not without_file):
        sys.stderr.write(USAGE)
        sys.exit(2)
    # `-m` put the current folder first: files that tasks leave in their working directory must not
    # become modules. As for a script, the folder of the file takes its place.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    if command.startswith("compile"):
        from ai_flow.host.lifeline import end_with_server

        end_with_server()
    if command == "compile":
        from ai_flow.host.compile import compile_main

        compile_main(arguments[1])
    elif command == "compile-workflow":
        from ai_flow.host.compile import compile_workflow_main

        compile_workflow_main(arguments[1])
    elif command == "compile-rule":
        from ai_flow.host.compile import compile_rule_main

        compile_rule_main(arguments[1])
    elif command == "run-task":
        from ai_flow.host.run_task import run_task_main

        run_task_main(arguments[1])
    elif command == "store-bundle":
        from ai_flow.host.store_bundle import store_bundle_main

        store_bundle_main(arguments[1])
    else:
        from ai_flow.host.serve_conditions import serve_conditions_main

        serve_conditions_main(None if without_file else arguments[1])


if __name__ == "__main__":
    main()
