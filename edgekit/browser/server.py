"""The server that gives a page its files and takes bytes from it: on this machine, under addresses nobody can guess."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socketserver
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..errors import EdgekitError, UsageError
from ..system import read_file

POLL = 0.05  # seconds that the server may take to end
# Without these a page gets neither threads nor exact clocks. Nothing may be kept: a model can change between two runs.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
BYTES = "application/octet-stream"

logger = logging.getLogger(__name__)


class Server(socketserver.ThreadingTCPServer):
    """What a page can reach. Made by ``local_server``.

    Not http.server's own class: that one asks the network for this machine's name, which can take seconds.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self._root = f"/{secrets.token_urlsafe(16)}"
        self._numbers = count()
        self._folders: dict[str, Path] = {}  # address → folder
        self._lent: dict[str, bytes] = {}  # address → bytes, on their way to the page or back

    def serve(self, folder: Path) -> str:
        """The address of a folder."""
        address = f"{self._root}/{next(self._numbers)}"
        self._folders[address] = folder.resolve()
        return address

    def lend(self, data: bytes) -> str:
        """The address where the page finds bytes, and may leave others."""
        address = f"{self._root}/{next(self._numbers)}"
        self._lent[address] = data
        return address

    def leave(self, address: str, data: bytes) -> None:
        """What the page brings back to an address of ``lend``."""
        if address.startswith(f"{self._root}/"):
            self._lent[address] = data

    def take(self, address: str) -> bytes:
        """What lies at an address of ``lend``; nothing where it was taken."""
        return self._lent.pop(address, b"")

    def find(self, address: str) -> Path:
        """The file that an address means. Raises UsageError where it means none of a folder that is served."""
        for prefix, folder in self._folders.items():
            if address.startswith(f"{prefix}/"):
                with contextlib.suppress(ValueError):  # a zero byte
                    path = (folder / unquote(address.removeprefix(f"{prefix}/"))).resolve()
                    if path.is_relative_to(folder):
                        return path
        raise UsageError(f"Nothing is served under {address}.")

    def get(self, address: str) -> tuple[bytes, str]:
        """The bytes at an address, and their media type; raises as ``find`` and ``read_file`` do."""
        if address in self._lent:
            return self.take(address), BYTES
        path = self.find(address.partition("?")[0])
        return read_file(path), TYPES.get(path.suffix, BYTES)

    def in_words(self, text: str) -> str:
        """A message of the page, with the folders that the user knows instead of addresses."""
        text = text.replace(self.origin, "")
        for address, folder in self._folders.items():
            text = text.replace(f"{address}/", f"{folder}{os.sep}")
        return text

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that ends in the middle of an answer is no news: whoever called it is told."""
        logger.debug("The server's connection was lost.", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One connection of the browser's."""

    server: Server
    protocol_version = "HTTP/1.1"  # keeps connections
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            data, kind = self.server.get(self.path)
        except EdgekitError:
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, data, kind)

    def do_POST(self) -> None:
        self.server.leave(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(HTTPStatus.OK)

    def _answer(self, status: HTTPStatus, data: bytes = b"", kind: str = BYTES) -> None:
        self.send_response(status)
        for name, value in (HEADERS | {"Content-Type": kind, "Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The user did not ask for a server's log."""


@contextlib.contextmanager
def local_server() -> Iterator[Server]:
    """A server that answers in a thread of its own."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(POLL,), name="server", daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
