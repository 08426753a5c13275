"""A training in several processes, each on a device of its own.

Every process holds the same network and takes its share of each batch. Torch's
DistributedDataParallel lets all of them step along the mean of their gradients, so that
their weights stay the same. Tried with gloo on CPUs; with nccl, on GPUs, never so far.
"""

import logging
import signal
import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessException, spawn
from torch.nn.parallel import DistributedDataParallel

from eyewire_validator.errors import EyewireValidatorError, ModelError
from eyewire_validator.evaluation.voxel_counts import part_of_batches
from eyewire_validator.learning.devices import keep_memory

Item = TypeVar("Item")
Compute = Callable[..., Tensor]


@dataclass(frozen=True)
class Share:
    """What a process does of work that is shared; all of it where it is alone.

    Attributes:
        rank: which of the processes it is, from 0 on; 0 writes and reports for all.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    def of_batch(self, batch: Tensor) -> Tensor:
        """Return its rows of a batch; none, if there are fewer than processes."""
        return batch.tensor_split(self.count)[self.rank]

    def of_tasks(self, tasks: Sequence[int], batch_size: int) -> Sequence[int]:
        """Return its tasks, in whole batches."""
        return part_of_batches(tasks, batch_size, self.rank, self.count)

    def gather(self, items: list[Item]) -> list[Item]:
        """Return the items of all processes, those of the first one first."""
        if self.count == 1:
            return items
        found: list[list[Item]] = [[]] * self.count
        distributed.all_gather_object(found, items)
        return [item for each in found for item in each]

    def averaging(self, model: nn.Module, compute: Compute) -> Compute:
        """Average the gradients of a model over all processes.

        Args:
            model: the same in each of them.
            compute: what the gradients are of; it uses the model.

        Returns:
            What computes the same. Each ``backward`` waits for all processes.
        """
        if self.count == 1:
            return compute
        return DistributedDataParallel(_Computation(model, compute))


WHOLE = Share()


class _Computation(nn.Module):
    """A computation with a model, in the form that DistributedDataParallel takes."""

    def __init__(self, model: nn.Module, compute: Compute) -> None:
        super().__init__()
        self.model = model
        self.compute = compute

    def forward(self, *arguments: Any) -> Tensor:
        return self.compute(*arguments)


def run_together(
    work: Callable[..., None], devices: Sequence[torch.device], *arguments: Any
) -> None:
    """Do work in as many processes as there are devices, and wait for all of them.

    They are started anew (spawned), and so import the script that is run, which must
    do nothing unless it is ``__main__``. If one fails, the others are ended.

    Args:
        work: called with a `Share`, a device and the arguments; what the first process
            logs is logged here.
        devices: all CPUs, or all GPUs.
        arguments: picklable.

    Raises:
        EyewireValidatorError: the one that ended a process.
        ModelError: a process was killed.
    """
    letters, letterbox = Pipe(duplex=False)
    errors: list[EyewireValidatorError] = []
    reader = Thread(target=_read_letters, args=(letters, errors), daemon=True)
    reader.start()
    with tempfile.TemporaryDirectory() as folder:
        told = (work, devices, f"file://{folder}/meeting", letterbox, arguments)
        with letterbox:
            processes = spawn(  # type: ignore[no-untyped-call]
                _take_part, told, len(devices), join=False, daemon=True
            )
        try:
            while not processes.join():
                pass
        except ProcessException:
            reader.join()
            codes = [process.exitcode for process in processes.processes]
            if reason := next(iter(errors), _killed(codes)):
                raise reason from None
            raise
        finally:
            for process in processes.processes:
                process.kill()
            reader.join()


def _read_letters(letters: Connection, errors: list[EyewireValidatorError]) -> None:
    """Log what processes logged and keep their errors, until all of them are gone."""
    with suppress(EOFError, OSError):
        while True:
            letter = letters.recv()
            if isinstance(letter, logging.LogRecord):
                logging.getLogger(letter.name).handle(letter)
            else:
                errors.append(letter)


def _killed(codes: Sequence[int]) -> ModelError | None:
    """Say which process was killed, by the exit codes of all.

    The others then end as they find it missing: by an exception, by SIGABRT, or by the
    SIGTERM that they are sent.
    """
    for rank, code in enumerate(codes):
        if code < 0 and -code not in (signal.SIGABRT, signal.SIGTERM):
            return ModelError(
                f"process {rank} of the {len(codes)} of a training was ended by "
                f"{signal.Signals(-code).name}; if memory ran out, give it more; run "
                "again, and it goes on after its last epoch"
            )
    return None


def _take_part(
    rank: int,
    work: Callable[..., None],
    devices: Sequence[torch.device],
    meeting: str,
    letterbox: Connection,
    arguments: tuple[Any, ...],
) -> None:
    """Do one process's share of the work."""
    # Sent when whoever started it is gone. Python's own answer waits for the others.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    keep_memory()
    # Of axes of one element, whose strides mean nothing.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    package = logging.getLogger(__name__.partition(".")[0])
    package.setLevel(logging.INFO)
    package.addHandler(logging.NullHandler() if rank else _Sender(letterbox))
    device = devices[rank]
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=meeting,
        rank=rank,
        world_size=len(devices),
    )
    try:
        work(Share(rank, len(devices)), device, *arguments)
    except EyewireValidatorError as error:
        letterbox.send(error)
        raise
    distributed.destroy_process_group()


class _Sender(logging.Handler):
    """Hands what is logged to the process that logs it."""

    def __init__(self, letterbox: Connection) -> None:
        super().__init__()
        self.letterbox = letterbox

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args = record.getMessage(), None
        self.letterbox.send(record)
