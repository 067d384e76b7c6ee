"""Explains and proves: the production engine over the simulated venue in virtual time."""
