"""Folds to a conversation's line."""
