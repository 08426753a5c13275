"""Serve a folder by HTTP, with byte ranges, and go wrong where that is asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote

XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


class FileServer:
    """A server of a folder.

    Attributes:
        folder: what is served.
        faults: by the end of a path: "404", "403", "503", "html", "stall", "short",
            "close".
        asked: the paths of all requests.
        url: its address.
    """

    def __init__(self, folder: Path) -> None:
        """Start to listen on a free port of 127.0.0.1."""
        self.folder, self.faults, self.asked = folder, {}, []
        self.stopped = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def run(self) -> None:
        """Serve until stopped."""
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """Stop, also what stalls."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def fault(self, path: str) -> str | None:
        """Return what goes wrong with a path."""
        return next((f for end, f in self.faults.items() if path.endswith(end)), None)

    def _handler(server):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                server.asked.append(self.path)
                match server.fault(self.path):
                    case "403":
                        self._send(403, XML)
                    case "404":
                        self._send(404, b"")
                    case "503":
                        self._send(503, b"")
                    case "html":
                        self._send(200, HTML)
                    case "stall":
                        server.stopped.wait(30)
                        self.close_connection = True
                    case fault:
                        self._send_file(fault)

            def _send_file(self, fault):
                path = server.folder / unquote(self.path).strip("/")
                if not path.is_file():
                    return self._send(404, b"")
                content, status = path.read_bytes(), 200
                if found := re.match(
                    r"bytes=(\d*)-(\d*)$", self.headers["Range"] or ""
                ):
                    first, last = found.groups()
                    end = min(int(last) + 1, len(content)) if last else len(content)
                    start = int(first) if first else max(len(content) - int(last), 0)
                    end = end if first else len(content)
                    if start >= len(content):
                        return self._send(416, b"")
                    total, content, status = len(content), content[start:end], 206
                    where = f"bytes {start}-{end - 1}/{total}"
                    return self._send(status, content, fault, where)
                return self._send(status, content, fault)

            def _send(self, status, content, fault=None, where=None):
                if fault == "close":
                    self.close_connection = True
                    return
                if fault == "short":
                    content_length, content = len(content), content[: len(content) // 2]
                    self.close_connection = True
                else:
                    content_length = len(content)
                self.send_response(status)
                self.send_header("Content-Length", str(content_length))
                if where:
                    self.send_header("Content-Range", where)
                self.end_headers()
                self.wfile.write(content)

        return Handler


@contextmanager
def served(folder: Path) -> Iterator[FileServer]:
    """Serve a folder while the block lasts."""
    server = FileServer(folder)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
