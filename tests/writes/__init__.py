"""Writes, against the sandbox over real HTTP."""
