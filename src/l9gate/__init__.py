"""Decides whether software built on the Anthropic Messages API may ship."""
