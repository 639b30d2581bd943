"""Where workflows run and their results lie: the port, and one adapter per vendor."""
