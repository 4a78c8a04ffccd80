"""The OpenCIF contract, its asynchronous client, its command line and its NACHA codec."""
