"""A program that stands where a service stands, for tests of the supervision alone.

It answers `/ready` on its metrics port and, named `web`, `/api/v1/sources` on the suite's port. The
environment variable STANDIN_FAILURE, as in `web-0=78`, makes one replica end with that exit code at
its start.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SOURCES = {
    "items": [
        {"name": "iss", "state": "ok", "provider": "sgp4", "origin": "computed", "reason": None}
    ]
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer every path with 200."""
        body = json.dumps(SOURCES if "sources" in self.path else {"ready": True}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until SIGTERM, then end with 0."""
    name = os.environ["SUPERVISOR_PROCESS_NAME"]
    sys.stderr.write(f"{name} starts\n")
    failing, _, code = os.environ.get("STANDIN_FAILURE", "").partition("=")
    if failing == name:
        sys.stderr.write(f"{name} says why it cannot start\n")
        sys.exit(int(code))
    ports = [int(os.environ["CASSIOPEIA_METRICS_PORT"])]
    if name == "web-0":
        ports.append(int(os.environ["CASSIOPEIA_PORT"]))
    for port in ports:
        server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
