// Puts what Reins sent and what this device wrote into one order, each thing once.

const KEPT_ENTRIES = 500; // a page left open for weeks stays light; the whole record is the audit log

/** A message and its answer bear one moment; the answer may arrive here first. */
const rank = (entry) => Number(entry.from !== "me");

/** Order entries by the bot's clock, a message before its answer; others of one moment in the order they came in. */
const byTime = (left, right) =>
  left.at === right.at ? rank(left) - rank(right) : left.at < right.at ? -1 : 1;

/** The bot names a message `m:<who>:<nonce>`: so it is known again, whatever became of its answer. */
const nonceOf = (entry) => entry.id.slice(entry.id.lastIndexOf(":") + 1);

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
    this.#entries.set(entry.id, entry);
  }

  /** Remember that a message was answered: it stands before its reply. */
  answer(message, reply) {
    this.#answered.push({ ...message, state: "sent", replyId: reply.id });
    this.add(reply);
  }

  /** The rows to show, oldest first: `{key, entry}` or `{key, message}`. Unanswered messages stand at the end. */
  rows(unanswered) {
    const entries = this.#sorted();
    const messages = [...this.#answered, ...unanswered].sort((left, right) => left.createdAt - right.createdAt);
    const own = new Map(messages.map((message) => [message.nonce, message]));
    const placed = new Set();
    const rows = [];
    for (const entry of entries) {
      const message = entry.from === "me" ? own.get(nonceOf(entry)) : undefined;
      const asked = messages.filter((each) => !placed.has(each) && each.replyId === entry.id);
      for (const each of asked) rows.push({ key: each.nonce, message: each });
      rows.push(this.#row(entry, message));
      [message, ...asked].forEach((each) => placed.add(each));
    }
    const loose = messages.filter((message) => !placed.has(message));
    return [...rows, ...loose.map((message) => ({ key: message.nonce, message }))];
  }

  #sorted() {
    const sorted = [...this.#entries.values()].sort(byTime);
    sorted.slice(0, -KEPT_ENTRIES).forEach((entry) => this.#entries.delete(entry.id));
    this.#answered = this.#answered.filter((message) => this.#entries.has(message.replyId));
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
}
