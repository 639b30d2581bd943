// Keeps the page inside what the on-screen keyboard leaves visible.

const KEYBOARD_PX = 120; // browser bars take less than this, keyboards take more

/** Follow the visual viewport: Safari lays the keyboard over the page instead of shrinking it. */
export function followViewport() {
  const visual = window.visualViewport;
  const root = document.documentElement;
  const fit = () => {
    if (visual.scale > 1.01) return; // the person is zooming: leave the page where it is
    root.style.setProperty("--visible-height", `${visual.height}px`);
    root.style.setProperty("--visible-top", `${visual.offsetTop}px`);
    root.toggleAttribute("data-keyboard", window.innerHeight - visual.height > KEYBOARD_PX);
  };
  visual.addEventListener("resize", fit);
  visual.addEventListener("scroll", fit);
  fit();
}
