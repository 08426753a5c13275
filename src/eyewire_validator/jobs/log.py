"""The log of a job: its output, progress and error, and a manifest of its files."""

import contextlib
import errno
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.jobs.manifests import SUFFIX, write_manifest
from eyewire_validator.jobs.progress import shown

# Errors of the disk that are no bugs: full, over the quota, read-only.
OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@contextlib.contextmanager
def job_log(path: str | Path, outputs: Iterable[str] = ()) -> Iterator[None]:
    """Redirect the output of the block and this package's log to the file ``path``.

    Once the block is done, the hashes of ``outputs``, the files and folders that it
    makes, are written beside the log. Progress is shown on the terminal as well, with
    the name of the rule and of the job.

    An error of this package, or of the disk, ends the process with status 1 and its
    message, on the terminal and in the log; a traceback goes to the log only for what
    is a bug.
    """
    log, made = Path(path), [Path(output) for output in outputs]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", buffering=1) as file:
        try:
            with (
                _logged_to(file, f"{log.parent.name} {log.stem}"),
                contextlib.redirect_stdout(file),
                contextlib.redirect_stderr(file),
            ):
                yield
                if made:
                    write_manifest(log.with_suffix(SUFFIX), made)
        except EyewireValidatorError as error:
            _give_up(str(error), file)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in OF_THE_DISK:
                where = error.filename or Path.cwd()
                _give_up(f"{where}: {error.strerror}; mend that and rerun", file)
            traceback.print_exc(file=file)
            raise


@contextlib.contextmanager
def _logged_to(file: TextIO, job: str) -> Iterator[None]:
    """Write this package's log to a file; show progress on the terminal as well."""
    package = logging.getLogger(__name__.partition(".")[0])
    package.setLevel(logging.INFO)
    to_file = logging.StreamHandler(file)
    package.addHandler(to_file)
    try:
        with shown(f"{job}: "):
            yield
    finally:
        package.removeHandler(to_file)


def _give_up(reason: str, log: TextIO) -> NoReturn:
    print(f"error: {reason}", file=sys.stderr)
    # There may be no room for it.
    with contextlib.suppress(OSError):
        print(f"error: {reason}", file=log)
    sys.exit(1)
