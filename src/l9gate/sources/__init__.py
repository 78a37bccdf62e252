"""Sources of evidence; each acts and none judges."""
