"""Words every folder shares: frozen data and pure functions, no I/O."""
