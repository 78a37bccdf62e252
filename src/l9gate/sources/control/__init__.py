"""Tests against endpoints that cannot serve them, as a source of evidence."""
