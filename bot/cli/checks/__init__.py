"""What `reins doctor` looks at, one file per group of checks."""
