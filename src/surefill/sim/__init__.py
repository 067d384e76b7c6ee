"""A deterministic exchange with neutral words, and what it needs: markets, models, faults, a truth log."""
