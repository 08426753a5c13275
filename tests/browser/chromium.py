"""Drive a real browser over its own pipe: its clock is the real one, its keys are real.

What is asked of a page is asked once it is there, however long that takes: no test
waits for a time that is long enough on one machine and too short on another.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from select import select
from typing import Any, Self

PROGRAM = shutil.which("chromium")
PACKAGE = "chromium"
# Long enough for a machine on which much else runs; nothing waits for it to pass.
PATIENCE_MS = 60_000


class Tab:
    """A page in a tab."""

    def __init__(self, browser: "Browser", target: str) -> None:
        self._browser, self.target = browser, target
        attached = browser.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.send("Page.enable")

    def send(self, method: str, **params: Any) -> Any:
        """Send a command of the DevTools protocol; return what it returns."""
        return self._browser.send(method, self._session, **params)

    def open(self, url: str) -> Self:
        """Open a page, and wait until all of it is loaded."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")
        return self

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, a promise's when it is kept.

        Raises:
            RuntimeError: the script failed.
        """
        done = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"])
        return done["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a condition holds in the page.

        Raises:
            RuntimeError: it does not within `PATIENCE_MS`.
        """
        self.run(
            f"""new Promise((done, fail) => {{
              const start = Date.now();
              const look = () => ({condition}) ? done()
                : Date.now() - start > {PATIENCE_MS} ? fail(new Error("too late"))
                : setTimeout(look, 5);
              look();
            }})"""
        )

    def press(self, key: str, repeat: bool = False) -> None:
        """Press a key, as a keyboard does; ``repeat``: it is still held."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        event = {"key": key, "text": text, "autoRepeat": repeat}
        kind = "keyDown" if text else "rawKeyDown"
        self.send("Input.dispatchKeyEvent", type=kind, **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def resize(self, width: int, height: int) -> None:
        """Give the page a window of so many pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self) -> bytes:
        """Return a picture of what is shown, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self.target)


class Browser:
    """A headless Chromium with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        """Start it.

        Args:
            profile: folder of what it keeps, for the next to find; made if missing.
        """
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # It reads from 3 and writes to 4.
        command = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "-"]
        command += [str(PROGRAM), "--headless", "--disable-gpu", "--hide-scrollbars"]
        # WebGL without a graphics card.
        command += ["--enable-unsafe-swiftshader"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={profile}"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            command,
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._received, self._sent = b"", 0
        self.downloads = profile / "downloads"
        self.send(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(self.downloads),
        )

    def tab(self) -> Tab:
        """Open a tab."""
        made = self.send("Target.createTarget", url="about:blank")
        return Tab(self, made["targetId"])

    def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Send a command of the DevTools protocol; return what it returns.

        Raises:
            RuntimeError: the browser refuses it, has ended, or hangs.
        """
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._sent:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _receive(self) -> Any:
        while b"\0" not in self._received:
            heard, _, _ = select([self._read], [], [], 2 * PATIENCE_MS / 1000)
            read = os.read(self._read, 2**20) if heard else b""
            if not read:
                raise RuntimeError("the browser has ended, or hangs")
            self._received += read
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def kill(self) -> None:
        """End it as a crash does, with all of its tabs."""
        self.process.kill()
        self._forget()

    def close(self) -> None:
        """End it as its user does: what it keeps is written."""
        self.send("Browser.close")
        self._forget()

    def _forget(self) -> None:
        self.process.wait()
        os.close(self._write)
        os.close(self._read)
