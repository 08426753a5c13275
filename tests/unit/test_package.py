"""The face of the package: what a user imports."""

import subprocess
import sys

import pytest

import eyewire_validator


@pytest.mark.parametrize("name", eyewire_validator.__all__)
def test_the_package_offers_what_it_names(name):
    assert getattr(eyewire_validator, name).__name__ == name


def test_what_it_does_not_offer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'load_oracle'"):
        _ = eyewire_validator.load_oracle


def test_importing_it_loads_no_torch():
    program = "import sys, eyewire_validator; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
