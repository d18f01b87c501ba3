"""Typed bodies of writes: what they take, what they write, and what they show."""
