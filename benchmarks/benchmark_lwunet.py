"""Time the network: python benchmarks/benchmark_lwunet.py [--threads 2] [--device cpu].

Prints tasks a second, in training (patches of 32 voxels, batches of 4, 4 loops) and
in inference (whole volumes of 64 voxels), for both memory layouts of the weights.
Runs of the layouts alternate, so that what else the machine does hits both.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch

from eyewire_validator.devices import resolve_device, torch_threads
from eyewire_validator.models.loss import scaled_logit_loss
from eyewire_validator.models.lwunet import LWUNet
from eyewire_validator.samples import Inputs, network_inputs

LAYOUTS = {
    "contiguous": torch.contiguous_format,
    "channels last": torch.channels_last_3d,
}
ROUNDS = 3


def random_inputs(batch: int, size: int, device: torch.device) -> Inputs:
    """Make inputs with two context channels."""
    generator = torch.Generator().manual_seed(0)
    stack = torch.randint(0, 2, (batch, 4, size, size, size), generator=generator)
    return network_inputs(stack.to(device, torch.uint8), "unit")


def train_step(model: LWUNet, optimizer: torch.optim.Optimizer, inputs: Inputs) -> None:
    """Take one step of training."""
    loss = scaled_logit_loss(*model(*inputs), inputs.seed).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@torch.inference_mode()
def answer(model: LWUNet, inputs: Inputs, loops: int) -> None:
    """Answer a batch."""
    model(*inputs, loops=loops)


def tasks_per_second(
    works: list[Callable[[], None]], batch: int, device: torch.device
) -> list[float]:
    """Time each piece of work, in turns; return the best rate of each."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS + 1):
        for number, work in enumerate(works):
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            best[number] = min(best[number], time.perf_counter() - start)
    return [batch / seconds for seconds in best]


def main() -> None:
    """Time every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = resolve_device(options.device)
    models = [
        LWUNet().to(device).to(memory_format=layout) for layout in LAYOUTS.values()
    ]
    optimizers = [torch.optim.Adam(model.parameters()) for model in models]
    patches = random_inputs(4, 32, device)
    cases: list[tuple[str, int, list[Callable[[], None]]]] = [
        (
            "train, 4 x 32^3, 4 loops",
            4,
            [
                partial(train_step, model, optimizer, patches)
                for model, optimizer in zip(models, optimizers, strict=True)
            ],
        )
    ]
    for batch in (1, 4):
        volumes = random_inputs(batch, 64, device)
        for loops in (4, 1):
            works = [partial(answer, model, volumes, loops) for model in models]
            cases.append((f"answer, {batch} x 64^3, {loops} loops", batch, works))
    print(f"torch {torch.__version__}, {device}, {options.threads} threads, tasks/s")
    print(f"{'':28}", *(f"{layout:>14}" for layout in LAYOUTS))
    with torch_threads(options.threads):
        for name, batch, works in cases:
            rates = tasks_per_second(works, batch, device)
            print(f"{name:28}", *(f"{rate:14.2f}" for rate in rates))


if __name__ == "__main__":
    main()
