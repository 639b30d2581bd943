"""Changes that somebody may make to an installed template: unsafe ones, with the linter that refuses each, and safe ones."""

from dataclasses import dataclass

from tests.federation.linters import FORM, INJECTIONS, OWN
from tests.federation.templates import content

BRIDGE, LOOP, TESTS = "reins-triage-bridge.yml", "reins-triage-loop.yml", "reins-mutation-tests.yml"
MUTATION_LOOP, FAILURES = "reins-mutation-loop.yml", "reins-failure-triage.yml"
CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"
DOWNLOAD = "actions/download-artifact@70fc10c6e5e1ce46ad2ea6f2b72d43f7d47b13c3 # v8.0.0"
INSTALL = "      - name: Install Reins\n        run: make -C .reins-tool install\n"
REQUEST = (
    "      request_id:\n        description: Shown in the run's name, so that whoever asked finds the run again\n"
    "        type: string\n        required: false\n"
)
RUNS_ON = "    runs-on: ubuntu-latest\n"


@dataclass(frozen=True, slots=True)
class Variant:
    """A template in which every `old` is replaced; `refused_by` is None for a change that is fine."""

    template: str
    old: str
    new: str
    refused_by: str | None = None

    def text(self) -> str:
        before = content(self.template)
        assert self.old in before, f"{self.template} has no {self.old!r} any more"
        return before.replace(self.old, self.new)


def step(template: str, lines: str, refused_by: str | None = None) -> Variant:
    """Put a step before the installation."""
    return Variant(template, INSTALL, lines + INSTALL, refused_by)


