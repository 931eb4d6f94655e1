"""Seed 002 as a library: the verbs once, async, on a client; blocking faces and module-level names stand on it."""
