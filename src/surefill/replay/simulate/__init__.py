"""Deterministic simulation: seeded storms over the production engine, judged by the venue's log."""
