"""Work that goes on by itself: read what a run left behind, judge it, report it."""
