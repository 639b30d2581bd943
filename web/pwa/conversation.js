// One person's open conversation: composer, keys, outbox, event stream and log working together.

import { send } from "./api.js";
import { wireHalt } from "./halt.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { EventStream } from "./stream.js";
import { Timeline } from "./timeline.js";

const COPIED_MS = 2_000;
const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const byId = (id) => document.getElementById(id);
const log = new Log({
  scroller: byId("log"),
  list: byId("entries"),
  empty: byId("log-empty"),
  toNewest: byId("to-newest"),
});

function announce(text) {
  byId("announcer").textContent = text;
}

function showConnection(state, lastContact) {
  const since = lastContact ? ` · last contact ${clockTime.format(lastContact)}` : "";
  const connecting = lastContact ? `Reconnecting${since}` : "Connecting…";
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = { live: "Live", reconnecting: connecting, offline: `Offline${since}` }[state];
}

/** The clipboard API exists on https and localhost only; a first try is often plain http: select and copy then. */
async function copy(text, shownIn) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection().selectAllChildren(shownIn);
  if (!document.execCommand("copy")) throw new Error("The browser did not copy the receipt.");
}

export class Conversation {
  #timeline = new Timeline();
  #outbox;
  #stream;
  #listeners = new AbortController();
  #emptyText = "Loading the conversation…";

  /** `onSignedOut(unsent)` is called once, with the number of messages kept for later, when the session is over. */
  constructor(person, onSignedOut) {
    const ended = () => this.#listeners.signal.aborted || onSignedOut(this.#outbox.messages.length);
    this.#outbox = new Outbox(person.id, {
      send,
      onChange: () => this.#draw(),
      onAnswered: (message, reply) => this.#answered(message, reply),
      onSignedOut: ended,
    });
    this.#stream = new EventStream({
      onHistory: (entries) => this.#arrive(entries),
      onEntry: (entry) => this.#learn(entry),
      onState: (state, lastContact) => this.#connection(state, lastContact),
      onSignedOut: ended,
    });
  }

  start() {
    log.clear();
    this.#wire();
    this.#draw();
    this.#stream.start();
    this.#outbox.flush();
    if (matchMedia("(hover: hover) and (pointer: fine)").matches) byId("message").focus();
  }

  /** Stop; unsent messages stay stored for this person. */
  close() {
    this.#listeners.abort();
    this.#stream.stop();
    this.#outbox.close();
    log.clear();
  }

  /** Forget this person's unsent messages as well, for signing out on purpose. */
  erase() {
    this.#outbox.erase();
  }

  #wire() {
    const { signal } = this.#listeners;
    byId("composer").addEventListener("submit", (event) => this.#submit(event), { signal });
    byId("message").addEventListener("input", () => this.#allowSend(), { signal });
    byId("chat").addEventListener("click", (event) => this.#tap(event), { signal });
    const halt = { row: byId("quick"), button: byId("halt"), label: byId("halt-label") };
    wireHalt({ ...halt, onHalt: () => this.#say("halt"), announce, signal });
    this.#allowSend();
  }

  #allowSend() {
    byId("send").disabled = byId("message").value.trim() === "";
  }

  #submit(event) {
    event.preventDefault();
    const text = byId("message").value.trim();
    if (text === "") return;
    byId("message").value = "";
    this.#allowSend();
    this.#say(text);
  }

  #say(text) {
    this.#outbox.add(text);
    log.follow();
  }

  /** Keys fill the composer and send; what was being typed is there again afterwards. */
  #press(command) {
    const draft = byId("message").value;
    byId("message").value = command;
    byId("composer").requestSubmit();
    byId("message").value = draft;
    this.#allowSend();
  }

  #tap(event) {
    const button = event.target.closest("button");
    if (button?.dataset.command) this.#press(button.dataset.command);
    else if (button?.dataset.action) this.#settle(button.dataset.action, button.dataset.nonce);
    else if (button?.dataset.receipt) this.#copyReceipt(button);
  }

  #settle(action, nonce) {
    const { text } = this.#outbox.messages.find((message) => message.nonce === nonce);
    if (action === "retry") return this.#outbox.flush();
    this.#outbox.discard(nonce);
    if (action === "renew") this.#say(text);
    if (action === "edit") {
      byId("message").value = text;
      byId("message").focus();
      this.#allowSend();
    }
  }

  async #copyReceipt(button) {
    await copy(button.dataset.receipt, button.querySelector("code"));
    announce("Receipt copied.");
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, COPIED_MS);
  }

  #answered(message, reply) {
    this.#timeline.answer(message, reply);
    this.#draw();
  }

  #arrive(entries) {
    this.#timeline.replace(entries);
    this.#emptyText = "Nothing has been said yet. Send “menu” to see what you can do here.";
    this.#draw();
    log.follow();
    // Only what comes from now on is read out, not the whole history.
    requestAnimationFrame(() => byId("log").setAttribute("aria-busy", "false"));
  }

  #learn(entry) {
    this.#timeline.add(entry);
    this.#draw();
  }

  #connection(state, lastContact) {
    showConnection(state, lastContact);
    if (state === "live") this.#outbox.flush();
  }

  #draw() {
    if (this.#listeners.signal.aborted) return;
    const { messages, persistent } = this.#outbox;
    log.draw(this.#timeline.rows(messages), { persistent, emptyText: this.#emptyText });
  }
}
