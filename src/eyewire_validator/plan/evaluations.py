"""The evaluations that are reported, and what tables and titles say of each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from eyewire_validator.plan.models import PlannedModel


class Evaluation(NamedTuple):
    """The answers of a replicate of a model to the tasks of a split.

    Attributes:
        model: its key in ``models:``.
        replicate: from 0 on.
        split: train, validation or test.
        loops: the loop count that is looked at; 1 for what does not loop.
    """

    model: str
    replicate: int
    split: str
    loops: int


@dataclass(frozen=True)
class Evaluations:
    """The evaluations of a configuration.

    Attributes:
        models: those that can be run, by their keys.
        splits: that are reported.
        loop_counts: that networks are evaluated with.
        focus: the evaluation that the report shows first.
        all_pictured: whether figures are drawn of other models, too.
    """

    models: Mapping[str, PlannedModel]
    splits: tuple[str, ...]
    loop_counts: tuple[int, ...]
    focus: Evaluation
    all_pictured: bool

    @classmethod
    def plan(
        cls, config: Mapping[str, Any], models: Mapping[str, PlannedModel]
    ) -> "Evaluations":
        """Plan the evaluations of a configuration that `check_config` accepts."""
        model, split = config["report"]["model"], config["report"]["split"]
        return cls(
            models,
            tuple(config["evaluation"]["splits"]),
            tuple(sorted(config["evaluation"]["loops"])),
            Evaluation(model, 0, split, models[model].loops),
            config["report"]["all_models"],
        )

    def reported(self) -> list[Evaluation]:
        """Return all that the tables report, each model at its own loops."""
        return [
            Evaluation(name, replicate, split, model.loops)
            for name, model in self.models.items()
            for replicate in model.replicates
            for split in self.splits
        ]

    def by_loops(self) -> list[Evaluation]:
        """Return every network at every number of loops, on the split in focus."""
        return [
            evaluation._replace(loops=loops)
            for evaluation in self.reported()
            if self.models[evaluation.model].is_network
            and evaluation.split == self.focus.split
            for loops in self.loop_counts
        ]

    def pictured(self) -> list[Evaluation]:
        """Return those that are drawn: first replicates of models with weights."""
        return [
            evaluation
            for evaluation in self.reported()
            if self.models[evaluation.model].has_weights
            and evaluation.replicate == 0
            and (self.all_pictured or evaluation.model == self.focus.model)
        ]

    def by_size(self, split: str) -> list[Evaluation]:
        """Return those whose segments are drawn by size: ceiling, focus and seed."""
        names = [
            *self._of_kind("perfect_mask"),
            self.focus.model,
            *self._of_kind("seed_only"),
        ]
        return [Evaluation(name, 0, split, self.models[name].loops) for name in names]

    def by_training_tasks(self) -> list[Evaluation]:
        """Return the model in focus, and those that learn from fewer volumes only."""
        focus = self.models[self.focus.model]
        return [
            Evaluation(name, replicate, self.focus.split, model.loops)
            for name, model in self.models.items()
            if model.is_trained and _but_for_volumes(model) == _but_for_volumes(focus)
            for replicate in model.replicates
        ]

    def ceiling(self) -> str:
        """Return the title of the model that no coarse mask can beat; empty if none."""
        return next(map(self.title, self._of_kind("perfect_mask")), "")

    def title(self, model: str) -> str:
        """Return the title of a model, which says so if it is adapted."""
        planned = self.models[model]
        return planned.settings.title + (", adapted" if planned.is_adapted else "")

    def rows(self, evaluations: Iterable[Evaluation]) -> list[dict[str, Any]]:
        """Return what the honest table says about each evaluation."""
        return [
            {
                "model": evaluation.model,
                "title": self.title(evaluation.model),
                "standing": self.models[evaluation.model].standing,
                "split": evaluation.split,
                "loops": (
                    evaluation.loops
                    if self.models[evaluation.model].is_network
                    else None
                ),
                "replicate": evaluation.replicate,
            }
            for evaluation in evaluations
        ]

    def heading(
        self, model: str, replicate: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return what the title of a figure says about what it shows."""
        planned = self.models[model]
        details = [
            f"{split} tasks" if split else "",
            f"{planned.loops} loops" if planned.is_network else "",
            f"replicate {replicate}" if len(planned.replicates) > 1 else "",
        ]
        return {
            "title": self.title(model),
            "details": ", ".join(filter(None, details)),
            "leaked": planned.is_leaked,
        }

    def _of_kind(self, kind: str) -> Iterator[str]:
        for name, model in self.models.items():
            if model.settings.kind == kind:
                yield name


def _but_for_volumes(model: PlannedModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of a model, but for its name and how much it learns from."""
    training = asdict(model.training) if model.training else {}
    return (
        {**model.entry, "title": None, "replicates": None},
        {**training, "max_volumes": None},
    )
