-- What the channels need: buttons, cards, codes, receipts, preferences, held notices, and an outbox that knows its channels.

-- A CHECK cannot be changed in place, so the table is built anew; every row keeps its number.
CREATE TABLE outbox_rebuilt (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL CHECK (kind IN ('dispatch', 'cancel', 'deliver', 'link')),
    body        BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'expired', 'dead', 'ambiguous')),
    made_at     TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    epoch       INTEGER NOT NULL DEFAULT 0,
    leased_until TEXT,
    settled_at  TEXT,
    error       TEXT,
    channel     TEXT,
    urgent      INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1)),
    provider_id TEXT,
    fallbacks   INTEGER NOT NULL DEFAULT 0 CHECK (fallbacks IN (0, 1)),
    fanned_at   TEXT
) STRICT;
INSERT INTO outbox_rebuilt
    (id, key, kind, body, state, made_at, due_at, expires_at, tries, owner, epoch, leased_until, settled_at, error)
    SELECT id, key, kind, body, state, made_at, due_at, expires_at, tries, owner, epoch, leased_until, settled_at, error
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_rebuilt RENAME TO outbox;
-- A damaged body keeps no channel; it is set aside when it is leased.
UPDATE outbox SET channel = CASE WHEN json_valid(CAST(body AS TEXT)) THEN
        substr(json_extract(CAST(body AS TEXT), '$.to'), 1, instr(json_extract(CAST(body AS TEXT), '$.to'), ':') - 1)
    END WHERE kind = 'deliver';
-- Only unsettled rows stand in these, and the first holds all that choosing the next rows needs.
CREATE INDEX outbox_due ON outbox (urgent DESC, due_at, id, leased_until, channel, state)
    WHERE state IN ('pending', 'sending', 'ambiguous');
CREATE INDEX outbox_by_provider ON outbox (provider_id)
    WHERE provider_id IS NOT NULL AND state IN ('pending', 'sending', 'ambiguous');
CREATE INDEX outbox_to_fan_out ON outbox (made_at)
    WHERE fallbacks = 1 AND fanned_at IS NULL AND state IN ('pending', 'sending', 'ambiguous');

CREATE TABLE handles_rebuilt (
    number      INTEGER PRIMARY KEY,
    handle      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('run', 'approval', 'decision', 'confirmation', 'answer')),
    target      TEXT NOT NULL,
    made_at     TEXT NOT NULL
) STRICT;
INSERT INTO handles_rebuilt (number, handle, kind, target, made_at)
    SELECT number, handle, kind, target, made_at FROM handles;
DROP TABLE handles;
ALTER TABLE handles_rebuilt RENAME TO handles;
CREATE INDEX handles_by_handle ON handles (handle, number);

ALTER TABLE approvals ADD COLUMN match_number TEXT;
ALTER TABLE approvals ADD COLUMN reminded_at TEXT;
CREATE TABLE wrong_numbers (
    approval    TEXT NOT NULL REFERENCES approvals (id),
    person      TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (approval, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX nonces_unspent ON nonces (purpose, person, expires_at) WHERE spent_at IS NULL;

CREATE TABLE buttons (
    hash        TEXT PRIMARY KEY,
    address     TEXT NOT NULL,
    person      TEXT,
    subject     TEXT,
    command     TEXT NOT NULL,
    digest      TEXT,
    message_id  TEXT,
    made_at     TEXT NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX buttons_by_subject ON buttons (subject) WHERE subject IS NOT NULL;
CREATE TABLE presses (
    hash        TEXT NOT NULL REFERENCES buttons (hash),
    person      TEXT NOT NULL,
    message     INTEGER NOT NULL REFERENCES inbox (seq),
    at          TEXT NOT NULL,
    PRIMARY KEY (hash, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
    subject     TEXT NOT NULL,
    address     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (subject, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE confirmations (
    id              TEXT PRIMARY KEY,
    handle          TEXT NOT NULL,
    person          TEXT NOT NULL,
    address         TEXT NOT NULL,
    text            TEXT NOT NULL,
    made_at         TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    code_hash       TEXT,
    code_expires_at TEXT,
    consumed_at     TEXT,
    consumed_by     INTEGER REFERENCES inbox (seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE wrong_codes (
    number      INTEGER PRIMARY KEY,
    address     TEXT NOT NULL,
    at          TEXT NOT NULL
) STRICT;
CREATE INDEX wrong_codes_by_address ON wrong_codes (address, at);

CREATE TABLE authenticators (
    person      TEXT PRIMARY KEY,
    secret      TEXT NOT NULL,
    made_at     TEXT NOT NULL,
    last_step   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    channel     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    rank        INTEGER NOT NULL,
    status      TEXT NOT NULL,
    error       TEXT,
    at          TEXT NOT NULL,
    PRIMARY KEY (channel, provider_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
    person      TEXT NOT NULL,
    loop        TEXT NOT NULL,
    level       TEXT NOT NULL CHECK (level IN ('all', 'finals', 'failures')),
    PRIMARY KEY (person, loop)
) STRICT, WITHOUT ROWID;
CREATE TABLE mutes (
    person      TEXT NOT NULL,
    loop        TEXT NOT NULL,
    until       TEXT NOT NULL,
    PRIMARY KEY (person, loop)
) STRICT, WITHOUT ROWID;
CREATE TABLE quiet_hours (
    person      TEXT PRIMARY KEY,
    from_minute INTEGER NOT NULL,
    to_minute   INTEGER NOT NULL,
    zone        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL,
    address     TEXT NOT NULL,
    person      TEXT NOT NULL,
    body        BLOB NOT NULL,
    made_at     TEXT NOT NULL,
    until       TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    UNIQUE (key, address)
) STRICT;
CREATE INDEX held_until ON held (until);

CREATE TABLE cursors (
    name        TEXT PRIMARY KEY,
    position    TEXT NOT NULL,
    at          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE opt_outs (
    address     TEXT PRIMARY KEY,
    at          TEXT NOT NULL,
    why         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every measurement there was; `snapshots` keeps the newest alone.
CREATE TABLE measurements (
    name        TEXT NOT NULL,
    taken_at    TEXT NOT NULL,
    body        BLOB NOT NULL,
    PRIMARY KEY (name, taken_at)
) STRICT, WITHOUT ROWID;
INSERT INTO measurements (name, taken_at, body) SELECT name, taken_at, body FROM snapshots WHERE name = 'mutation';
