"""What users import: few names, loaded on first use."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import surefill


def test_every_exported_name_has_a_home_and_loads() -> None:
    for name in surefill.__all__:
        assert getattr(surefill, name) is not None


def test_a_loaded_name_is_the_object_of_its_home() -> None:
    from surefill.core.plan import TradePlan

    assert surefill.TradePlan is TradePlan
    assert vars(surefill)["TradePlan"] is TradePlan


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Broker'"):
        _ = surefill.Broker


def test_dir_lists_what_a_user_may_import() -> None:
    assert dir(surefill) == sorted(surefill.__all__)


def test_the_version_is_the_distributions() -> None:
    assert surefill.__version__ == version("surefill")


def test_import_loads_no_part_of_the_package() -> None:
    program = "import sys, surefill; print([m for m in sys.modules if m.startswith('surefill.')])"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
