// Two maps, one above the other: what is right of the divider shows the upper one.

import { element } from "./dom.js";
import { wordsIn } from "./i18n.js";

const KEYS = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };

/**
 * Move both maps as one, and put a divider between them.
 * @param {import("../vendor/maplibre-gl.mjs").Map[]} maps the lower and the upper
 * @param {number} covered width of what lies over the left side, in pixels
 * @param {import("./i18n.js").Lang} lang
 */
export function divide([under, over], covered, lang) {
  moveTogether(under, over);
  const view = over.getContainer();
  view.classList.add("over");
  const handle = element("span", { class: "handle", "aria-hidden": "true" });
  const divider = element(
    "div",
    {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": wordsIn(lang).divider,
      "aria-orientation": "horizontal",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    },
    handle,
  );
  // Above the picture, below the buttons and what is told of a place.
  over.getCanvasContainer().after(divider);

  const picture = over.getCanvas();
  let percent = 0;
  const place = (wanted) => {
    percent = Math.min(100, Math.max(0, wanted));
    const left = `${percent}%`;
    divider.style.left = left;
    picture.style.clipPath = `inset(0 0 0 ${left})`;
    divider.setAttribute("aria-valuenow", percent.toFixed(0));
  };
  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus();
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const { left, width } = view.getBoundingClientRect();
    place(((event.clientX - left) / width) * 100);
  });
  divider.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    place(percent + KEYS[event.key]);
  });
  place(((covered + view.clientWidth) / 2 / view.clientWidth) * 100);
}

function moveTogether(one, other) {
  let moving = false;
  const follow = (leader, follower) => () => {
    if (moving) return;
    moving = true;
    follower.jumpTo({ center: leader.getCenter(), zoom: leader.getZoom() });
    moving = false;
  };
  one.on("move", follow(one, other));
  other.on("move", follow(other, one));
  // A view from the page's address is known to the upper map alone.
  follow(other, one)();
}
