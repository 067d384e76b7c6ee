"""The exchange behind Alpaca's REST and websocket protocols.

Written from `alpaca.md` (documentation, recordings, observations) and checked with the official
alpaca-py clients; independent of `brokers/alpaca`, so that our client never grades our server.
"""
