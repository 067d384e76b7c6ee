"""The outside world, one package per broker; each acts and translates, none decides."""
