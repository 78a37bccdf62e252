"""Documents for people and machines; they render and never compute."""
