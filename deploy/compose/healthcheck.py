"""Docker's health check: asks `/ready` of the service in this container.

It runs every ten seconds in every container, so it uses a plain socket: importing http.client would
take longer than the request itself.
"""

import os
import socket
import sys

# Less than Docker waits (5 s). The service itself gives its checks one second.
_TIMEOUT_S = 4.0


def ask(port: int) -> tuple[bool, str]:
    """Return whether the service is ready, and what it answered."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
            while received := connection.recv(4096):
                answer += received
    except OSError as error:
        return False, f"the admin port does not answer: {error}"
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ")[1:2] == [b"200"], body.decode("utf-8", "replace")


if __name__ == "__main__":
    ready, said = ask(int(os.environ["CASSIOPEIA_METRICS_PORT"]))
    print(said)  # noqa: T201 - `docker inspect` shows it
    sys.exit(not ready)
