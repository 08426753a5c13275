from eyewire_validator.config.kinds import model_settings
from eyewire_validator.config.source import has_people
from eyewire_validator.plan.models import (
    LEARNED,
    PlannedModel,
    audited_models,
    growing_model,
    learning_model,
    plan_models,
)


def names(models, holds):
    return {name for name, model in models.items() if holds(model)}


def test_what_the_workflow_does_with_a_model_follows_from_its_entry(models):
    assert names(models, lambda m: m.is_network) == {"net", "leaky"}
    assert names(models, lambda m: not m.has_weights) == {
        "seed_only", "player", "perfect_mask",
    }  # fmt: skip
    assert names(models, lambda m: m.given_checkpoint) == {"given"}
    assert names(models, lambda m: m.is_trained) == {"focus", "little", "net", "leaky"}
    assert names(models, lambda m: m.is_leaked) == {"leaky"}


def test_only_what_has_a_network_convolves(config):
    entry = {"kind": "agglomeration", "title": "features", "evidence": "features"}
    config["models"] = {**config["models"], "features": entry}
    models = plan_models(config)
    assert not models["features"].convolves
    assert not models["seed_only"].convolves
    assert models["focus"].convolves
    assert models["net"].convolves


def test_numbers_stand_in_sections_by_their_worth(models):
    assert models["focus"].standing == "result"
    assert models["seed_only"].standing == "result"
    assert models["player"].standing == "reference"
    assert models["leaky"].standing == "leaked"


def test_replicates_loops_and_checkpoints(models):
    assert list(models["focus"].replicates) == [0, 1]
    assert list(models["player"].replicates) == [0, 1, 2]
    assert list(models["seed_only"].replicates) == [0]
    assert (models["net"].loops, models["focus"].loops) == (4, 1)
    assert list(models["focus"].checkpoints) == [0, 1]
    assert list(models["player"].checkpoints) == []


def test_an_entry_is_read_again_as_it_was(models):
    for model in models.values():
        assert model_settings(model.entry) == model.settings


def test_training_is_that_of_the_kind_with_the_models_own_keys(models, config):
    little, focus = models["little"].training, models["focus"].training
    assert (little.max_volumes, focus.max_volumes) == (1, 400)
    assert little.epochs == config["kinds"]["agglomeration"]["training"]["epochs"]
    assert models["seed_only"].training is None


def test_people_are_left_out_where_nobody_knows_them(config):
    assert has_people(config)
    config["sandbox"]["made_from"] = "files"
    assert not has_people(config)
    assert set(config["models"]) - set(plan_models(config)) == {"player"}


def test_references_are_not_audited(models):
    audited = audited_models(models)
    assert set(audited) == set(models) - {"player", "perfect_mask"}
    assert audited["leaky"]["leaked"]
    assert audited["focus"]["checkpoints"] == 2
    assert audited["seed_only"]["checkpoints"] == 0


def test_the_first_agglomeration_that_answers_learns(models):
    assert learning_model(models, ["net", "focus"]) == "focus"
    assert learning_model(models, ["net"]) == "given"
    assert learning_model({"net": models["net"]}, ["net"]) is None


def test_what_was_learned_does_not_learn_from_itself(config):
    entry = {"kind": "agglomeration", "title": "own", "checkpoint": LEARNED}
    config["models"] = {**config["models"], "own": entry}
    own = {"own": PlannedModel.from_config(config, "own")}
    assert learning_model(own, ["own"]) is None
    given = {"given": PlannedModel.from_config(config, "given")}
    assert learning_model({**own, **given}, ["own"]) == "given"


def test_cells_grow_by_what_is_named_or_by_an_agglomeration(config, models):
    assert growing_model(config, models) == "given"
    config["growth"] = {**config["growth"], "model": "little"}
    assert growing_model(config, models) == "little"
    config["growth"]["model"] = None
    rules = {name: models[name] for name in ("seed_only", "player")}
    assert growing_model(config, rules) is None
