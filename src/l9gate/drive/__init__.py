"""Sending on a schedule: when, what, and what came of it."""
