"""Tests for how many cells and volumes a job fetches."""

import pytest

from eyewire_validator.plan.groups import cell_span, volume_span


@pytest.mark.parametrize(
    ("source", "made_from", "cells", "volumes"),
    [
        ("eyewire", "synthetic_retina", 1, 1),
        ("sandbox", "synthetic_retina", 2**63, 400),
        ("sandbox", "files", 2**63, 64),
    ],
)
def test_a_source_on_this_machine_is_fetched_by_few_jobs(
    config, source, made_from, cells, volumes
):
    config["source"], config["sandbox"]["made_from"] = source, made_from
    assert (cell_span(config), volume_span(config)) == (cells, volumes)


def test_a_span_that_is_given_holds_for_every_source(config):
    for section in ("registry", "volumes"):
        config[section]["group_span"] = 7
    assert (cell_span(config), volume_span(config)) == (7, 7)
