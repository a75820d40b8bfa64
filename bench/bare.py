"""The baseline of the gateway's figures: a bare aiohttp handler that returns a file's bytes.

`python -m bench.bare PORT FILE`.
"""

import sys
from pathlib import Path

import uvloop
from aiohttp import web


def main(port: int, file: Path) -> None:
    """Serve until a signal ends it."""
    body = file.read_bytes()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/", answer)
    web.run_app(
        application,
        host="127.0.0.1",
        port=port,
        access_log=None,
        print=lambda *_: None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
