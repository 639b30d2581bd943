"""One comment of ours per loop and target: chosen, written, kept up to date, and never more than that."""
