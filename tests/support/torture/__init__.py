"""Torture: real engines killed and hindered before a real exchange (``scripts/torture.py``)."""
