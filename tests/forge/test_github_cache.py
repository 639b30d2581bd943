"""The cache of answers: bounded in bytes, the unused go first, and tokens do not share."""

from forge.github_cache import AnswerCache, Kept


def kept(size: int) -> Kept:
    return Kept("e", None, b"x" * (size - 513))


def test_what_is_kept_is_found_by_token_and_address() -> None:
    cache = AnswerCache(10_000)
    cache.put("a", "/1", kept(1000))
    assert cache.get("a", "/1") == kept(1000)
    assert (cache.get("b", "/1"), cache.get("a", "/2")) == (None, None)


def test_the_longest_unused_goes_when_there_is_no_room() -> None:
    cache = AnswerCache(3000)
    for url in "123":
        cache.put("a", url, kept(1000))
    cache.get("a", "1")
    cache.put("a", "4", kept(1000))
    assert [url for url in "1234" if cache.get("a", url)] == ["1", "3", "4"]
    assert cache.size_bytes == 3000


def test_a_newer_answer_takes_the_place_of_the_older() -> None:
    cache = AnswerCache(4000)
    for size in (1000, 2000, 1500):
        cache.put("a", "1", kept(size))
    assert (cache.size_bytes, cache.get("a", "1")) == (1500, kept(1500))


def test_an_answer_that_would_drive_out_most_others_is_not_kept() -> None:
    cache = AnswerCache(4000)
    cache.put("a", "1", kept(1000))
    cache.put("a", "1", kept(2001))
    assert (cache.size_bytes, cache.get("a", "1")) == (0, None)
