"""Traces in which nobody speaks: they work on the dialogue, and are no turns of it."""
