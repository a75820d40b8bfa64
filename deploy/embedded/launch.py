"""Becomes one program of the run: `python launch.py PLAN NAME`, called by supervisord.

supervisord's configuration cannot hold every path and URL: `%`, quotes, ` ;` and ` #` have meanings
in it. So it holds names only, and the command lines stand in the plan, a JSON file. This file
imports what starts in 20 ms and replaces itself, so nothing of it stays in memory.
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
