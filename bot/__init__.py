"""The running process: settings, composition root, command line, supervised tasks and the relay."""
