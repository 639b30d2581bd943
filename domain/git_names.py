"""How repositories and commits are written: the grammar that every check shares, and the short form for people."""

# Both are for `fullmatch`; pydantic takes them between ^ and $.
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}"  # owner/name, as GitHub lets them be
COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"  # a whole SHA-1 or SHA-256: a shortened one may name another commit tomorrow
SHORT_CHARACTERS = 12  # enough to tell apart what a person will ever see side by side


def short(sha: str) -> str:
    """Return the beginning of a commit's, file's or digest's id, for people to compare."""
    return sha[:SHORT_CHARACTERS]
