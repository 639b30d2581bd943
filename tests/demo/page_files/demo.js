// What the four phones and the project show, asked for every 700 ms, and what is typed and tapped on them.

const EVERY_MS = 700;
const TOAST_MS = 5000;

const problem = document.getElementById("problem");
const drawn = {};
let user = "1001";
let shown = null;
let toastsSeen = { 1001: 0, 1002: 0 };

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

async function send(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

function act(path, body, then = () => {}) {
  send(path, body).then(then).then(look).catch(complain);
}

function complain(error) {
  problem.hidden = false;
  problem.textContent = `Not done: ${error.message}`;
}

function bubble(entry, under) {
  const box = make("div", { className: "bubble" });
  if (entry.photo) box.append(make("img", { className: "photo", src: `photo/${user}/${entry.id}`, alt: "Chart" }));
  if (entry.text) box.append(make("div", { className: "text", textContent: entry.text }));
  const row = make("li", { className: entry.mine ? "mine" : "" }, box);
  if (under) row.append(make("div", { className: "under", textContent: under }));
  return row;
}

function buttons(rows, press) {
  const keyboard = make("div", { className: "keyboard" });
  for (const row of rows) {
    const line = make("div");
    for (const { label, style } of row) {
      line.append(make("button", { type: "button", className: style || "", textContent: label, onclick: () => press(label) }));
    }
    keyboard.append(line);
  }
  return keyboard;
}

const rowOf = {
  sms: (entry) => bubble(entry, entry.mine ? "" : entry.status),
  telegram: (entry) => {
    const row = bubble(entry, entry.edited ? "edited" : "");
    const press = (label) => act("telegram/press", { user, message: entry.id, label });
    if (entry.keyboard?.length) row.append(buttons(entry.keyboard, press));
    return row;
  },
  ntfy: (entry) => {
    const box = make("article", { className: "push" });
    box.dataset.priority = entry.priority;
    const tags = entry.tags.map((tag) => make("span", { className: "tag", textContent: tag.replaceAll("_", " ") }));
    box.append(make("h3", {}, entry.title, ...tags), make("div", { className: "text", textContent: entry.text }));
    const tap = (label) => act("ntfy/tap", { key: entry.key, label }, tapped);
    if (entry.buttons.length) box.append(buttons([entry.buttons.map((label) => ({ label }))], tap));
    return make("li", {}, box);
  },
  slack: (entry) => make("li", {}, make("div", { className: "post" }, make("strong", { textContent: "Reins" }), make("div", { className: "text" }, ...mrkdwn(entry.text)))),
};

// Slack's own notation: `<address|label>` is a link, and three characters are written as entities.
function mrkdwn(text) {
  const plain = (part) => part.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  return text.split(/(<https?:[^|>]+\|[^>]+>)/).map((part) => {
    const link = part.match(/^<([^|>]+)\|([^>]+)>$/);
    return link ? make("a", { href: link[1], target: "_blank", rel: "noopener", textContent: plain(link[2]) }) : plain(part);
  });
}

function tapped({ status, text }) {
  if (status === 0) window.open(text, "_blank", "noopener");
  else toast("ntfy", `${status}: ${text}`);
}

function toast(phone, text) {
  const place = document.querySelector(`#${phone} .toast`);
  place.textContent = text;
  place.hidden = false;
  clearTimeout(place.hiding);
  place.hiding = setTimeout(() => { place.hidden = true; }, TOAST_MS);
}

function draw(phone, entries, asked) {
  const key = asked + JSON.stringify(entries);
  if (drawn[phone] === key) return;
  drawn[phone] = key;
  const log = document.querySelector(`#${phone} .screen-log`);
  const nothing = make("li", { className: "nothing", textContent: "Nothing yet." });
  log.replaceChildren(...(entries.length ? entries.map(rowOf[phone]) : [nothing]));
  log.scrollTop = log.scrollHeight;
}

// What the page of the pull request shows; text from there is text here, never markup.
const projectRow = {
  runs: ({ title, attempt, at }) => make("li", {}, make("span", { className: `mark ${at}` }), make("span", { textContent: title }), make("span", { className: "under", textContent: `attempt ${attempt} · ${at.replaceAll("_", " ")}` })),
  findings: ({ path, open, text }) => make("li", { className: open ? "" : "mended" }, make("code", { textContent: path }), make("span", { textContent: text.split("\n").at(-1).replaceAll("**", "") }), make("span", { className: "under", textContent: `${text.split("\n")[0].replace(/_|\p{Extended_Pictographic} ?/gu, "")}${open ? "" : " · outdated"}` })),
  comments: ({ author, text, changed }) => make("li", {}, make("span", { className: "under", textContent: `${author}${changed ? " · edited" : ""}` }), make("pre", { textContent: text.replace(/<!--.*?-->\n?/gs, "").trim() })),
};

function drawProject({ runs, findings, comments }) {
  for (const [name, entries] of Object.entries({ runs, findings, comments })) {
    const key = JSON.stringify(entries);
    if (drawn[name] === key) continue;
    drawn[name] = key;
    const nothing = make("li", { className: "nothing", textContent: "Nothing yet." });
    document.querySelector(`#github .${name}`).replaceChildren(...(entries.length ? entries.map(projectRow[name]) : [nothing]));
  }
  document.getElementById("resolve").disabled = !findings.some(({ open }) => open);
}

function drawAll() {
  draw("sms", shown.sms.entries, "");
  draw("telegram", shown.telegram[user].entries, user);
  draw("ntfy", shown.ntfy.entries, "");
  draw("slack", shown.slack.entries, "");
  drawProject(shown.github);
  for (const [who, { toasts }] of Object.entries(shown.telegram)) {
    const text = toasts.slice(toastsSeen[who]).filter(Boolean).at(-1);
    if (text && who === user) toast("telegram", text);
    toastsSeen[who] = toasts.length;
  }
}

async function look() {
  try {
    const response = await fetch("shown");
    shown = await response.json();
    drawAll();
  } catch {
    problem.hidden = false;
    problem.textContent = "The demonstration has ended. Start it again with: make demo";
  }
}

const sendText = {
  sms: (text) => act("sms/text", { text }),
  telegram: (text) => act("telegram/say", { user, text }),
  ntfy: (text) => act("ntfy/type", { text }, () => toast("ntfy", `published: ${text}`)),
};

for (const [phone, write] of Object.entries(sendText)) {
  const place = document.getElementById(phone);
  const input = place.querySelector("input");
  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) write(input.value);
    input.value = "";
  });
  for (const key of place.querySelectorAll(".tries .key")) key.onclick = () => write(key.textContent);
}

for (const choice of document.querySelectorAll(".who button")) {
  choice.onclick = () => {
    user = choice.dataset.user;
    for (const other of document.querySelectorAll(".who button")) other.setAttribute("aria-pressed", other === choice);
    if (shown) drawAll();
  };
}

document.getElementById("open").onclick = () => act("link", {}, ({ url }) => window.open(url, "_blank", "noopener"));

document.getElementById("resolve").onclick = () => act("github/resolve", {});

look();
setInterval(look, EVERY_MS);
