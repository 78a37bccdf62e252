"""The four pytest layers as a source of evidence."""
