"""The control port: other processes ask a running engine to trade, to stop and to tell."""
