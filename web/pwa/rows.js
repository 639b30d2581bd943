// Draws one row of the conversation: a message of the person, a reply or a notice.

const HANDLE = /^[0-9A-HJKMNP-TV-Z]{2,3}$/; // the short ids people type: Crockford base32, capital letters
const ICON_NAMESPACE = "http://www.w3.org/2000/svg";

const NOTICES = new Map([
  ["attempt-start", { look: "line", icon: "start", label: "Attempt started" }],
  ["attempt-done", { look: "line", icon: "done", label: "Attempt done" }],
  ["final", { look: "final", icon: "final", label: "Final result" }],
  ["approval-request", { look: "ask", icon: "approval", label: "Approval requested" }],
  ["approval-resolved", { look: "line", icon: "approval", label: "Approval resolved" }],
  ["mode-changed", { look: "line", icon: "mode", label: "Mode changed" }],
  ["alarm", { look: "alarm", icon: "alarm", label: "Alarm" }],
]);
const VERDICTS = new Map([
  ["deny", { look: "deny", icon: "deny", label: "Denied" }],
  ["needs", { look: "needs", icon: "needs", label: "Needs more" }],
]);
const EXPIRED = "Not sent within 5 minutes. It may have arrived: look at “last” before you send it again as new.";
const STATES = {
  sending: { note: "Sending…", actions: [] },
  waiting: { note: "Waiting to be sent…", actions: ["discard"] },
  sent: { note: "", actions: [] },
  unsent: { note: "Retry is safe: Reins acts once.", actions: ["retry", "discard"] },
  expired: { note: EXPIRED, actions: ["renew", "discard"] },
  held: { note: "Held back, because you sent halt after it.", actions: ["renew", "discard"] },
  refused: { note: "", actions: ["edit", "discard"] },
};
const ACTIONS = { retry: "Retry", renew: "Send as new", edit: "Edit", discard: "Discard" };

const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function lookOf(entry) {
  if (entry.from === "me") return { look: "mine" };
  if (NOTICES.has(entry.kind)) return NOTICES.get(entry.kind);
  if (entry.kind === "reply" || entry.kind === "message") return VERDICTS.get(entry.verdict) ?? { look: "plain" };
  return { look: "line", icon: "info", label: entry.kind };
}

/** Make an empty row. */
export function makeRow() {
  return document.querySelector("#row-template").content.firstElementChild.cloneNode(true);
}

/** Make the line between two days. */
export function makeDay() {
  return element("li", "day");
}

/** Write a day's name: Today, Yesterday, or the date. */
export function fillDay(node, day) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - day) / 86_400_000);
  node.textContent = ["Today", "Yesterday"][days] ?? dayName.format(day);
}

/** Fill a row with an entry of the server. */
export function fillEntry(node, entry) {
  const appearance = lookOf(entry);
  const rule = appearance.label ? entry.rule : null;
  fillBubble(node, { ...appearance, rule, mine: entry.from === "me", text: entry.text });
  const meta = node.querySelector(".meta");
  meta.replaceChildren(timeOf(entry.at), ...(entry.receipt ? [receipt(entry.receipt)] : []));
  node.querySelector(".actions").replaceChildren();
}

/** Show these keys as chips; apart from the row, so that what a screen reader has read is not drawn again. */
export function showKeys(node, keys) {
  const chips = node.querySelector(".chips");
  const shown = [...chips.children].map((each) => each.dataset.command);
  if (shown.join("\n") !== keys.join("\n")) chips.replaceChildren(...keys.map(chip));
}

/** Fill a row with a message of this device that has no entry yet; `persistent` tells whether it survives a reload. */
export function fillMessage(node, message, persistent) {
  const { note, actions } = STATES[message.state];
  const failed = actions.length > 1;
  fillBubble(node, { look: failed ? "mine unsent" : "mine", mine: true, text: message.text });
  const reason = { refused: `Refused. ${message.refusal}`, unsent: `Not sent. ${message.trouble}` }[message.state];
  const words = [reason, note, !persistent && failed ? "This browser cannot keep it over a reload." : null];
  const state = element("span", "state", words.filter(Boolean).join(" "));
  if (failed) state.prepend(iconOf("unsent"));
  node.querySelector(".meta").replaceChildren(...(message.state === "sent" ? [timeOf(message.createdAt)] : [state]));
  node.querySelector(".actions").replaceChildren(...actions.map((name) => action(name, message.nonce)));
}

function fillBubble(node, { look, icon, label, rule, mine, text }) {
  node.className = `row ${look}`;
  const heading = node.querySelector(".heading");
  heading.hidden = !label;
  if (label) heading.querySelector("use").setAttribute("href", `#icon-${icon}`);
  heading.querySelector(".label").textContent = label ?? "";
  heading.querySelector(".rule").textContent = rule ?? "";
  write(node.querySelector(".speaker"), mine ? "You: " : "Reins: ");
  write(node.querySelector(".words"), text);
}

/** Leave equal text alone: written again, a screen reader would read it again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function timeOf(moment) {
  const date = new Date(moment);
  const node = element("time", "", clockTime.format(date));
  node.dateTime = date.toISOString();
  node.title = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return node;
}

function iconOf(name) {
  const icon = document.createElementNS(ICON_NAMESPACE, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS(ICON_NAMESPACE, "use"));
  icon.firstChild.setAttribute("href", `#icon-${name}`);
  return icon;
}

function receipt(text) {
  const button = document.querySelector("#receipt-template").content.firstElementChild.cloneNode(true);
  button.dataset.receipt = text;
  button.setAttribute("aria-label", `Copy receipt ${text}`);
  button.querySelector("code").textContent = text;
  return button;
}

function chip(command) {
  const button = element("button", "key chip");
  button.type = "button";
  button.dataset.command = command;
  command.split(" ").forEach((word, index) => {
    if (index > 0) button.append(" ");
    button.append(index > 0 && HANDLE.test(word) ? element("code", "", word) : word);
  });
  return button;
}

function action(name, nonce) {
  const button = element("button", `action ${name}`, ACTIONS[name]);
  button.type = "button";
  button.dataset.action = name;
  button.dataset.nonce = nonce;
  return button;
}
