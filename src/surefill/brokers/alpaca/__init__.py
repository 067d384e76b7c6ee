"""Alpaca: its wire format, its transport, its capabilities, as a neutral broker."""
