"""The parser takes any text, understands exactly one grammar, and never acts on a guess."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from commands.catalogue import CATALOGUE
from commands.parser import NotUnderstood, Parsed, index_by_verb, parse
from domain.messages import MAX_TEXT_CHARACTERS

VERBS = index_by_verb(CATALOGUE)
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
any_text = st.text(st.characters(exclude_categories=()), max_size=120)
# Most random text is nonsense at once; these are the shapes that get further.
nearly = st.builds(
    lambda verb, gap, rest: f"{verb}{gap}{rest}",
    st.sampled_from(
        [
            *VERBS,
            "/halt",
            "OK",
            "\N{FULLWIDTH LATIN CAPITAL LETTER R}\N{FULLWIDTH LATIN SMALL LETTER U}\N{FULLWIDTH LATIN SMALL LETTER N}",
        ]
    ),
    any_text,
    any_text,
)


def parsed(text: str) -> Parsed:
    result = parse(text, VERBS)
    assert isinstance(result, Parsed), result
    return result


def refused(text: str) -> NotUnderstood:
    result = parse(text, VERBS)
    assert isinstance(result, NotUnderstood), result
    return result


def first_word(text: str) -> str:
    """Return what stands in the verb's place after everything that the grammar forgives, written a second time."""
    folded = "".join(
        one
        for one in unicodedata.normalize("NFKC", text)
        if one.isspace() or unicodedata.category(one) not in INVISIBLE
    )
    words = folded.split()
    if len(words) == 1 and set(words[0]) != {"."}:
        words[0] = words[0].rstrip(".")
    return words[0].removeprefix("/").lower() if words else ""


@given(st.one_of(any_text, nearly))
@example("\ud800\udfff")
@example("\x00")
@example("halt\u202e")
@example("ﷺ" * MAX_TEXT_CHARACTERS)
@example("?")
@example(".")
@example("/")
def test_any_text_gives_an_answer_and_a_command_only_for_exactly_its_verb(text: str) -> None:
    result = parse(text, VERBS)
    if isinstance(result, Parsed):
        assert first_word(text) in {result.command.verb, result.command.short}
    else:
        assert result.problem


@given(st.integers(1, 200_000), st.sampled_from(["a", "\x00", " ", "\n", "ﷺ", "🙂", "\u200b", "."]))
def test_a_huge_text_is_refused(size: int, character: str) -> None:
    assert isinstance(parse(character * size, VERBS), NotUnderstood)


@given(st.sampled_from(sorted(VERBS)), st.integers(0, 9), st.sampled_from("aeiounrst0-"))
def test_a_verb_with_one_letter_changed_is_never_that_verb(verb: str, place: int, letter: str) -> None:
    typo = verb[:place] + letter + verb[place + 1 :]
    assume(typo not in VERBS)
    assert isinstance(parse(f"{typo} 3K", VERBS), NotUnderstood)


@pytest.mark.parametrize(
    "text",
    [
        "halt",
        "Halt",
        "HALT",
        " halt ",
        "\thalt\t",
        "halt.",
        "halt...",
        "/halt",
        "halt\n",
        "\n\nhalt\r\n",
        "\N{FULLWIDTH LATIN SMALL LETTER H}\N{FULLWIDTH LATIN SMALL LETTER A}\N{FULLWIDTH LATIN SMALL LETTER L}\N{FULLWIDTH LATIN SMALL LETTER T}",
        "/Halt. ",
    ],
)
def test_case_spaces_a_slash_a_full_stop_and_wide_letters_are_forgiven(text: str) -> None:
    assert parsed(text).command.verb == "halt"


@pytest.mark.parametrize(
    "text",
    [
        "halt!",
        "halt,",
        "//halt",
        "'halt'",
        "h a l t",
        "halt?",
        "haltt",
        "h\N{CYRILLIC SMALL LETTER A}lt",
        ".halt",
        "please halt",
    ],
)
def test_nothing_else_is_forgiven(text: str) -> None:
    assert refused(text).problem


@pytest.mark.parametrize(
    "text", ["ok 3K\nok 4M", "halt\nresume", "menu\u2028halt", "s\x0bs", "run mutation\r\nmain", "\u200b\nhalt"]
)
def test_two_lines_are_no_command(text: str) -> None:
    assert refused(text).problem == "send one command on one line"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "\u200b", "\ufeff "])
def test_an_empty_message_is_no_command(text: str) -> None:
    assert refused(text) == NotUnderstood("the message is empty")


def test_a_text_of_more_than_500_characters_is_refused_and_one_of_500_is_read() -> None:
    assert "500" in refused("no 3K " + "x" * 495).problem
    assert parsed("no 3K " + "x" * 494).command.verb == "no"


