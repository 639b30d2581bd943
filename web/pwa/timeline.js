// Puts what Reins sent and what this device wrote into one order, each thing once.

const KEPT_ENTRIES = 500; // a page left open for weeks stays light; the whole record is the audit log
const CLOCK_LEEWAY_MS = 300_000; // how far this device's clock may be off when nothing else tells what is newer
const DECIMAL = /^\d+$/;

/** Order entries as the bot numbered them; by time where a number is missing. */
export function compareEntries(left, right) {
  if (DECIMAL.test(left.id) && DECIMAL.test(right.id)) return Number(left.id) - Number(right.id);
  return left.at < right.at ? -1 : Number(left.at > right.at);
}

const squeezed = (text) => text.trim().replace(/\s+/g, " ").toLowerCase();

/** The conversation. An entry is what the server sends; a message is one of this device, answered or not. */
export class Timeline {
  #entries = new Map();
  #answered = [];
  #keys = new Map();

  /** Start over with what the server has. */
  replace(entries) {
    this.#entries.clear();
    entries.forEach((entry) => this.add(entry));
  }

  /** Merge one entry by its id. */
  add(entry) {
    this.#entries.set(String(entry.id), { ...entry, id: String(entry.id) });
  }

  /** Remember that a message was answered, until its own entry arrives on the event stream. */
  answer(message, reply) {
    this.#answered.push({ ...message, state: "sent", replyId: reply === null ? null : String(reply.id) });
    if (reply !== null) this.add(reply);
  }

  /** What is the newest thing known now: whatever a message causes must be newer. */
  mark() {
    const newest = this.#sorted().at(-1);
    if (newest) return { id: newest.id, at: newest.at };
    return { id: "", at: new Date(Date.now() - CLOCK_LEEWAY_MS).toISOString() };
  }

  /** The rows to show, oldest first: `{key, entry}` or `{key, message}`. Unanswered messages stand at the end. */
  rows(unanswered) {
    const entries = this.#sorted();
    const messages = [...this.#answered, ...unanswered].sort((left, right) => left.createdAt - right.createdAt);
    const owners = this.#owners(entries, messages);
    const placed = new Set(owners.values());
    const rows = [];
    for (const entry of entries) {
      for (const message of messages.filter((each) => !placed.has(each) && each.replyId === entry.id)) {
        placed.add(message);
        rows.push({ key: message.nonce, message });
      }
      rows.push(this.#row(entry, owners.get(entry.id)));
    }
    const loose = messages.filter((message) => !placed.has(message));
    return [...rows, ...loose.map((message) => ({ key: message.nonce, message }))];
  }

  #sorted() {
    const sorted = [...this.#entries.values()].sort(compareEntries);
    sorted.slice(0, -KEPT_ENTRIES).forEach((entry) => this.#entries.delete(entry.id));
    return sorted.slice(-KEPT_ENTRIES);
  }

  /** An answered message becomes its entry and keeps its key, so that it is neither drawn nor read out twice. */
  #row(entry, message) {
    if (message && message.state !== "sent") return { key: message.nonce, message };
    if (message) {
      this.#keys.set(entry.id, message.nonce);
      this.#answered = this.#answered.filter((each) => each.nonce !== message.nonce);
    }
    return { key: this.#keys.get(entry.id) ?? entry.id, entry };
  }

  /** Map(entry id -> message): a message's own entry is newer than its mark, nobody else's, and has the same text. */
  #owners(entries, messages) {
    const owners = new Map();
    const mine = entries.filter((entry) => entry.from === "me" && !this.#keys.has(entry.id));
    for (const message of messages) {
      const open = mine.filter((entry) => !owners.has(entry.id) && compareEntries(entry, message.mark) > 0);
      const own = open.find((entry) => squeezed(entry.text) === squeezed(message.text)) ?? this.#before(message, open);
      if (own) owners.set(own.id, message);
    }
    return owners;
  }

  /** A bot that masks a code in the text still numbers the message right before its reply. */
  #before(message, open) {
    const reply = this.#entries.get(message.replyId);
    return reply && open.findLast((entry) => compareEntries(entry, reply) < 0);
  }
}
