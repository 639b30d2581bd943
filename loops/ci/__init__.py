"""Watching the lanes of branches: what failed on their newest commit, without being asked."""
