// Follows the bot's event stream and says honestly whether that works.

import { Problem, Unreachable, messages } from "./api.js";

const HISTORY = 50; // entries shown on arrival
const PROBE_MS = 25_000; // a phone that changed networks can hold a dead connection for minutes
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/** The live connection. `hooks`: onHistory(entries), onEntry(entry), onState(state, since), onSignedOut(). */
export class EventStream {
  #hooks;
  #source = null;
  #cursor = null; // id of the last event seen
  #owed = null; // id the server had at the last probe
  #failures = 0;
  #attempt = 0;
  #retryTimer = null;
  #probeTimer = null;
  #lastContact = null;

  constructor(hooks) {
    this.#hooks = hooks;
  }

  start() {
    addEventListener("online", this.#reconnect);
    addEventListener("offline", this.check);
    document.addEventListener("visibilitychange", this.#wake);
    this.#probeTimer = setInterval(this.#wake, PROBE_MS);
    return this.#connect();
  }

  stop() {
    removeEventListener("online", this.#reconnect);
    removeEventListener("offline", this.check);
    document.removeEventListener("visibilitychange", this.#wake);
    clearInterval(this.#probeTimer);
    this.#attempt += 1;
    this.#close();
  }

  /** Find out now whether the connection still stands; connect again where it does not. */
  check = async () => {
    if (this.#source === null && this.#retryTimer === null) return; // already on the way
    if (this.#source?.readyState !== EventSource.OPEN) return this.#connect();
    const attempt = this.#attempt;
    try {
      const newest = (await messages(1)).last_event_id;
      if (attempt !== this.#attempt) return;
      this.#lastContact = new Date();
      const stalled = this.#owed !== null && Number(this.#cursor) < Number(this.#owed);
      this.#owed = newest;
      if (stalled || Number(newest) < Number(this.#cursor)) await this.#connect();
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error);
    }
  };

  #reconnect = () => this.#connect();

  #wake = () => {
    if (document.visibilityState === "visible") this.check();
  };

  async #connect() {
    const attempt = ++this.#attempt;
    this.#close();
    this.#tell("reconnecting");
    try {
      await this.#catchUp();
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error);
      return;
    }
    if (attempt === this.#attempt) this.#open();
  }

  #open() {
    const source = new EventSource(`/v1/events?after=${encodeURIComponent(this.#cursor)}`);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#failures = 0;
      this.#lastContact = new Date();
      this.#tell("live");
    });
    source.addEventListener("entry", (event) => {
      this.#lastContact = new Date();
      this.#hooks.onEntry(JSON.parse(event.data));
      if (event.lastEventId) this.#cursor = event.lastEventId; // a message comes without an id, its reply brings it
    });
    // The browser would retry by itself, but it hides why it failed and how long it waits.
    source.addEventListener("error", () => this.#failed());
  }

  /** Load what is there on arrival, and again if the server is behind us: then its records were replaced. */
  async #catchUp() {
    const page = await messages(this.#cursor === null ? HISTORY : 1);
    const newest = page.last_event_id ?? "0";
    if (this.#cursor === null) {
      this.#hooks.onHistory(page.entries);
      this.#cursor = newest;
    } else if (Number(newest) < Number(this.#cursor)) {
      this.#cursor = null;
      await this.#catchUp();
    }
  }

  #failed(error) {
    this.#close();
    if (error instanceof Problem && error.status === 401) return this.#hooks.onSignedOut();
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryTimer = setTimeout(this.#reconnect, ceiling * (0.5 + Math.random() / 2));
    this.#tell(navigator.onLine ? "reconnecting" : "offline");
    if (error && !(error instanceof Problem || error instanceof Unreachable)) throw error;
  }

  #close() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#owed = null;
    this.#source?.close();
    this.#source = null;
  }

  #tell(state) {
    this.#hooks.onState(state, this.#lastContact);
  }
}
