"""The seam in the application's client, and what is seen there."""
