"""Telling people: what the rules and the watchdog find reaches mail, chat and pagers.

What: `courier` takes notices and has one thread for each channel; `mailbox` groups them, `silences`
holds some back, `letter` writes them, `post` sends them through a process of its own (`sender`).
Why: an alert that nobody reads is none, and neither is the ninety-seventh in a minute.
Must never: delay an engine, show a channel's address, or drop a kind of alert without a word.
"""
