"""The house rules, tested: what a reviewer would otherwise have to remember."""
