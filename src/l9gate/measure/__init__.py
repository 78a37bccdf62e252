"""Clocks, distributions and exact intervals."""
