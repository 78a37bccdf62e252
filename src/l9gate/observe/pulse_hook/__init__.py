"""The folder in front of a soaked command's PYTHONPATH; Python runs its `sitecustomize`."""
