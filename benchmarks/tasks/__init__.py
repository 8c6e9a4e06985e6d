"""What the workers of `regret` execute, and nothing else: one module for each thing that a worker has to load."""
