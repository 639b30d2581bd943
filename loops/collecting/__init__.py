"""Collecting the backlog: what reviews and failed lanes left open on a change, carried from commit to commit."""
