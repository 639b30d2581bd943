"""Cutting markdown: what is folded, quoted, fenced or hidden, and texts that mean harm."""

from hypothesis import given
from hypothesis import strategies as st

from loops.collecting.markdown import MAX_CHARACTERS, MAX_DEPTH, Fold, Mark, cut, without_code, without_tags


def folds(text: str) -> list[Fold]:
    return [part for part in cut(text).content if isinstance(part, Fold)]


def test_text_folds_and_marks_come_in_their_order() -> None:
    parts = cut(
        "one\n\n<details><summary>More <b>x</b></summary>\ntwo\n</details>\n<!-- cr-comment:v1:0a -->three"
    ).content
    fold = parts[1]
    assert isinstance(fold, Fold)
    assert (parts[0], fold.title, fold.content, *parts[2:]) == ("one", "More x", ["two"], Mark("0a"), "three")


def test_quote_marks_of_any_depth_are_taken_off() -> None:
    assert cut("> > a\n>b\n  > c\nd > e").content == ["a", "b", "c", "d > e"]


def test_code_is_left_out_and_a_tag_in_it_folds_nothing() -> None:
    text = "a\n```html\n<details>\n~~~\n``\n```\nb\n~~~~\nc\n~~~\n~~~~\n`<details>` d"
    assert cut(text).content == ["a", "b", "`<details>` d"]
    assert cut(text).whole


def test_a_fence_ends_only_at_one_of_its_own_kind_without_words() -> None:
    assert cut("````\n```\n```` x\n````\nout").content == ["out"]


def test_html_comments_are_left_out_over_several_lines_and_only_marks_are_kept() -> None:
    text = "a <!-- hidden <details>\n```\nstill hidden --> b\n<!-- other -->-->c"
    assert cut(text).content == ["a", "b", "c"]


def test_what_is_left_open_is_told() -> None:
    for text in ("<details>", "```", "<!-- x", "<summary>x"):
        assert not cut(text).whole
    assert cut("<details><summary>a</summary></details></details>").whole


def test_only_the_first_summary_of_a_fold_counts_and_an_open_one_ends_with_its_fold() -> None:
    (fold,) = folds("<details><summary>a</summary><summary>b</summary>c</details>")
    assert (fold.summary, fold.content) == ("a", ["c"])
    (unclosed,) = folds("<details>\n<summary>begun\n</details>\nafter")
    assert unclosed.summary == "begun"


def test_depth_and_length_are_bounded_and_told() -> None:
    deep = cut("<details><summary>s</summary>x<!-- cr-comment:v1:0a -->" * 100 + "</details>" * 100 + "after")
    depth, content = 0, deep.content
    assert content[-1] == "after"
    while content and isinstance(content[-1] if depth else content[0], Fold):
        fold = content[-1] if depth else content[0]
        assert isinstance(fold, Fold)
        depth, content = depth + 1, fold.content
    assert (depth, deep.whole) == (MAX_DEPTH, False)
    long = cut("a" * (MAX_CHARACTERS + 1))
    assert (long.content, long.whole) == (["a" * MAX_CHARACTERS], False)


def test_code_spans_pair_by_their_length() -> None:
    assert without_code("a `b` ``c ` d`` e ``` f") == "a " + " " * 3 + " " + " " * 9 + " e ``` f"
    assert without_code("``x`` `y") == "      `y"


def test_tags_are_taken_out_and_comparisons_stay() -> None:
    assert without_tags("<em>🟠 Major</em> · a < b > c") == "🟠 Major · a < b > c"


@given(st.text(alphabet="`<>~!-/details summary\n*_|", max_size=400))
def test_any_text_is_cut_without_an_exception(text: str) -> None:
    assert all(part for part in cut(text).content)


@given(st.text(alphabet="ab`", max_size=60))
def test_a_line_without_code_keeps_its_length(line: str) -> None:
    assert len(without_code(line)) == len(line)


def test_a_long_line_of_unpaired_marks_takes_no_longer_than_its_length_allows() -> None:
    line = " ".join("`" * (number % 300 + 1) for number in range(800))
    assert len(without_code(line)) == len(line)
    assert cut("<summary>" * 10_000 + "`" * 20_000).content == []
