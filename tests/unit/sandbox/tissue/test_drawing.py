"""Drawn blocks that networks learn from."""

import numpy as np

from eyewire_validator.sandbox.tissue import drawing


def test_every_voxel_of_a_drawing_has_its_neuron(monkeypatch):
    monkeypatch.setattr(drawing, "SHAPE", (40, 48, 48))
    one, again = drawing.draw_tissue(12), drawing.draw_tissue(12)
    assert one.image.shape == one.neuron.shape == (40, 48, 48)
    assert one.neuron.min() >= 1
    assert len(np.unique(one.neuron)) > 10
    # A membrane is darker than what it parts.
    parts = one.neuron[:, :, 1:] != one.neuron[:, :, :-1]
    assert one.image[:, :, 1:][parts].mean() < one.image[:, :, 1:][~parts].mean() - 10
    assert (one.image == again.image).all()
    assert (drawing.draw_tissue(24).image != one.image).any()
