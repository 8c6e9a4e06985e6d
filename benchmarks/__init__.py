"""What this package costs, measured against its targets and its peers: ``python -m benchmarks``."""
