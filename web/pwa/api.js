// Talks to Reins over HTTP and turns every way that can fail into one of two errors.

const TIMEOUT_MS = 15_000; // Reins answers from its own store in milliseconds; longer than this is a broken connection

/** Nobody knows whether Reins got the request: no connection, no answer in time, or somebody else answered. */
export class Unreachable extends Error {}

/** Reins answered with a problem document (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `Reins answered with status ${status}.`);
    this.status = status;
    this.logId = document.log_id ?? null;
  }

  /** The sentence for the person, with the id under which the fault is logged. */
  get sentence() {
    return this.logId ? `${this.message} (log ${this.logId})` : this.message;
  }
}

async function exchange(method, path, headers, body) {
  try {
    const response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error", // only a captive portal would redirect us
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { response, text: await response.text() };
  } catch (error) {
    throw new Unreachable("No answer from Reins.", { cause: error });
  }
}

function parsed(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    return undefined; // undefined is no JSON value: the caller decides what that means
  }
}

async function call(method, path, { headers = {}, body } = {}) {
  const { response, text } = await exchange(method, path, { Accept: "application/json", ...headers }, body);
  const document = parsed(text);
  if (!response.ok) throw new Problem(response.status, document ?? {});
  if (document === undefined) throw new Unreachable("Something else answered, perhaps a Wi-Fi sign-in page.");
  return document;
}

/** Swap a one-time token for the session cookie. */
export const signIn = (token) => call("POST", "/v1/sessions", { body: { token } });

/** End the session on the server; the cookie goes with it. */
export const signOut = () => call("DELETE", "/v1/sessions");

/** Who we are: `{id, name, roles, scopes, proof}`. */
export const whoAmI = () => call("GET", "/v1/people/me");

/** The newest entries, oldest first, and where the event stream stands: `{entries, last_event_id}`. */
export const messages = (limit) => call("GET", `/v1/messages?limit=${limit}`);

/** Send one message. The same nonce may be sent again and again: Reins acts once. Gives `{entry, repeated}`. */
export const send = ({ text, nonce, createdAt }) =>
  call("POST", "/v1/messages", {
    headers: { "Reins-Nonce": nonce, "Reins-Timestamp": String(Math.floor(createdAt / 1000)) },
    body: { text },
  });
