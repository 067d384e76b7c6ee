"""Prometheus' own checker of metrics, rules and configurations."""

from __future__ import annotations

import shutil

import pytest


def promtool() -> str:
    """The program; skips the test where there is none."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: scripts/setup_prometheus")
    return found
