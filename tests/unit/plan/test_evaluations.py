from eyewire_validator.plan.evaluations import Evaluations
from eyewire_validator.plan.models import plan_models


def test_every_replicate_and_split_is_reported_at_the_models_own_loops(evaluations):
    reported = evaluations.reported()
    assert ("focus", 1, "validation", 1) in reported
    assert ("net", 0, "test", 4) in reported
    # Five models of one replicate, one of two, and three players; two splits.
    assert len(reported) == len(set(reported)) == 2 * (6 + 2 + 3)


def test_networks_are_compared_by_loops_on_the_split_in_focus(evaluations):
    assert evaluations.by_loops() == [
        ("net", 0, "test", 2),
        ("net", 0, "test", 4),
        ("leaky", 0, "test", 2),
        ("leaky", 0, "test", 4),
    ]


def test_first_replicates_of_models_with_weights_are_pictured(evaluations):
    pictured = {(name, replicate) for name, replicate, *_ in evaluations.pictured()}
    with_weights = ("given", "focus", "little", "net", "leaky")
    assert pictured == {(name, 0) for name in with_weights}


def test_the_model_in_focus_alone_is_pictured_if_others_are_not_asked_for(
    config, models
):
    config["report"]["all_models"] = False
    evaluations = Evaluations.plan(config, models)
    assert {name for name, *_ in evaluations.pictured()} == {"focus"}


def test_sizes_are_those_of_ceiling_focus_and_seed(evaluations):
    found = [evaluation.model for evaluation in evaluations.by_size("test")]
    assert found == ["perfect_mask", "focus", "seed_only"]
    assert evaluations.ceiling() == "the ceiling"


def test_the_learning_curve_is_of_models_that_differ_in_volumes_only(evaluations):
    assert evaluations.by_training_tasks() == [
        ("focus", 0, "test", 1),
        ("focus", 1, "test", 1),
        ("little", 0, "test", 1),
    ]


def test_a_row_names_loops_of_networks_only(evaluations):
    net, focus = evaluations.rows([evaluations.by_loops()[0], evaluations.focus])
    assert (net["title"], net["loops"], net["standing"]) == ("net", 2, "result")
    assert (focus["title"], focus["loops"]) == ("focus", None)


def test_a_heading_says_what_tells_the_figure_from_others(evaluations):
    assert evaluations.heading("net", 0, "test") == {
        "title": "net",
        "details": "test tasks, 4 loops",
        "leaked": False,
    }
    assert evaluations.heading("focus", 1)["details"] == "replicate 1"
    assert evaluations.heading("leaky", 0)["leaked"]


def test_a_title_says_that_a_model_is_adapted(config):
    adapted = {"evidence": "affinities", "adapt": 3}
    config["models"]["given"] = config["models"]["given"] | adapted
    evaluations = Evaluations.plan(config, plan_models(config))
    assert evaluations.title("given") == "given, adapted"
    assert evaluations.title("focus") == "focus"
