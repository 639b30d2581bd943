"""The channels and forges that the settings switch on: one file joins one vendor's adapter to the rest of the bot."""
