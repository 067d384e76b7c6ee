"""Programs for other environments (benchmarks/peer_env.py): what peers do with the same work."""
