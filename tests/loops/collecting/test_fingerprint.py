"""A finding's name survives another wording of spaces, case and punctuation, and nothing else."""

from loops.collecting.fingerprint import FINGERPRINT, of_mark, of_text
from tests.fakes.coderabbit_texts import MARK


def test_a_mark_is_the_name() -> None:
    assert of_mark(MARK) == f"cr:{MARK}"
    assert FINGERPRINT.fullmatch(of_mark(MARK))


def test_writing_does_not_matter_and_words_and_places_do() -> None:
    name = of_text("text", "src/a.py", "quality", "Close the file.")
    assert FINGERPRINT.fullmatch(name)
    assert name == of_text("text", "src/a.py", "quality", "close  the *file*")
    others = {
        of_text("text", "src/b.py", "quality", "Close the file."),
        of_text("text", "src/a.py", "security", "Close the file."),
        of_text("text", "src/a.py", "quality", "Close the door."),
        of_text("lane", "src/a.py", "quality", "Close the file."),
        of_text("text", "src/a.py quality", "", "Close the file."),
    }
    assert name not in others
    assert len(others) == 5


def test_text_that_is_no_unicode_has_a_name_too() -> None:
    assert FINGERPRINT.fullmatch(of_text("text", "\ud800"))
