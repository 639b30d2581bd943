"""What was asked, decided and done: the chain of rows, its seals, their verification, and redaction."""
