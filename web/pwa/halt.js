// The halt button: the first tap arms it in place, the second one halts.

const ARMED_MS = 5_000; // then it falls back by itself: an armed button in a pocket is a trap
const BOUNCE_MS = 300; // the second half of a nervous double tap is not a confirmation

/**
 * Wire the button inside its row: `onHalt()` runs on the confirming tap, `announce(text)` tells screen readers,
 * `signal` ends it.
 */
export function wireHalt({ row, button, label, onHalt, announce, signal }) {
  let timer = null;

  function disarm() {
    clearTimeout(timer);
    timer = null;
    row.removeAttribute("data-armed");
    button.removeAttribute("aria-disabled");
    label.textContent = "Halt";
  }

  function arm() {
    row.setAttribute("data-armed", "");
    button.setAttribute("aria-disabled", "true");
    label.textContent = "Tap again to halt everything";
    announce("Tap halt again within five seconds to halt everything.");
    timer = setTimeout(() => {
      button.removeAttribute("aria-disabled");
      timer = setTimeout(disarm, ARMED_MS);
    }, BOUNCE_MS);
  }

  function tap() {
    if (timer === null) return arm();
    if (button.hasAttribute("aria-disabled")) return;
    disarm();
    onHalt();
  }

  button.addEventListener("click", tap, { signal });
  document.addEventListener("pointerdown", (event) => button.contains(event.target) || disarm(), { signal });
  document.addEventListener("keydown", (event) => event.key === "Escape" && disarm(), { signal });
  signal.addEventListener("abort", disarm);
}