UNSAFE = {
    "an input in a script": Variant(LOOP, '"$PLAN$COMMIT"', '"${{ inputs.plan }}$COMMIT"', OWN),
    "an input in an output": Variant(LOOP, '"commit=$COMMIT"', '"commit=${{ inputs.commit }}"', OWN),
    "an input through env in a script": Variant(LOOP, '"$MODE" in', '"${{ env.MODE }}" in', OWN),
    "an input as the shell": Variant(LOOP, "    shell: bash", "    shell: ${{ inputs.mode }}", OWN),
    "all inputs in a script": step(LOOP, "      - name: Log\n        run: echo '${{ toJSON(inputs) }}'\n", OWN),
    "the whole event in a script": step(
        BRIDGE, "      - name: Log\n        run: echo '${{ toJSON(github.event) }}'\n", OWN
    ),
    "an input in github-script": step(
        LOOP,
        "      - name: Log\n        uses: actions/github-script@f28e40c7f34bde8b3046d885e986cb6290c5673b # v7.1.0\n"
        "        with:\n          script: core.info('${{ inputs.plan }}')\n",
        OWN,
    ),
    "the source branch in a script": Variant(
        LOOP, '--branch="$BRANCH"', '--branch="${{ github.event.workflow_run.head_branch }}"', INJECTIONS
    ),
    "the branch of a pull request in a script": Variant(
        BRIDGE, '--branch="$BRANCH"', '--branch="${{ github.event.pull_request.head.ref }}"', INJECTIONS
    ),
    "a title in a script": step(
        BRIDGE, "      - name: Log\n        run: echo '${{ github.event.pull_request.title }}'\n", INJECTIONS
    ),
    "no correlation input": Variant(LOOP, REQUEST, "", OWN),
    "no correlation in the name": Variant(LOOP, " [${{ inputs.request_id }}]", "", OWN),
    "correlation without brackets": Variant(FAILURES, "[${{ inputs.request_id }}]", "${{ inputs.request_id }}", OWN),
    "a checkout by tag": Variant(LOOP, CHECKOUT, "actions/checkout@v6", INJECTIONS),
    "an upload by tag": Variant(TESTS, UPLOAD, "actions/upload-artifact@v7", INJECTIONS),
    "a download by branch": Variant(BRIDGE, DOWNLOAD, "actions/download-artifact@main", INJECTIONS),
    "a foreign action by tag": step(LOOP, "      - name: Tool\n        uses: taiki-e/install-action@v2\n", INJECTIONS),
    "rights for all jobs": Variant(LOOP, "permissions: {}\n\n# One", "permissions: write-all\n\n# One", INJECTIONS),
    "rights that nobody stated": Variant(TESTS, "permissions: {}\n", "", INJECTIONS),
    "all rights for one job": Variant(FAILURES, "    permissions: {}\n", "    permissions: write-all\n", INJECTIONS),
    "a checkout that keeps its token": Variant(
        LOOP, "persist-credentials: false", "persist-credentials: true", INJECTIONS
    ),
    "a checkout that says nothing of its token": Variant(
        TESTS, "        with:\n          persist-credentials: false\n", "", INJECTIONS
    ),
    "forks' pull requests with our rights": Variant(
        BRIDGE, "  pull_request:\n", "  pull_request_target:\n", INJECTIONS
    ),
    "a dangerous trigger without its reason": Variant(
        LOOP,
        " # zizmor: ignore[dangerous-triggers] it only reads what the run left, and only of this repository's own code",
        "",
        INJECTIONS,
    ),
    "a secret outside the environment": Variant(LOOP, "    environment: reins-fix\n", "", INJECTIONS),
    "all secrets in one variable": Variant(
        LOOP, "          PLAN: ${{ inputs.plan }}\n", "          ALL: ${{ toJSON(secrets) }}\n", INJECTIONS
    ),
    "text from outside in GITHUB_ENV": step(
        LOOP, '      - name: Export\n        run: echo "X=$GITHUB_HEAD_REF" >> "$GITHUB_ENV"\n', INJECTIONS
    ),
    "trust in a bot's name": Variant(
        BRIDGE,
        "    if: github.event.pull_request == null ||",
        "    if: github.actor == 'dependabot[bot]' ||",
        INJECTIONS,
    ),
    "an image by tag": Variant(TESTS, RUNS_ON, RUNS_ON + "    container: rust:latest\n", INJECTIONS),
    "a password in the file": Variant(
        TESTS,
        RUNS_ON,
        RUNS_ON + "    container:\n      image: rust@sha256:" + "a" * 64 + "\n"
        "      credentials:\n        username: ann\n        password: hunter2\n",
        INJECTIONS,
    ),
    "commands of old": step(
        LOOP,
        "      - name: Old\n        env:\n          ACTIONS_ALLOW_UNSECURE_COMMANDS: true\n        run: make\n",
        INJECTIONS,
    ),
    "a machine of one's own": Variant(TESTS, "runs-on: ubuntu-latest", "runs-on: self-hosted", INJECTIONS),
    "a condition that is always true": Variant(
        LOOP,
        "    if: needs.decide.outputs.fix == 'true'\n",
        "    if: |\n      ${{ needs.decide.outputs.fix == 'true' }}\n",
        INJECTIONS,
    ),
    "a list that is searched as text": Variant(
        FAILURES,
        "    if: needs.decide.outputs.look == 'true'\n",
        "    if: contains('refs/heads/main refs/heads/develop', github.ref)\n",
        INJECTIONS,
    ),
    "two runs at a time": Variant(
        FAILURES,
        content(FAILURES)[content(FAILURES).index("concurrency:") : content(FAILURES).index("defaults:")],
        "",
        INJECTIONS,
    ),
    "a right with a typo": Variant(LOOP, "contents: write #", "content: write #", FORM),
    "a key with a typo": Variant(LOOP, "    environment: reins-fix\n", "    enviroment: reins-fix\n", FORM),
    "an output that is nobody's": Variant(LOOP, "needs.decide.outputs.fix ==", "needs.decide.outputs.fxi ==", FORM),
    "an input that is nobody's": Variant(LOOP, "${{ inputs.plan }}", "${{ inputs.plam }}", FORM),
    "a step that is nobody's": Variant(BRIDGE, "steps.earlier.outputs.run", "steps.earler.outputs.run", FORM),
    "a job that waits for nobody": Variant(
        LOOP, "needs: [decide, report, fix]", "needs: [decide, report, fixed]", FORM
    ),
    "a time that never comes": Variant(TESTS, '"0 3 * * *"', '"0 33 * * *"', FORM),
    "an event that never comes": Variant(BRIDGE, "  pull_request_review:\n", "  pull_request_reviewed:\n", FORM),
}

