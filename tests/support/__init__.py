"""What tests and benchmarks share: servers of their own, synthetic inputs."""
