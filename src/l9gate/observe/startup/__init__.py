"""The folder in front of a child's PYTHONPATH; Python runs its `sitecustomize` at start-up."""
