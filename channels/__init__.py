"""Ways people reach the bot and the bot reaches people: one file per vendor, one port."""
