"""Measures: what the journal says of slippage, refusals, cover and reward, and what is wrong."""
