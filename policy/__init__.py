"""Who may do what: facts in, a decision with its reason out; no I/O."""
