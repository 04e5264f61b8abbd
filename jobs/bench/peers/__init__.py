"""The peers of compare_peers.py, and its tables."""
