"""What people can ask for: one file per command, the parser and the dispatcher."""
