"""The same exchange behind Alpaca's REST and websocket protocols, written apart from our client."""
