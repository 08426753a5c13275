"""The figures that are drawn of each evaluation, and the order they are shown in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from eyewire_validator.plan.evaluations import Evaluation, Evaluations

# Drawn from the voxels of one evaluation, each with its table.
METRIC_FIGURES = (
    "seedless_against_full",
    "distributions",
    "truth_volume",
    "guessed_volume",
    "uncertainty",
)
# Drawn from its segments.
SEGMENT_FIGURES = ("reliability", "risk_coverage", "votes")


class Figure(NamedTuple):
    """A figure: what it shows, and its name.

    Attributes:
        name: of the figure, which has a caption in `figures.caption_of`.
        model: whose; none if it compares several.
        replicate: which of the model's.
        split: whose tasks; none if it is of a training, or of a whole run.
    """

    name: str
    model: str | None = None
    replicate: int | None = None
    split: str | None = None


@dataclass(frozen=True)
class FigurePlan:
    """The figures of a configuration.

    Attributes:
        evaluations: those of the configuration.
        worst_tasks: number of tasks with the most edits that are pictured.
    """

    evaluations: Evaluations
    worst_tasks: int

    @classmethod
    def plan(cls, config: Mapping[str, Any], evaluations: Evaluations) -> "FigurePlan":
        """Plan the figures of a configuration that `check_config` accepts."""
        return cls(evaluations, config["report"]["worst_tasks"])

    @property
    def task_figures(self) -> tuple[str, ...]:
        """Return the names of pictures of tasks: a typical one, and the worst."""
        worst = range(1, self.worst_tasks + 1)
        return ("task", *(f"worst-{place}" for place in worst))

    def of(self, evaluation: Evaluation) -> list[Figure]:
        """Return the figures of an evaluation, in reading order."""
        model, replicate, split, _ = evaluation
        names = (*self.task_figures, *SEGMENT_FIGURES, *METRIC_FIGURES)
        figures = [Figure(name, model, replicate, split) for name in names]
        if self.evaluations.models[model].is_trained:
            figures.append(Figure("training", model, replicate))
        return figures

    def of_all_models(self) -> list[Figure]:
        """Return the figures of all evaluations that are pictured."""
        return [
            figure
            for evaluation in self.evaluations.pictured()
            for figure in self.of(evaluation)
        ]

    def of_readme(self) -> list[Figure]:
        """Return the figures that the README shows."""
        focus = self.evaluations.focus
        return [Figure("honest_table"), Figure("loops"), *self.of(focus)]

    def trust(self) -> list[Figure]:
        """Return the figures of how far the probabilities in focus can be trusted."""
        return self._of_focus("reliability", "risk_coverage")

    def errors(self) -> list[Figure]:
        """Return the figures of where the model in focus errs."""
        return [
            *self._of_focus("votes"),
            Figure("sizes", split=self.evaluations.focus.split),
            *self._of_focus(*self.task_figures[1:]),
        ]

    def chapters(self) -> list[tuple[Evaluation, list[Figure]]]:
        """Return the report's chapters, leaked ones last; no figure is shown twice."""
        shown, chapters = {*self.trust(), *self.errors()}, []
        for standing in ("result", "leaked"):
            for evaluation in self.evaluations.pictured():
                if self.evaluations.models[evaluation.model].standing == standing:
                    figures = [f for f in self.of(evaluation) if f not in shown]
                    chapters.append((evaluation, figures))
                    shown.update(figures)
        return chapters

    def chapter_heads(self) -> list[dict[str, Any]]:
        """Return the title of each chapter, and the number of its figures."""
        return [
            {**self.evaluations.heading(*evaluation[:3]), "figures": len(figures)}
            for evaluation, figures in self.chapters()
        ]

    def _of_focus(self, *names: str) -> list[Figure]:
        return [f for f in self.of(self.evaluations.focus) if f.name in names]
