"""Run, judge, watch: the one flow."""
