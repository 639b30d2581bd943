"""The triage loop: what reviewers and checks left open, read from a backlog file."""
