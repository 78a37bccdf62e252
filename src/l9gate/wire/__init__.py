"""Facts of the Messages API; no input, no output."""
