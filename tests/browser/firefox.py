"""Drive a real Firefox over Marionette, its own protocol: length-prefixed JSON on TCP.

It does what `chromium` does for what both are asked, by the same names.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PACKAGE = "firefox-esr"
PATIENCE_MS = 60_000
# Keys that have no letter, as WebDriver calls them.
KEYS = {"Enter": "\ue007", "ArrowDown": "\ue015"}
PREFERENCES = {
    # A free port, which it writes into the profile.
    "marionette.port": 0,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
}


class Tab:
    """A page in a tab."""

    def __init__(self, browser: "Browser", handle: str) -> None:
        self._browser, self.handle = browser, handle

    def send(self, command: str, **params: Any) -> Any:
        """Send a command of WebDriver about this tab; return what it returns."""
        self._browser.send("SwitchToWindow", handle=self.handle)
        return self._browser.send(command, **params)

    def open(self, url: str) -> Self:
        """Open a page, and wait until all of it is loaded."""
        self.send("Navigate", url=url)
        return self

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, a promise's when it is kept.

        Raises:
            RuntimeError: the script failed.
        """
        wrapped = f"""const keep = arguments[0];
          (async () => ({script}))().then(
            (value) => keep([value, null]), (error) => keep([null, `${{error}}`])
          );"""
        # Without a sandbox, in which the page's own functions would not be.
        done = self.send("ExecuteAsyncScript", script=wrapped, args=[], sandbox=None)
        value, error = done["value"]
        if error:
            raise RuntimeError(error)
        return value

    def wait_for(self, condition: str) -> None:
        """Wait until a condition holds in the page.

        Raises:
            RuntimeError: it does not within `PATIENCE_MS`.
        """
        end = time.monotonic() + PATIENCE_MS / 1000
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise RuntimeError(f"too late: {condition}")
            time.sleep(0.005)

    def press(self, key: str) -> None:
        """Press a key, as a keyboard does."""
        value = KEYS.get(key, key)
        strokes = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": strokes}
        self.send("PerformActions", actions=[keyboard])

    def resize(self, width: int, height: int) -> None:
        """Give the browser a window of so many pixels."""
        self.send("SetWindowRect", width=width, height=height)

    def screenshot(self) -> bytes:
        """Return a picture of what is shown, as PNG."""
        return base64.b64decode(self.send("TakeScreenshot", full=False)["value"])

    def close(self) -> None:
        """Close the tab."""
        self.send("CloseWindow")


class Browser:
    """A headless Firefox with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        """Start it.

        Args:
            profile: folder of what it keeps, for the next to find; made if missing.
        """
        self.downloads = profile / "downloads"
        self.downloads.mkdir(parents=True, exist_ok=True)
        wanted = {**PREFERENCES, "browser.download.dir": str(self.downloads)}
        lines = [
            f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in wanted.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        port = profile / "MarionetteActivePort"
        port.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [str(PROGRAM), "--headless", "--marionette", "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile)},
        )
        self._connect(port)
        timeouts = {"script": 2 * PATIENCE_MS, "pageLoad": 2 * PATIENCE_MS}
        self.send("NewSession", timeouts=timeouts)
        self._first = self.send("GetWindowHandle")["value"]

    def _connect(self, port: Path) -> None:
        end = time.monotonic() + 2 * PATIENCE_MS / 1000
        while not (port.exists() and port.read_text()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("Firefox does not start")
            time.sleep(0.02)
        address = ("127.0.0.1", int(port.read_text()))
        self._socket = socket.create_connection(address, 2 * PATIENCE_MS / 1000)
        self._received, self._sent = b"", 0
        self._receive()

    def tab(self) -> Tab:
        """Open a tab."""
        # That of the last command may be closed.
        self.send("SwitchToWindow", handle=self._first)
        return Tab(self, self.send("NewWindow", type="tab")["handle"])

    def send(self, command: str, **params: Any) -> Any:
        """Send a command of WebDriver; return what it returns.

        Raises:
            RuntimeError: the browser refuses it, has ended, or hangs.
        """
        self._sent += 1
        text = json.dumps([0, self._sent, f"WebDriver:{command}", params]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, found = self._receive()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return found

    def _receive(self) -> Any:
        while b":" not in self._received:
            self._read()
        size, _, self._received = self._received.partition(b":")
        while len(self._received) < int(size):
            self._read()
        text, self._received = self._received[: int(size)], self._received[int(size) :]
        return json.loads(text)

    def _read(self) -> None:
        read = self._socket.recv(2**20)
        if not read:
            raise RuntimeError("the browser has ended")
        self._received += read

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
        self._socket.close()
