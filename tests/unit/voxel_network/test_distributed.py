import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.errors import ModelError, SplitError
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.voxel_network import training
from eyewire_validator.voxel_network.distributed import WHOLE, Share
from eyewire_validator.voxel_network.state import TrainingRun
from eyewire_validator.voxel_network.training import train, train_together

CPU = torch.device("cpu")
TWO = [CPU, CPU]
# With all that draws at random, but for the loss of random samples.
MODEL = ModelSettings(
    "m", "lwunet", "ancestors_registered", 1, 2,
    uncertainty="sampled_logit", dropout=0.3,
)  # fmt: skip
# Of 7 tasks, batches of 3, 3 and 1.
SETTINGS = TrainingSettings(
    device="cpu", random_seed=5, epochs=3, batch_size=3, rotation=1,
    learning_rate=0.001, weight_decay=0.0005, lr_step=1, lr_gamma=0.5, patience=3,
    validation_tasks=5, patch_size=4, symmetries=True, loss_on="every_loop",
    labels="hard", balance=True, loops="random", augmentation=True,
    context_dropout=0.5, sampling="hard",
)  # fmt: skip


@pytest.fixture
def index(make_index):
    common = {"volume": 11, "aggregate_weights": [1.0, 0.6]}
    return make_index(
        *(
            {
                "task": n,
                "seed": [n % 8 + 1],
                "aggregate": [n % 8 + 1, (n + 1) % 8 + 1],
                "split": "train" if n < 7 else "validation",
                **common,
            }
            for n in range(12)
        )
    )


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants})


def test_shares_of_a_batch_are_all_of_it():
    batch = torch.arange(5)
    shares = [Share(rank, 3).of_batch(batch) for rank in range(3)]
    assert torch.equal(torch.cat(shares), batch)
    assert torch.equal(WHOLE.of_batch(batch), batch)


def cut_off_after_an_epoch(monkeypatch):
    def cut_off(run, file, fingerprint):
        save(run, file, fingerprint)
        raise KeyboardInterrupt

    save = TrainingRun.save
    monkeypatch.setattr(TrainingRun, "save", cut_off)


def test_two_processes_train_the_weights_of_one(index, store, tmp_path, monkeypatch):
    """And go on where one was cut off. A batch of one leaves nothing to the other."""
    asked = (index, store, MODEL, SETTINGS)
    one = train(*asked, tmp_path / "one", device=CPU)
    with monkeypatch.context() as patch:
        cut_off_after_an_epoch(patch)
        with pytest.raises(KeyboardInterrupt):
            train(*asked, tmp_path / "two", device=CPU)
    two = train_together(*asked, tmp_path / "two", devices=TWO)
    other = two.model.state_dict()
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(other[name], value, rtol=1e-3, atol=1e-5)
    exact = ["epoch", "learning_rate", "tasks"]
    assert two.history[exact].equals(one.history[exact])
    for loss in ("train_loss", "validation_loss"):
        np.testing.assert_allclose(two.history[loss], one.history[loss], rtol=1e-4)


def test_an_error_of_a_process_is_raised_here(index, store, tmp_path):
    index.loc[index["split"] == "validation", "split"] = None
    with pytest.raises(SplitError, match="1 or more validation tasks"):
        train_together(index, store, MODEL, SETTINGS, tmp_path, devices=TWO)


def kill_one_after_an_epoch(folder):
    while not (folder / RESUME_FILE).exists():
        time.sleep(0.05)
    second = max(multiprocessing.active_children(), key=lambda process: process.pid)
    second.kill()


def test_a_killed_process_ends_the_training(index, store, tmp_path):
    endless = replace(SETTINGS, epochs=10**6, patience=10**6)
    with ThreadPoolExecutor() as pool:
        killing = pool.submit(kill_one_after_an_epoch, tmp_path)
        with pytest.raises(ModelError, match=r"process 1 of the 2 .* by SIGKILL"):
            train_together(index, store, MODEL, endless, tmp_path, devices=TWO)
        killing.result()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("model", "batch_size"),
    [(MODEL, 1), (replace(MODEL, uncertainty="sampled_logit_monte_carlo"), 3)],
    ids=["small batches", "loss of random samples"],
)
def test_what_cannot_be_shared_is_trained_in_one(
    index, store, tmp_path, monkeypatch, model, batch_size
):
    monkeypatch.setattr(training, "run_together", None)
    settings = replace(SETTINGS, batch_size=batch_size, epochs=1)
    train_together(index, store, model, settings, tmp_path, devices=TWO)
