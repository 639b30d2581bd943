"""One file per rule: each looks at a case and returns a decision, or None when it has nothing to say."""
