"""The command line: `reins` on the bot's own machine."""

from bot.cli.application import main

__all__ = ["main"]
