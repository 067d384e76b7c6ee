"""Histories of a run and named ways to spoil them, for the tests of the auditor."""
