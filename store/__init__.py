"""Durable state behind one port: transactions over tables, whatever the database."""
