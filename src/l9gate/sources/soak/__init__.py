"""A steady load for a long time, and a look at a process every few seconds beside it."""
