import logging

import pytest
import torch

from eyewire_validator.agglomeration.affinity_training import affinity_loss
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.learning.precision import choose_precision, gradient

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("wanted", "device", "lower", "chosen"),
    [
        ("auto", GPU, [1.0, 0.1], torch.bfloat16),
        ("auto", GPU, [0.0, 1.0], torch.float32),
        ("bf16", CPU, [1.0, 0.0], torch.bfloat16),
    ],
)
def test_bf16_is_used_where_its_gradient_is_right(
    wanted, device, lower, chosen, caplog
):
    found = {torch.float32: [1.0, 0.0], torch.bfloat16: lower}
    with caplog.at_level(logging.INFO):
        assert chosen == choose_precision(
            wanted, device, lambda precision: torch.tensor(found[precision])
        )
    assert "have a cosine of" in caplog.text


@pytest.mark.parametrize(("wanted", "device"), [("float32", GPU), ("auto", CPU)])
def test_float32_is_used_unasked(wanted, device):
    assert choose_precision(wanted, device, pytest.fail) == torch.float32


def test_the_affinities_of_bf16_have_the_right_gradient():
    torch.manual_seed(0)
    model, image = AffinityUNet(), torch.randn(2, 1, 8, 8, 8)
    objects = torch.randint(3, (2, 8, 8, 8), dtype=torch.int32)
    found = []
    for lower in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            logits = model(image)
        found.append(gradient(model, affinity_loss(logits.float(), objects)))
    assert float(torch.cosine_similarity(*found, 0)) > 0.98
