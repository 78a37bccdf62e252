"""What the application does, seen from inside its process, without a change to it."""
