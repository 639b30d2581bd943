"""An input that becomes shell code is found however it is written, and ordinary workflows are let through."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge.workflow_lint import dangers, shows_correlation, takes_correlation
from forge.workflow_text import UnreadableWorkflow, read_texts

HEAD = """name: ci
run-name: "ci [${{ inputs.request_id }}]"
on:
  workflow_dispatch:
    inputs:
      request_id: {type: string}
      target:
        type: string
jobs:
  build:
    runs-on: ubuntu-latest
"""
STEPS = HEAD + "    steps:\n"

UNSAFE = [
    STEPS + "      - run: echo ${{ inputs.target }}\n",
    STEPS + "      - run: echo ${{inputs.target}}\n",
    STEPS + "      - run: |\n          echo ok\n          echo ${{ inputs.target }}\n",
    STEPS + "      - run: >-\n          echo\n          ${{ inputs.target }}\n",
    STEPS + "      - run: |2-\n            echo ${{ inputs.target }}\n",
    STEPS + "      - name: say\n        run: echo ${{ inputs.target }}\n",
    STEPS + "      -\n        name: say\n        run: echo ${{ inputs.target }}\n",
    STEPS + "      - run: echo a\n          ${{ inputs.target }}\n",
    STEPS + "      - run: 'echo ${{ inputs.target }}'\n",
    STEPS + '      - run: "echo ${{ inputs.target }}"\n',
    STEPS + '      - run: "echo\n          ${{ inputs.target }}"\n',
    STEPS + '      - "run": echo ${{ inputs.target }}\n',
    STEPS + "      - 'run' : echo ${{ inputs.target }}\n",
    STEPS + "      - {run: 'echo ${{ inputs.target }}'}\n",
    STEPS + "      - {name: say,\n         run: 'echo ${{ inputs.target }}'}\n",
    STEPS + "      - run: echo ${{ github.event.inputs.target }}\n",
    STEPS + "      - run: echo ${{ github['event']['inputs']['target'] }}\n",
    STEPS + "      - run: echo ${{ inputs['target'] }}\n",
    STEPS + "      - run: echo ${{ INPUTS.target }}\n",
    STEPS + "      - run: echo '${{ toJSON(inputs) }}'\n",
    STEPS + "      - run: echo '${{ toJSON(github.event) }}'\n",
    STEPS + "      - run: echo '${{ toJSON(github) }}'\n",
    STEPS + "      - run: echo ${{ format('{0}', inputs.target) }}\n",
    STEPS + "      - run: echo ${{ github.ref }} ${{ inputs.target || 'all' }}\n",
    STEPS + "      - run: |\n          # ${{ inputs.target }}\n          echo ok\n",
    STEPS + "      - run: echo ${{\n            inputs.target }}\n",
    STEPS + "      - run: !!str echo ${{ inputs.target }}\n",
    STEPS + "      - run: &say |\n          echo ${{ inputs.target }}\n",
    STEPS + "      - name: &say echo ${{ inputs.target }}\n        run: *say\n",
    STEPS + "      - {name: &say 'echo ${{ inputs.target }}', run: *say}\n",
    STEPS
    + "      - uses: actions/github-script@v8\n        with:\n          script: core.info('${{ inputs.target }}')\n",
    STEPS + "      - run: echo hi\n        shell: ${{ inputs.target }}\n",
    HEAD + "    env:\n      TARGET: ${{ inputs.target }}\n    steps:\n      - run: echo ${{ env.TARGET }}\n",
    HEAD
    + "    env:\n      A: ${{ inputs.target }}\n      B: x${{ env.A }}\n    steps:\n      - run: echo ${{ env['B'] }}\n",
    HEAD + "    env:\n      A: ${{ inputs.target }}\n    steps:\n      - run: echo '${{ toJSON(env) }}'\n",
    HEAD
    + "    outputs:\n      it: ${{ inputs.target }}\n    steps:\n      - run: echo ${{ needs.build.outputs.it }}\n",
    HEAD
    + "    strategy:\n      matrix:\n        where:\n          - ${{ inputs.target }}\n    steps:\n      - run: echo ${{ matrix.where }}\n",
    HEAD
    + "    strategy:\n      matrix: ${{ fromJSON(inputs.target) }}\n    steps:\n      - run: echo ${{ matrix.a }}\n",
    HEAD
    + "    strategy:\n      matrix:\n        include: ${{ fromJSON(inputs.target) }}\n    steps:\n      - run: echo ${{ matrix.a }}\n",
    (STEPS + "      - run: |\n          echo ${{ inputs.target }}\n").replace("\n", "\r\n"),
]

READ_BY_THE_SHELL = '        env:\n          TARGET: ${{ inputs.target }}\n        run: echo "$TARGET"\n'
SAFE = [
    STEPS + "      - name: say\n" + READ_BY_THE_SHELL,
    STEPS + '      - env: \n          TARGET: "${{ inputs.target }}"\n        run: |\n          echo "$TARGET"\n',
    HEAD + '    env:\n      TARGET: ${{ inputs.target }}\n    steps:\n      - run: echo "$TARGET"\n',
    HEAD
    + "    env:\n      TARGET: ${{ inputs.target }}\n      OTHER: x\n    steps:\n      - run: echo ${{ env.OTHER }}\n",
    HEAD + "    env: {OTHER: x}\n    steps:\n      - run: echo ${{ env.OTHER }}\n",
    STEPS + "      - run: make test\n",
    STEPS + "      - run: echo ${{ github.ref }} ${{ github.sha }}\n",
    STEPS + "      - run: echo ${{ github.event.number }}\n",
    STEPS + "      - run: echo ${{ github['event']['number'] }} ${{ github.event_name }}\n",
    STEPS + "      - run: echo ${{ runner.os }} ${{ secrets.KEY }}\n",
    STEPS + "      # - run: echo ${{ inputs.target }}\n      - run: make\n",
    STEPS + "      - run: make # ${{ inputs.target }}\n",
    STEPS + "      - run: echo inputs.target\n",
    STEPS + "      - run: echo '{inputs}' $inputs\n",
    STEPS + "      - if: ${{ inputs.target == 'all' }}\n        run: make all\n",
    STEPS + "      - if: inputs.target == 'all'\n        run: make all\n",
    STEPS + "      - name: build ${{ inputs.target }}\n        run: make\n",
    STEPS
    + "      - uses: actions/checkout@v6\n        with:\n          ref: ${{ inputs.target }}\n      - run: make\n",
    STEPS + "      - uses: some/action@v1\n        with: {depth: 2, tags: [a, b]}\n",
    STEPS
    + "      - run: |\n          cat <<EOF\n          key: value\n          - item\n          EOF\n      - run: make\n",
    STEPS + "      - run: |\n          echo one\n\n          echo two\n\n\n      - run: make\n",
    STEPS + "      - run: echo 'it''s' # done\n",
    STEPS + '      - run: "printf \\"%s\\\\n\\" x"\n',
    STEPS + "      - run: >\n          make\n          test\n        shell: bash\n",
    STEPS + "      - run: ./go --flag={a,b} --list [x]\n        working-directory: ${{ inputs.target }}\n",
    STEPS + "      - run: *\n".replace("*", "make -j$(nproc) 'a*b' && echo *"),
    HEAD + "    defaults:\n      run: {shell: bash}\n    steps:\n    - run: make\n    - name: last\n      run: make\n",
    HEAD
    + "    strategy:\n      matrix:\n        python: ['3.11', '3.14']\n    steps:\n      - run: echo ${{ matrix.python }}\n",
    HEAD + "    concurrency:\n      group: ci-${{ inputs.target }}\n    steps:\n      - run: make\n",
    HEAD + "    uses: ./.github/workflows/other.yml\n    with:\n      target: ${{ inputs.target }}\n",
    HEAD
    + "    steps: &steps\n      - &checkout\n        uses: actions/checkout@v6\n      - run: make\n  again:\n    steps: *steps\n",
    "---\n" + STEPS + "      - run: make\n",
    STEPS.replace("\n", "\r\n") + "      - run: make\r\n",
    STEPS + "      - run: " + "x" * 5000 + "\n",
]

UNREADABLE = [
    STEPS + "\t- run: make\n",
    STEPS + '      - run: "echo \\x24{{ inputs.target }}"\n',
    STEPS + '      - "r\\u0075n": echo ${{ inputs.target }}\n',
    STEPS + "      - run: 'echo\n",
    STEPS + "      - run: make\u2028        run: echo ${{ inputs.target }}\n",
    STEPS + "      - ? run\n        : echo ${{ inputs.target }}\n",
    STEPS + "      - !!str run: echo ${{ inputs.target }}\n        env: 1\n",
    STEPS + "      - run: make\n---\njobs: 2\n",
    STEPS + "      - run: make\n       odd: 1\n",
    STEPS + "      - run: |x\n          make\n",
    STEPS + "      - run: @make\n",
    STEPS + "      - run: make\n          # comment\n          more\n",
    "- " * 60 + "x\n",
    "x" * (512 * 1024 + 1),
]


@pytest.mark.parametrize("content", UNSAFE)
def test_an_input_that_becomes_code_is_found(content: str) -> None:
    assert dangers(read_texts(content))


@pytest.mark.parametrize("content", SAFE)
def test_an_ordinary_workflow_is_let_through(content: str) -> None:
    assert dangers(read_texts(content)) == []


@pytest.mark.parametrize("content", UNREADABLE)
def test_what_is_not_read_surely_is_refused(content: str) -> None:
    with pytest.raises(UnreadableWorkflow, match=r"^line \d+: "):
        read_texts(content)


PIECES = [
    "run", "env", ":", ": ", " :", "-", "- ", "  ", "    ", "\n", "\n  ", "\r\n", "\t", "#", " #", "'", '"', "\\", "|", ">-", "&a ",
    "*a", "!!str ", "{", "}", "[", "]", "?", "<<", "${{", "}}", "inputs.x", "x", "---", "\ufeff", "\x85", "\xa0", "\0",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_text_crashes_the_reader(content: str) -> None:
    with suppress(UnreadableWorkflow):
        dangers(read_texts(content))


@pytest.mark.parametrize(
    "line", ["a" * 500_000, "a " * 250_000, "a" + " " * 500_000, "- " * 200_000, '"' + "x\n" * 200_000]
)
def test_a_hostile_text_is_read_in_linear_time(line: str) -> None:
    with suppress(UnreadableWorkflow):  # it would take hours otherwise, and the run would be ended from outside
        dangers(read_texts(line))


def test_there_are_samples_enough() -> None:
    assert min(len(set(UNSAFE)), len(set(SAFE))) >= 30


def test_a_danger_names_its_line_and_quotes_it_as_one_short_line() -> None:
    (danger,) = dangers(
        read_texts(STEPS + "      - run: make\n      - run: echo ${{ inputs.target ||\n            'a' }}\n")
    )
    assert (danger.line, danger.expression) == (14, "inputs.target || 'a'")


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ('"ci [${{ inputs.request_id }}]"', True),
        ("ci ${{ inputs.request_id && format('[{0}]', inputs.request_id) || '' }}", True),
        ("\"ci [${{ inputs['request_id'] }}]\"", True),
        ("ci ${{ inputs.request_id }}", False),
        ('"ci [${{ inputs.request_ids }}]"', False),
        ("ci [inputs.request_id]", False),
        ("ci", False),
    ],
)
def test_the_runs_name_must_show_the_correlation_id_in_brackets(name: str, shows: bool) -> None:
    assert shows_correlation(read_texts(f"name: x\nrun-name: {name}\n")) is shows


@pytest.mark.parametrize(
    ("content", "takes"),
    [
        (HEAD, True),
        (HEAD.replace("request_id: {type: string}", "request_id:"), True),
        (HEAD.replace("\non:", "\n'on':"), True),
        (HEAD.replace("      request_id: {type: string}\n", ""), False),
        ("on: workflow_dispatch\n", False),
        ("on:\n  workflow_call:\n    inputs:\n      request_id:\n", False),
    ],
)
def test_the_workflow_must_declare_the_correlation_input(content: str, takes: bool) -> None:
    assert takes_correlation(read_texts(content)) is takes
