"""Fixing what a loop found: planned, agreed to, run as a named action, and proven by the next measurement."""
