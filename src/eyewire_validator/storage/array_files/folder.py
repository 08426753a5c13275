"""Reach folders of chunks, on this disk or by http, gs or s3, through tensorstore."""

import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access

# What cloud-volume appends to the names of local files, which are then not found.
PACKED = (".gz", ".br", ".zst", ".zstd")
# Too many requests.
BUSY = ("429",)
# Files of a local folder that are looked at for those.
LOOKED_AT = 200


class NotMetadataError(FileError):
    """A file of metadata is something else, such as a page for people."""


@dataclass(frozen=True)
class Folder:
    """A folder of metadata and chunks.

    Args:
        source: what to call it in errors.
        location: path, ``file://``, ``http(s)://``, ``gs://`` or ``s3://``; the last
            two anonymously.
        access: how it may be asked.
    """

    source: str
    location: str
    access: Access

    @property
    def is_local(self) -> bool:
        """Tell if it lies on this disk."""
        return "://" not in self.location.removeprefix("file://")

    def below(self, name: str) -> "Folder":
        """Return a folder inside this one."""
        return Folder(self.source, f"{self.location.rstrip('/')}/{name}", self.access)

    def above(self) -> tuple["Folder", str] | None:
        """Return the folder above, and the name in it; None at the top."""
        parent, _, name = self.location.rstrip("/").rpartition("/")
        if not name or not parent or parent.endswith("/"):
            return None
        return Folder(self.source, parent, self.access), name

    def store(self) -> dict[str, Any]:
        """Return the key-value store of tensorstore.

        Raises:
            FileError: the address is of another kind.
        """
        if self.is_local:
            path = Path(self.location.removeprefix("file://")).absolute()
            return {"driver": "file", "path": f"{path}/"}
        base, name = _web_address(self.source, self.location)
        return {"driver": "http", "base_url": base, "path": f"/{name.strip('/')}/"}

    def context(self) -> Any:
        """Return the context of tensorstore: how it may be asked."""
        import tensorstore as ts

        return ts.Context(self.access.limits())

    def read(self, name: str) -> bytes | None:
        """Read a small file; None if it is not there or may not be read.

        Raises:
            FileError: no answer, or not within the time limit.
        """
        import tensorstore as ts

        try:
            store = ts.KvStore.open(self.store(), context=self.context()).result()
            found = store.read(name).result(timeout=self.access.time_limit_s)
        except Exception as error:
            # Buckets that do not list their files answer so for those not there.
            if "PERMISSION_DENIED" in str(error):
                return None
            raise self.failed(name, error) from None
        return bytes(found.value) if found.state == "value" else None

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Read a file of metadata, an object of JSON; None as in `read`.

        Raises:
            NotMetadataError: it is not JSON.
            FileError: see `read`.
        """
        content = self.read(name)
        if content is None:
            return None
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            start = content.lstrip()[:1]
            what = "a page for people (HTML or XML)" if start == b"<" else "no JSON"
            raise NotMetadataError(
                f"{self.source}: its {name} is {what if content else 'empty'}; is this "
                "the address of the array itself?"
            )
        return value

    def failed(self, what: str, error: BaseException) -> FileError:
        """Return the error for what tensorstore or the time limit say, in one line."""
        if isinstance(error, TimeoutError):
            return FileError(
                f"{self.source}: {what}: no answer within "
                f"{self.access.time_limit_s:g} s; try again later"
            )
        return FileError(f"{self.source}: {what}: {_reason(str(error))}")

    def packed(self) -> str | None:
        """Return a local chunk under a name that tensorstore does not look for."""
        if not self.is_local:
            return None
        files = islice(Path(self.store()["path"]).rglob("*"), LOOKED_AT)
        return next((file.name for file in files if file.suffix in PACKED), None)

    def refuse_packed(self) -> None:
        """Refuse local chunks under names that tensorstore does not look for.

        Raises:
            FileError: there are some.
        """
        if name := self.packed():
            raise FileError(
                f"{self.source}: its chunks are packed one by one ({name}), which is "
                "read on servers only; unpack them, under the same names without "
                f"{Path(name).suffix}"
            )


def _web_address(source: str, location: str) -> tuple[str, str]:
    """Return the server and the path on it."""
    scheme, _, rest = location.partition("://")
    host, _, path = rest.partition("/")
    if scheme in ("http", "https") and host:
        return f"{scheme}://{host}", path
    if scheme == "gs" and host:
        return "https://storage.googleapis.com", f"{host}/{path}"
    if scheme == "s3" and host:
        # The certificate covers no names with dots.
        return (
            ("https://s3.amazonaws.com", f"{host}/{path}")
            if "." in host
            else (f"https://{host}.s3.amazonaws.com", path)
        )
    raise FileError(
        f"{source}: {scheme}:// is not known, expected a path, http://, https://, "
        "gs:// or s3://"
    )


def _reason(text: str) -> str:
    """Shorten a message of tensorstore: no codes, addresses or bodies of replies."""
    if "CURL error" in text:
        cause = _first_line(text.partition("CURL error")[2])
        return f"the connection failed ({cause}); try again later"
    if status := re.search(r"HTTP code (\d+)", text):
        later = "; try again later" if status[1] in BUSY or status[1] >= "500" else ""
        return f"refused by the server (HTTP {status[1]}){later}"
    plain = _first_line(re.sub(r"^[A-Z_]+: ", "", text))
    # "Error reading chunk 0 in FILE: Error reading its index in FILE: cause".
    cause = re.split(r"Error (?:reading|retrieving) [^:]*?(?:://[^ ]+|\"): ", plain)[-1]
    return f"{cause}; is it damaged, or of another form?"


def _first_line(text: str) -> str:
    plain = " ".join(re.sub(r"\[[a-z_]+='.*", "", text, flags=re.DOTALL).split())
    return plain.strip(" :")[:300] or "no reason given"
