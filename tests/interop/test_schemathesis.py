"""A little of Schemathesis at each run; ``python -m tests.support.schema_run 300`` for a lot."""

from __future__ import annotations

import pytest

from tests.interop.test_other_sdks import python_of
from tests.support.schema_run import run


@pytest.mark.slow
def test_the_exchange_keeps_to_its_document() -> None:
    outcome = run(python_of("schemathesis"), examples=4, seed=1)
    assert outcome.is_clean, outcome.output[-4_000:]
    assert outcome.cases > 800
