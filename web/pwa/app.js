// Starts the chat page: finds out who is there, shows the right screen and wires its parts together.

import { Problem, Unreachable, signIn, signOut, whoAmI } from "./api.js";
import { Conversation } from "./conversation.js";
import { followViewport } from "./viewport.js";

const RETRY_MS = 5_000;
const LINK_MARK = "#login=";
const WHO_KEY = "reins.person"; // who is signed in in this browser, so that its other tabs notice a change
const HOW_TO_SIGN_IN = "Ask for a new one: run the command below on the bot’s machine.";

const byId = (id) => document.getElementById(id);
let conversation = null;
let retryTimer = null;

function show(screen) {
  clearTimeout(retryTimer);
  for (const id of ["connecting", "signed-out", "chat"]) byId(id).hidden = id !== screen;
}

function say(node, sentence) {
  node.textContent = sentence ?? "";
  node.hidden = !sentence;
}

function showSignedOut(sentence) {
  conversation?.close();
  conversation = null;
  if (byId("account").open) byId("account").close();
  show("signed-out");
  byId("continue").hidden = true;
  say(byId("sign-in-problem"), sentence);
}

function showUnreachable(error) {
  show("connecting");
  const sentence = error instanceof Problem ? error.sentence : error.message;
  byId("connecting-text").textContent = `${sentence} Trying again every few seconds.`;
  byId("try-again").hidden = false;
  retryTimer = setTimeout(enter, RETRY_MS);
}

function isExpected(error) {
  return error instanceof Problem || error instanceof Unreachable;
}

/** Go where the session leads: into the chat, or to the sign-in screen. */
async function enter() {
  try {
    showChat(await whoAmI());
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (error instanceof Problem && error.status === 401) showSignedOut();
    else showUnreachable(error);
  }
}

function showChat(person) {
  conversation?.close();
  localStorage.setItem(WHO_KEY, person.id);
  fillAccount(person);
  show("chat");
  conversation = new Conversation(person, (unsent) => showSignedOut(sessionEnded(unsent)));
  conversation.start();
}

function sessionEnded(unsent) {
  const ended = "Your session has ended.";
  return unsent > 0 ? `${ended} Your unsent messages are kept: sign in again to send them.` : ended;
}

function fillAccount(person) {
  byId("account-button").setAttribute("aria-label", `Account: ${person.name}`);
  byId("account-initial").textContent = [...person.name.trim()][0]?.toUpperCase() ?? "?";
  byId("account-name").textContent = person.name;
  byId("account-id").textContent = person.id;
  byId("account-roles").textContent = person.roles.join(", ") || "none";
  byId("account-scopes").textContent = person.scopes.join(", ") || "nothing";
  byId("account-proof").textContent = person.proof;
  say(byId("account-problem"), null);
}

/** Take the one-time token out of a pasted link, or the token itself. */
function tokenIn(text) {
  const start = text.indexOf(LINK_MARK);
  return (start < 0 ? text : text.slice(start + LINK_MARK.length)).trim();
}

function whySignInFailed(error) {
  if (error instanceof Unreachable) return `${error.message} Try again: the token is still in the field.`;
  if ([401, 410].includes(error.status)) return `This link was already used or has expired. ${HOW_TO_SIGN_IN}`;
  return error.sentence;
}

/** A used link must not cost anybody the session they still have. */
async function offerSession() {
  try {
    const person = await whoAmI();
    byId("continue").textContent = `Continue as ${person.name}`;
    byId("continue").hidden = false;
  } catch (error) {
    if (!isExpected(error)) throw error; // otherwise there is no session to offer
  }
}

async function signInWith(token) {
  byId("sign-in-button").disabled = true;
  try {
    await signIn(token).finally(forgetLink);
    byId("one-time-link").value = "";
    await enter();
  } catch (error) {
    if (!isExpected(error)) throw error;
    showSignedOut(whySignInFailed(error));
    byId("one-time-link").value = error instanceof Unreachable ? token : "";
    await offerSession();
  } finally {
    byId("sign-in-button").disabled = false;
  }
}

/** Leave no trace of a one-time link in the address or the history. */
function forgetLink() {
  history.replaceState(null, "", location.pathname);
}

function followLink() {
  byId("connecting-text").textContent = "Signing in…";
  signInWith(tokenIn(location.hash));
}

async function leave() {
  try {
    await signOut();
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (error instanceof Unreachable || error.status !== 401) {
      say(byId("account-problem"), `Still signed in: ${error.message}`);
      return;
    }
  }
  conversation?.erase();
  localStorage.removeItem(WHO_KEY);
  showSignedOut();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signInWith(tokenIn(byId("one-time-link").value));
});
byId("try-again").addEventListener("click", enter);
byId("continue").addEventListener("click", enter);
byId("account-button").addEventListener("click", () => byId("account").showModal());
byId("account").addEventListener("click", (event) => event.target === byId("account") && byId("account").close());
byId("sign-out").addEventListener("click", leave);
addEventListener("hashchange", () => location.hash.startsWith(LINK_MARK) && followLink());
addEventListener("storage", (event) => event.key === WHO_KEY && enter());

followViewport();
if (location.hash.startsWith(LINK_MARK)) followLink();
else enter();
