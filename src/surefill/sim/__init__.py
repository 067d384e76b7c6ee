"""Pretends, deterministically: the exchange, its market, latency, fees and faults, the auditor."""
