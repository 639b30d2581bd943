"""Where providers post to us: one file per provider, each proving who posts before anything is read."""
