"""A local Messages API."""
