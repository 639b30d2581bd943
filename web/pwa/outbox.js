// Keeps every message until Reins has answered it, in the order it was written, over reloads and dead connections.

import { Problem, Unreachable } from "./api.js";

const RETRY_WINDOW_MS = 300_000; // Reins refuses a message whose timestamp is older
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 60_000;

const isHalt = (text) => text.toLowerCase() === "halt";

function freshNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Messages without an answer. Each is `{nonce, text, createdAt, tries, held, trouble, refusal}`: `trouble` is why the
 * last try failed, `refusal` what Reins said no with.
 */
export class Outbox {
  #prefix;
  #messages;
  #hooks;
  #underWay = new Set();
  #flushing = false;
  #timer = null;
  #closed = false;

  /**
   * `hooks`: send(message), onChange(), onAnswered(message, entry), onSignedOut().
   * One box per person: a shared phone must not send for another.
   */
  constructor(personId, hooks) {
    this.#prefix = `reins.outbox.${personId}.`;
    this.#hooks = hooks;
    this.#messages = this.#storedKeys().map((key) => JSON.parse(localStorage.getItem(key)));
    this.#messages.sort((left, right) => left.createdAt - right.createdAt);
    this.persistent = true;
    addEventListener("storage", this.#heedOtherTab);
  }

  /** Stop sending; what is unsent stays stored for the next time this person signs in. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("storage", this.#heedOtherTab);
  }

  /** Forget everything, for signing out on purpose. */
  erase() {
    this.close();
    this.#storedKeys().forEach((key) => localStorage.removeItem(key));
  }

  /** The messages in writing order, each with its `state`: sending, waiting, unsent, expired, held or refused. */
  get messages() {
    return this.#messages.map((message) => ({ ...message, state: this.#stateOf(message) }));
  }

  /** Take a message and send it. A halt goes at once, past everything, and holds back what was written before it. */
  add(text) {
    const untried = { tries: 0, held: false, trouble: null, refusal: null };
    const message = { nonce: freshNonce(), text, createdAt: Date.now(), ...untried };
    if (isHalt(text)) this.#holdAll();
    this.#messages = [...this.#messages, message];
    this.#store(message);
    this.#hooks.onChange();
    if (isHalt(text)) this.#deliver(message).finally(() => this.#plan());
    else this.flush();
  }

  /** Drop a message from this device. */
  discard(nonce) {
    this.#remove(nonce);
    this.#hooks.onChange();
  }

  /** Try everything that may still be tried, oldest first; stop when the connection is gone, so that order is kept. */
  async flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    const tried = new Set();
    try {
      for (let message = this.#next(tried); message; message = this.#next(tried)) {
        tried.add(message.nonce);
        if (!(await this.#deliver(message))) break;
      }
    } finally {
      this.#flushing = false;
      this.#plan();
    }
  }

  #next(tried) {
    if (this.#closed) return undefined;
    const due = this.#messages.filter((message) => !tried.has(message.nonce) && this.#mayTry(message));
    return due.find((message) => isHalt(message.text)) ?? due[0];
  }

  #mayTry(message) {
    return ["waiting", "unsent"].includes(this.#stateOf(message));
  }

  #stateOf(message) {
    if (this.#underWay.has(message.nonce)) return "sending";
    if (message.refusal !== null) return "refused";
    if (message.held) return "held";
    if (Date.now() - message.createdAt >= RETRY_WINDOW_MS) return "expired";
    return message.trouble === null ? "waiting" : "unsent";
  }

  /** Tell whether the connection held, whatever Reins said. */
  async #deliver(message) {
    this.#underWay.add(message.nonce);
    this.#hooks.onChange();
    try {
      const answer = await this.#hooks.send(message);
      this.#underWay.delete(message.nonce);
      this.#remove(message.nonce);
      this.#hooks.onAnswered(message, answer.entry);
      return true;
    } catch (error) {
      this.#underWay.delete(message.nonce);
      return this.#failed(message, error);
    }
  }

  #failed(message, error) {
    if (error instanceof Unreachable) {
      this.#amend(message.nonce, { tries: message.tries + 1, trouble: error.message });
      return false;
    }
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) {
      this.#hooks.onChange();
      this.#hooks.onSignedOut();
      return false;
    }
    if (error.status >= 500) this.#amend(message.nonce, { tries: message.tries + 1, trouble: error.sentence });
    else this.#amend(message.nonce, { refusal: error.sentence });
    return true;
  }

  #amend(nonce, change) {
    this.#messages = this.#messages.map((message) => (message.nonce === nonce ? { ...message, ...change } : message));
    this.#messages.filter((message) => message.nonce === nonce).forEach((message) => this.#store(message));
    this.#hooks.onChange();
  }

  #holdAll() {
    this.#messages.forEach((message) => this.#amend(message.nonce, { held: true }));
  }

  #remove(nonce) {
    this.#messages = this.#messages.filter((message) => message.nonce !== nonce);
    localStorage.removeItem(this.#prefix + nonce);
  }

  /** Every message has a key of its own, so that two tabs cannot overwrite each other's. */
  #store(message) {
    try {
      localStorage.setItem(this.#prefix + message.nonce, JSON.stringify(message));
      this.persistent = true;
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      this.persistent = false; // the page says so beside the message
    }
  }

  #storedKeys() {
    return Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
  }

  /** Another tab sends its own messages; here only count what it got rid of, and its halt. */
  #heedOtherTab = ({ key, newValue }) => {
    if (!key?.startsWith(this.#prefix)) return;
    if (newValue === null) this.discard(key.slice(this.#prefix.length));
    else if (isHalt(JSON.parse(newValue).text)) this.#holdAll();
  };

  /** Wake up for the next try or the next expiry, whichever comes first. */
  #plan() {
    clearTimeout(this.#timer);
    const open = this.#messages.filter((message) => this.#mayTry(message));
    if (this.#closed || open.length === 0) return;
    const retry = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(...open.map((message) => message.tries)));
    const expiry = Math.min(...open.map((message) => message.createdAt + RETRY_WINDOW_MS - Date.now()));
    this.#timer = setTimeout(() => {
      this.#hooks.onChange();
      this.flush();
    }, Math.max(0, Math.min(retry, expiry)));
  }
}
