"""HTTP: the chat as plain requests, the event stream, sessions, health, and the page."""
