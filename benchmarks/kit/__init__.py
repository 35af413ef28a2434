"""What the benchmark programs share: building, measuring, running, reporting."""
