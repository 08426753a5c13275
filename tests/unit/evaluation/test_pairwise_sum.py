import numpy as np
import pytest

from eyewire_validator.evaluation.pairwise_sum import PairwiseSum


@pytest.mark.parametrize("count", [0, 1, 7, 65_537, 1_000_003])
@pytest.mark.parametrize("batch", [1009, 2**18])
def test_the_sum_of_batches_is_that_of_numpy(count, batch):
    numbers = np.random.default_rng(count).lognormal(0, 9, count)
    total = PairwiseSum(count)
    for start in range(0, count, batch):
        total.add(numbers[start : start + batch])
    assert total.total() == numbers.sum()
    if count:
        assert total.mean() == numbers.mean()


def test_adding_up_the_batches_would_give_other_bits():
    numbers = np.random.default_rng(0).lognormal(0, 9, 1_000_003)
    batches = [numbers[i : i + 1009].sum() for i in range(0, len(numbers), 1009)]
    assert sum(batches) != numbers.sum()
