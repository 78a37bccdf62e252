"""A rate of calls for a while."""
