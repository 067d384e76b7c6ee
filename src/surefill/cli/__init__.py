"""The command line: one verb per file, each loaded only when it is asked for."""
