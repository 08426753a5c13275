import itertools
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.errors import ModelError, SplitError
from eyewire_validator.learning import epochs
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.storage.files import write_array
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import write_table
from eyewire_validator.voxel_network.loss import scaled_logit_loss
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth
from eyewire_validator.voxel_network.state import TrainingRun
from eyewire_validator.voxel_network.training import choose_tasks, train_network

MODEL = NetworkSettings(
    title="m", context="ancestors_registered", context_channels=1, loops=2
)
NOISY = replace(MODEL, uncertainty="sampled_logit_monte_carlo", dropout=0.3)
LEAKED = replace(MODEL, context="published")
SETTINGS = NetworkTraining(
    device="cpu", random_seed=5, epochs=3, batch_size=2, rotation=2,
    learning_rate=0.01, weight_decay=0.0005, lr_step=1, lr_gamma=0.5, patience=3,
    validation_tasks=2, patch_size=4, symmetries=True,
    loss_on="every_loop", labels="hard",
)  # fmt: skip
CPU = torch.device("cpu")


def train(index, store, model, settings, folder, replicate=0, *, device):
    random_seed = settings.random_seed + replicate
    return train_network(
        index, store, model, settings, folder, random_seed, device=device, threads=1
    )


@pytest.fixture
def index(make_index):
    train = [
        {
            "task": n,
            "volume": 11,
            "seed": [n],
            "aggregate": [n, n + 1],
            "aggregate_weights": [1.0, 0.6],
            "split": "train",
        }
        for n in range(1, 8)
    ]
    held_out = {"volume": 12, "split": "validation"}
    return make_index(
        *train,
        {"task": 21, "seed": [1], "aggregate": [1, 3], "parent": 1, **held_out},
        {"task": 22, "seed": [2], "aggregate": [2, 6], **held_out},
        {"task": 23, "seed": [4], "aggregate": [4, 8], **held_out},
    )


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


def weights(model):
    return {name: value.numpy() for name, value in model.state_dict().items()}


def assert_same_bits(one, other):
    for name, value in weights(one).items():
        np.testing.assert_array_equal(value, weights(other)[name], strict=True)


def test_learns_to_copy_a_leaked_answer(index, store, tmp_path):
    settings = replace(
        SETTINGS, epochs=25, rotation=1, lr_step=99, patience=99, patch_size=8
    )
    history = train(index, store, LEAKED, settings, tmp_path, device=CPU).history
    assert history["validation_iou"].iloc[-1] > 0.9
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 4


def test_history_tells_each_epoch(index, store, tmp_path):
    history = train(index, store, MODEL, SETTINGS, tmp_path, device=CPU).history
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["learning_rate"].tolist() == [0.01, 0.005, 0.0025]
    # Of 7 tasks, every second one, starting with the second, the first, the second.
    assert history["tasks"].tolist() == [3, 4, 3]
    write_table(tmp_path / "history.parquet", history, HISTORY)


def validation_finds(monkeypatch, losses):
    """Let validation find the loss of each epoch; at None, the training is cut off."""
    validate = TrainingRun.validate

    def validate_as_told(run, *arguments):
        loss = losses[len(run.history)]
        if loss is None:
            raise KeyboardInterrupt
        return validate(run, *arguments).assign(loss=loss)

    monkeypatch.setattr(TrainingRun, "validate", validate_as_told)


