"""`python -m bot`: the same command line as `reins`, from a fresh checkout."""

import sys

from bot.cli import main

if __name__ == "__main__":
    sys.exit(main())