def test_an_unknown_verb_is_named_cleaned_and_cut_and_kept_for_suggestions() -> None:
    result = refused("st\u202eauts" + "x" * 40)
    assert result.problem == "there is no command stautsxxxxxxxxxxxxx…"
    assert result.verb == "stauts" + "x" * 14
    assert result.command is None


def test_the_value_of_an_option_may_hold_colons_slashes_and_equal_signs() -> None:
    options = parsed("run deploy image=ghcr.io/acme/api:v1.2 ref=https://x.test/a?b=c").arguments.options
    assert options == {"image": "ghcr.io/acme/api:v1.2", "ref": "https://x.test/a?b=c"}


def test_options_and_positions_may_stand_in_any_order() -> None:
    arguments = parsed("run size=2 deploy image=a main").arguments
    assert arguments.values == {"action": "deploy", "ref": "main"}
    assert arguments.options == {"size": "2", "image": "a"}


def test_an_unknown_option_is_kept_for_the_gate_to_refuse() -> None:
    assert parsed("run mutation reff=main").arguments.options == {"reff": "main"}


@pytest.mark.parametrize(
    "text", ["run mutation --reff main", "run mutation --ref=main", "run mutation -f", "run -x", "menu --all"]
)
def test_an_option_written_with_dashes_is_refused(text: str) -> None:
    assert "usage" in refused(text).problem.lower()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("run mutation a=1 a=2", "a stands twice"),
        ("run mutation a=", "a has no value"),
        ("run mutation =1", " is no name for an option"),
        ("run mutation A=1", "A is no name for an option"),
        ("run mutation ä=1", "ä is no name for an option"),
        (f"run mutation {'a' * 33}=1", "aaaaaaaaaaaaaaaaaaa… is no name for an option"),
        ("run mutation main extra", "run takes nothing more: extra"),
        ("run", "run needs its action"),
        ("run a=1", "run needs its action"),
        ("status now", "status takes nothing more: now"),
        ("status a=1", "status takes nothing more: a=1"),
        ("why", "why needs its id"),
        ("ok", "ok needs its id"),
        (f"run {'a' * 201}", "action is too long"),
    ],
)
def test_what_does_not_fit_a_command_is_named_with_its_usage(text: str, problem: str) -> None:
    result = refused(text)
    assert result.problem.startswith(problem)
    assert result.command is not None
    assert result.problem.endswith(f"Usage: {result.command.usage}")
    assert result.verb == result.command.verb


def test_quotes_group_nothing() -> None:
    assert parsed('run deploy image="a b"').arguments.values == {"action": "deploy", "ref": 'b"'}
    assert refused("menu 'a b'").problem.startswith("menu takes nothing more: b'")


@pytest.mark.parametrize("typed", ["1", "5", "20", "007"])
def test_a_count_in_its_range_is_read(typed: str) -> None:
    assert parsed(f"last {typed}").arguments.count("n", 3) == int(typed)


def test_a_count_that_was_left_out_has_its_default() -> None:
    assert parsed("last").arguments.count("n", 3) == 3


@pytest.mark.parametrize(
    "typed", ["0", "21", "-1", "+5", "5.5", "five", "1e1", "99999", "\N{ARABIC-INDIC DIGIT FIVE}", "0x5"]
)
def test_a_count_out_of_range_is_refused(typed: str) -> None:
    assert refused(f"last {typed}").problem.startswith("n must be a number from 1 to 20")


@pytest.mark.parametrize(
    ("typed", "handle"),
    [
        ("3K", "3K"),
        ("3k", "3K"),
        ("oI", "01"),
        ("l0z", "10Z"),
        ("\N{FULLWIDTH DIGIT THREE}\N{FULLWIDTH LATIN CAPITAL LETTER K}", "3K"),
        ("3k.", "3K"),
    ],
)
def test_an_id_is_read_with_what_people_misread_put_right(typed: str, handle: str) -> None:
    assert parsed(f"ok {typed}").arguments.values == {"id": handle}


@pytest.mark.parametrize("typed", ["3", "3KXY", "3U", "3-", "ß", "ŉ", "3K!", "#3K", "💥💥"])
def test_what_is_no_id_is_refused(typed: str) -> None:
    assert "is no id of two or three characters" in refused(f"ok {typed}").problem


def test_a_note_takes_the_rest_of_the_line_cleaned_and_cut() -> None:
    arguments = parsed("no 3K not\ttoday, a=b -- later " + "x" * 300).arguments
    assert arguments.values["note"].startswith("not today, a=b -- later x")
    assert len(arguments.values["note"]) == 200


def test_an_option_may_be_named_as_workflows_name_their_inputs() -> None:
    assert parsed("run triage pr_number=7").arguments.options == {"pr_number": "7"}
