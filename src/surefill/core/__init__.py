"""What decides: pure functions over frozen values, standard library only, integers only."""