@pytest.mark.parametrize("model_settings", [MODEL, NOISY], ids=["plain", "noisy"])
@pytest.mark.parametrize("epochs_done", [1, 2])
def test_an_interrupted_training_ends_with_the_same_bits(
    index, store, tmp_path, monkeypatch, epochs_done, model_settings
):
    losses = [0.1, 0.3, 0.2]
    validation_finds(monkeypatch, losses)
    whole = train(
        index, store, model_settings, SETTINGS, tmp_path / "whole", device=CPU
    )
    with monkeypatch.context() as patch:
        validation_finds(patch, [*losses[:epochs_done], None])
        with pytest.raises(KeyboardInterrupt):
            train(index, store, model_settings, SETTINGS, tmp_path / "cut", device=CPU)
    steps = []
    step = TrainingRun.step
    monkeypatch.setattr(
        TrainingRun, "step", lambda *args: steps.append(1) or step(*args)
    )
    resumed = train(
        index, store, model_settings, SETTINGS, tmp_path / "cut", device=CPU
    )
    assert len(steps) == (4 if epochs_done == 1 else 2)
    assert_same_bits(resumed.module, whole.module)
    assert resumed.history.equals(whole.history)
    for name, trained in (("whole.pt", whole), ("cut.pt", resumed)):
        save_checkpoint(
            tmp_path / name, trained.module, CheckpointInfo(model_settings, SETTINGS)
        )
    files = [(tmp_path / name).read_bytes() for name in ("whole.pt", "cut.pt")]
    assert files[0] == files[1]


def test_the_random_seed_decides(index, store, tmp_path):
    one, same, other = (
        train(
            index, store, MODEL, SETTINGS, tmp_path / name, replicate, device=CPU
        ).module
        for name, replicate in (("a", 0), ("b", 0), ("c", 1))
    )
    assert_same_bits(one, same)
    assert not np.array_equal(weights(one)["c1.weight"], weights(other)["c1.weight"])


def test_each_epoch_draws_other_patches(index, store, tmp_path, monkeypatch):
    drawn, step = [], TrainingRun.step
    monkeypatch.setattr(
        TrainingRun,
        "step",
        lambda run, batch, noise: drawn.append(batch) or step(run, batch, noise),
    )
    settings = replace(SETTINGS, rotation=1, batch_size=7)
    train(index, store, MODEL, settings, tmp_path, device=CPU)
    for one, other in itertools.combinations(drawn, 2):
        assert not torch.equal(one, other)


def test_training_leaves_torchs_own_generator_alone(index, store, tmp_path):
    before = torch.get_rng_state()
    train(index, store, MODEL, SETTINGS, tmp_path, device=CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("change", ["settings", "index", "damage"])
def test_another_trainings_state_is_not_used(index, store, tmp_path, caplog, change):
    short = replace(SETTINGS, epochs=1)
    train(index, store, MODEL, short, tmp_path / "old", device=CPU)
    settings = replace(short, learning_rate=0.02) if change == "settings" else short
    if change == "index":
        index.at[0, "aggregate"] = np.array([1, 8])
    if change == "damage":
        (tmp_path / "old" / RESUME_FILE).write_bytes(b"PK")
    with caplog.at_level(logging.WARNING):
        again = train(index, store, MODEL, settings, tmp_path / "old", device=CPU)
    assert "training starts from scratch" in caplog.text
    fresh = train(index, store, MODEL, settings, tmp_path / "new", device=CPU)
    assert_same_bits(again.module, fresh.module)


def test_every_column_and_row_of_the_index_tells_trainings_apart(
    make_index, monkeypatch
):
    monkeypatch.setattr(epochs, "ROWS_AT_A_TIME", 2)
    words = {"state": "open", "split": "test", "excluded": "no seed"}
    numbers = dict.fromkeys(set(TASK_INDEX.names) - set(words), 5)
    lists = {name: [2, 3] for name in ("seed", "aggregate", "aggregate_weights")}
    index = make_index({"task": 1}, {"task": 2}, {**numbers, **words, **lists})
    others = [
        index.assign(cell=index["cell"] + other) for other in np.eye(3, dtype=int)
    ]
    others += [index[:2], index[::-1]]
    for name in TASK_INDEX.names:
        others.append(index.assign(**{name: index[name].array[[2, 1, 0]]}))
    found = [
        epochs.fingerprint(table, MODEL, SETTINGS, 0)
        for table in (index, index.set_index(index["cell"]), *others)
    ]
    assert found[0] == found[1]
    assert len(set(found)) == len(found) - 1


def test_stops_early_and_keeps_the_best_weights(index, store, tmp_path, monkeypatch):
    settings = replace(SETTINGS, epochs=9, patience=2)
    validation_finds(monkeypatch, [0.5, 0.3, 0.4, 0.3, 0.1])
    stopped = train(index, store, MODEL, settings, tmp_path / "a", device=CPU)
    assert stopped.history["validation_loss"].tolist() == [0.5, 0.3, 0.4, 0.3]
    best = train(
        index, store, MODEL, replace(settings, epochs=2), tmp_path / "b", device=CPU
    )
    assert_same_bits(stopped.module, best.module)


def test_rotation_uses_every_task_once_a_round(index):
    tasks, validation = choose_tasks(index, SETTINGS, 0)
    parts = [tasks[epoch % 2 :: 2].tolist() for epoch in (1, 2)]
    assert sorted(parts[0] + parts[1]) == list(range(1, 8))
    assert len(validation) == 2
    assert set(validation) < {21, 22, 23}


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("train", "needs 2 or more train tasks, the split gave 7 unused, 3 validation"),
        ("validation", "1 or more validation tasks, .* gave 7 train, 3 unused"),
    ],
)
def test_a_split_without_tasks_is_refused(index, store, tmp_path, missing, message):
    index.loc[index["split"] == missing, "split"] = None
    with pytest.raises(SplitError, match=message):
        train(index, store, MODEL, SETTINGS, tmp_path, device=CPU)