SAFE = {
    "other branches": Variant(BRIDGE, "[develop, main, master]", "[trunk, 'release/**']"),
    "quoted branches": Variant(BRIDGE, "[develop, main, master]", '\n      - "main"'),
    "fewer events": Variant(BRIDGE, "  pull_request_review_comment:\n    types: [created, edited]\n", ""),
    "more events": Variant(BRIDGE, "[opened, synchronize,", "[opened, labeled, synchronize,"),
    "a longer end": Variant(BRIDGE, "timeout-minutes: 20", "timeout-minutes: 40"),
    "another Python": Variant(LOOP, '"3.12"', '"3.13"'),
    "the newer checkout": Variant(LOOP, CHECKOUT, "actions/checkout@df4cb1c069e1874edd31b4311f1884172cec0e10 # v6.0.3"),
    "kept longer": Variant(LOOP, "retention-days: 21", "retention-days: 90"),
    "kept for the default time": Variant(TESTS, "          retention-days: 21\n", ""),
    "another machine": Variant(TESTS, "ubuntu-latest", "ubuntu-22.04"),
    "another night": Variant(TESTS, '"0 3 * * *"', '"17 1 * * 1-5"'),
    "two nights": Variant(TESTS, '    - cron: "0 3 * * *"\n', '    - cron: "0 3 * * 1"\n    - cron: "0 3 * * 4"\n'),
    "on pushes too": Variant(TESTS, "on:\n", "on:\n  push:\n    branches: [develop]\n"),
    "four shards": Variant(TESTS, "[0, 1, 2, 3, 4, 5, 6, 7]", "[0, 1, 2, 3]"),
    "a longer wait for a mutant": Variant(TESTS, "--timeout 180", "--timeout 600"),
    "another package": Variant(
        TESTS, 'cargo mutants --shard "$SHARD/8"', 'cargo mutants --package core --shard "$SHARD/8"'
    ),
    "a tool before the tests": Variant(
        TESTS,
        "      - name: Test the mutants\n",
        "      - name: Set up\n        run: make tools\n      - name: Test the mutants\n",
    ),
    "a variable for the tests": Variant(
        TESTS,
        "          SHARD: ${{ matrix.shard }}\n",
        "          RUST_BACKTRACE: full\n          SHARD: ${{ matrix.shard }}\n",
    ),
    "other workflows to watch": Variant(FAILURES, "[CI]", '["Build and test", Nightly]'),
    "more branches to watch": Variant(
        FAILURES,
        "vars.REINS_FAILURE_BRANCHES || github.event.repository.default_branch",
        "vars.REINS_FAILURE_BRANCHES || 'main,develop'",
    ),
    "another name": Variant(FAILURES, "name: Reins failure triage\n", "name: What failed\n"),
    "another name of the run": Variant(
        LOOP,
        "Reins triage loop [${{ inputs.request_id }}]",
        "Loop on ${{ github.ref_name }} [${{ inputs.request_id }}]",
    ),
    "the correlation or the event": Variant(
        LOOP, "[${{ inputs.request_id }}]", "[${{ inputs.request_id || github.event_name }}]"
    ),
    "one more input, read from env": Variant(
        LOOP,
        REQUEST,
        REQUEST
        + "      colour:\n        description: A colour\n        type: choice\n        options: [red, blue]\n        default: red\n",
    ),
    "a tracking issue": Variant(
        LOOP,
        "      pull-requests: write # the one comment; a tracking issue needs `issues: write` here instead\n",
        "      issues: write # the one comment, on the tracking issue\n",
    ),
    "a fixed number of fixes": Variant(
        MUTATION_LOOP, "${{ inputs.max_attempts || vars.REINS_MUTATION_MAX_ATTEMPTS || '3' }}", '"1"'
    ),
    "a shorter report": Variant(MUTATION_LOOP, "--deadline-seconds=1800", "--deadline-seconds=900"),
    "no fixing at all": Variant(
        MUTATION_LOOP,
        "    if: needs.decide.outputs.fix == 'true'\n",
        "    if: ${{ false && needs.decide.outputs.fix == 'true' }}\n",
    ),
    "a higher bar": Variant(MUTATION_LOOP, "|| '80' }}", "|| '92.5' }}"),
    "an address for the environment": Variant(
        LOOP,
        "    environment: reins-fix\n",
        "    environment:\n      name: reins-fix\n      url: ${{ github.server_url }}/${{ github.repository }}\n",
    ),
    "a log line": step(LOOP, '      - name: Log\n        run: echo "of $GITHUB_REPOSITORY"\n'),
    "a comment": Variant(BRIDGE, "jobs:\n", "# ${{ inputs.pr_number }} is a number\njobs:\n"),
}
