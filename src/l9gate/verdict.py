"""Findings to a verdict."""