def test_a_loss_that_is_not_finite_ends_training(index, store, tmp_path):
    settings = replace(SETTINGS, learning_rate=1e30)
    with pytest.raises(ModelError, match="lower learning_rate"):
        train(index, store, MODEL, settings, tmp_path, device=CPU)


@pytest.mark.parametrize("loss_on", ["every_loop", "last_loop"])
def test_a_step_follows_the_gradient_of_the_chosen_loops(index, store, loss_on):
    settings = replace(SETTINGS, loss_on=loss_on)
    run = TrainingRun.start(MODEL, settings, 0, CPU)
    model = LWUNet(1, 2)
    model.load_state_dict(run.model.state_dict())
    loader = SampleLoader(index, store, MODEL)
    samples = torch.from_numpy(np.stack([loader.load(task) for task in (1, 2)]))
    reported = run.step(samples, torch.Generator())
    inputs, truth = inputs_and_truth(samples, MODEL.image)
    one, two = (scaled_logit_loss(*model(*inputs, loops=n), truth) for n in (1, 2))
    assert reported.tolist() == pytest.approx(two.tolist())
    ((one + two).mean() / 2 if loss_on == "every_loop" else two.mean()).backward()
    for found, expected in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


def test_initial_weights_are_torchs_defaults():
    run = TrainingRun.start(MODEL, SETTINGS, random_seed=7, device=CPU)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        assert_same_bits(run.model, LWUNet(1, 2))


def test_each_step_draws_other_noise():
    run = TrainingRun.start(NOISY, SETTINGS, 0, CPU)
    generator = torch.Generator().manual_seed(0)
    samples = torch.randint(0, 2, (2, 4, 4, 4, 4), generator=generator).byte()
    for group in run.optimizer.param_groups:
        group["lr"] = 0
    one, other = (run.step(samples, generator) for _ in range(2))
    assert not torch.equal(one, other)


def test_soft_labels_are_for_training_alone(index, store, tmp_path, monkeypatch):
    loaded, load = [], SampleLoader.load
    monkeypatch.setattr(
        SampleLoader,
        "load",
        lambda loader, task, *labels: (
            loaded.append((task > 20, *labels)) or load(loader, task, *labels)
        ),
    )
    settings = replace(SETTINGS, epochs=1, labels="soft")
    train(index, store, MODEL, settings, tmp_path, device=CPU)
    assert set(loaded) == {(False, "soft"), (True,)}


def test_without_an_image_nothing_of_it_is_learned(
    index, make_store, octants, tmp_path
):
    blind, models = replace(MODEL, image="none"), []
    for name, grey in (("one", 0), ("other", 77)):
        store = make_store({11: octants, 12: octants})
        for volume in (11, 12):
            image = np.full_like(octants, grey, np.uint8)
            write_array(store.folders[volume] / "image.lzma", image)
        models.append(
            train(index, store, blind, SETTINGS, tmp_path / name, device=CPU).module
        )
    assert_same_bits(*models)
