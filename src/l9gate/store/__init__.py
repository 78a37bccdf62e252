"""Run folders, and the settings of a project."""
