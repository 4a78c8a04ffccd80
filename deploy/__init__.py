"""What OpenCIF runs on: the embedded stack of the demo and tests, and what a deployment needs."""
