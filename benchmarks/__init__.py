"""Measurements of this machine; no test depends on them."""
