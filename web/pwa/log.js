// Draws the conversation: changes only what changed, and keeps the reader's place.

import { fillDay, fillEntry, fillMessage, makeDay, makeRow, showKeys } from "./rows.js";

const NEAR_END_PX = 80; // nearer than this, the reader is following along

function dayOf(row) {
  return new Date(row.entry ? row.entry.at : row.message.createdAt).setHours(0, 0, 0, 0);
}

/** The scrolling log, on the page's own elements: scroller, list, empty note and the button to the newest row. */
export class Log {
  #scroller;
  #list;
  #empty;
  #toNewest;
  #drawn = new Map();
  #following = true;
  #height = 0;

  constructor({ scroller, list, empty, toNewest }) {
    this.#scroller = scroller;
    this.#list = list;
    this.#empty = empty;
    this.#toNewest = toNewest;
    scroller.addEventListener("scroll", () => this.#noticeScroll(), { passive: true });
    toNewest.addEventListener("click", () => this.follow());
    // The keyboard, a rotation or a longer footer must not hide the newest row from somebody who follows along.
    new ResizeObserver(() => this.#fit()).observe(scroller);
  }

  /** Forget everything drawn. */
  clear() {
    this.#drawn.clear();
    this.#list.replaceChildren();
    this.#following = true;
  }

  /** Go to the newest row and stay there. */
  follow() {
    this.#following = true;
    this.#toNewest.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Show the rows in order; `emptyText` stands there when there are none. */
  draw(rows, { persistent, emptyText }) {
    const hadFocus = this.#scroller.contains(document.activeElement);
    const grew = rows.some((row) => !this.#drawn.has(row.key));
    const nodes = this.#nodes(rows, persistent);
    this.#place(nodes);
    this.#empty.hidden = rows.length > 0;
    this.#empty.textContent = emptyText;
    // A tapped chip or button may be gone now: keep keyboard and screen reader users in the log.
    if (hadFocus && document.activeElement === document.body) this.#scroller.focus({ preventScroll: true });
    if (this.#following) this.follow();
    else if (grew) this.#toNewest.hidden = false;
  }

  #nodes(rows, persistent) {
    const newestReply = rows.findLastIndex((row) => row.entry?.kind === "reply");
    const drawn = new Map();
    let day = null;
    rows.forEach((row, index) => {
      if (dayOf(row) !== day) {
        day = dayOf(row);
        this.#reuse(drawn, `day ${day}`, new Date().toDateString(), makeDay, (node) => fillDay(node, day));
      }
      const node = this.#reuse(drawn, row.key, JSON.stringify([row, persistent]), makeRow, (made) => {
        if (row.entry) fillEntry(made, row.entry);
        else fillMessage(made, row.message, persistent);
      });
      // What came after the newest reply can be acted on too: an approval request must keep its keys.
      showKeys(node, index >= newestReply && row.entry ? row.entry.keys : []);
    });
    this.#drawn = drawn;
    return [...drawn.values()].map(({ node }) => node);
  }

  #reuse(drawn, key, signature, make, fill) {
    const known = this.#drawn.get(key);
    const node = known?.node ?? make();
    if (known?.signature !== signature) fill(node);
    drawn.set(key, { node, signature });
    return node;
  }

  #place(nodes) {
    const wanted = new Set(nodes);
    [...this.#list.children].filter((node) => !wanted.has(node)).forEach((node) => node.remove());
    nodes.forEach((node, index) => {
      if (this.#list.children[index] !== node) this.#list.insertBefore(node, this.#list.children[index] ?? null);
    });
  }

  #fit() {
    this.#height = this.#scroller.clientHeight;
    if (this.#following) this.follow();
  }

  #noticeScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (clientHeight !== this.#height) return; // it was resized, not scrolled by a person
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (this.#following) this.#toNewest.hidden = true;
  }
}
