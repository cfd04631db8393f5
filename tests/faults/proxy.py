"""A gate before a tracking server: it lets so many requests through, and then the server is lost, slow, or answers with errors."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LOST, REFUSED, UNAVAILABLE, BROKEN, ANSWER_LOST, SLOW = "lost", "refused", 503, 500, "answer lost", "slow"


class Gate(ThreadingHTTPServer):
    """Requests pass to a server until ``after`` of them did; then ``fault`` strikes.

    Parameters
    ----------
    server : str
        Its address; empty where there is none and every request that passes gets an empty answer.
    """

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.server = server
        self.after, self.fault, self.seconds = 10**9, LOST, 0.0
        self.passed = 0
        self.counting = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def arm(self, after: int, fault: object, seconds: float = 0.0) -> None:
        with self.counting:
            self.after, self.fault, self.seconds, self.passed = after, fault, seconds, 0

    def mend(self) -> None:
        self.arm(10**9, LOST)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _go(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.counting:
            self.server.passed += 1
            struck = self.server.passed > self.server.after
        fault = self.server.fault
        if struck and fault == SLOW:
            time.sleep(self.server.seconds)
        elif struck and fault == ANSWER_LOST:
            self.server.after = 10**9  # once: the server did it, and nobody was told
            self._forwarded(body)
            self._cut()
            return
        elif struck and fault == LOST:
            self._cut()
            return
        elif struck:
            self._answer(int(str(fault)), {"Content-Type": "text/plain"}, b"no")
            return
        self._answer(*self._forwarded(body))

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _forwarded(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if not self.server.server:
            return 200, {"Content-Type": "application/json"}, b"{}"
        at = urlsplit(self.server.server)
        link = http.client.HTTPConnection(at.hostname or "", at.port, timeout=120)
        try:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
            kept = {key: value for key, value in answer.getheaders() if key.lower() in ("content-type",)}
            return answer.status, kept, answer.read()
        finally:
            link.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _go

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def gate(server: str = "") -> Iterator[Gate]:
    """Open a gate before a server."""
    opened = Gate(server)
    thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        opened.shutdown()
        opened.server_close()
        thread.join()
