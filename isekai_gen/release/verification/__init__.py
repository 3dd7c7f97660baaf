"""Checks of a received release, and the gate."""
