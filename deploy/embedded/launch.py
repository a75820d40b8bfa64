"""Becomes one program of the run: `python launch.py PLAN NAME`, called by supervisord.

supervisord's configuration cannot hold every path and URL, because `%`, quotes, ` ;` and ` #` have
a meaning in it. So it holds names only, and the command lines are in the plan, a JSON file. This
program imports little, so that it starts in 20 ms, and is replaced by the other in the same
process, so that nothing of it stays in memory.
"""

import json
import os
import sys


def main() -> None:
    """Read the program from the plan and become it."""
    path, name = sys.argv[1:]
    with open(path, encoding="utf-8") as handle:  # noqa: PTH123 - pathlib doubles the start time
        program = json.load(handle)[name]
    environment = dict(os.environ) if program["inherits"] else {}
    environment.update(program["environment"])
    os.chdir(program["folder"])
    os.umask(0o077)
    if program["account"]:
        uid, gid = program["account"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    command = program["command"]
    os.execve(command[0], command, environment)  # noqa: S606 - written by the run


if __name__ == "__main__":
    main()
