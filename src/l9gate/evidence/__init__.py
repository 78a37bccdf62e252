"""What was seen: records, their codec, and the two ends of the log."""
