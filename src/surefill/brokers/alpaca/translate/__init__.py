"""Pure translation between the core's words and Alpaca's: no socket, no clock, no state.

`requests` turns commands into HTTP requests, `orders` turns Alpaca's records of orders and
executions into reports, `answers` says what an HTTP outcome proves, `market` reads instruments,
sessions and quotes, `times` reads and writes timestamps.
"""
