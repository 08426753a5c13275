from eyewire_validator.figures import caption_of
from eyewire_validator.plan.figures import Figure


def test_a_trained_model_has_a_training_curve(figures, evaluations):
    pictured = {e.model: figures.of(e) for e in evaluations.pictured()}
    assert Figure("training", "focus", 0) in pictured["focus"]
    assert not [f for f in pictured["given"] if f.name == "training"]


def test_the_readme_shows_the_model_in_focus(figures):
    first, second, *others = figures.of_readme()
    assert (first.name, second.name) == ("honest_table", "loops")
    assert {figure.model for figure in others} == {"focus"}
    assert [f.name for f in others][:3] == ["task", "worst-1", "worst-2"]


def test_no_figure_of_the_report_is_shown_twice(figures):
    shown = [*figures.trust(), *figures.errors()]
    for _, of_chapter in figures.chapters():
        shown += of_chapter
    assert len(shown) == len(set(shown))
    assert set(figures.of_all_models()) <= set(shown)


def test_leaked_chapters_come_last(figures):
    models = [evaluation.model for evaluation, _ in figures.chapters()]
    assert models[-2:] == ["leaky", "leaky"]
    assert "leaky" not in models[:-2]


def test_the_head_of_a_chapter_counts_its_figures(figures):
    for head, (_, of_chapter) in zip(
        figures.chapter_heads(), figures.chapters(), strict=True
    ):
        assert head["figures"] == len(of_chapter)


def test_every_figure_has_a_caption(figures):
    for figure in {*figures.of_all_models(), *figures.of_readme(), *figures.errors()}:
        assert caption_of(figure.name).title
