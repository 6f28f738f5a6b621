/** Light or dark: as the system has it, until somebody chooses. */

import { effect } from "@preact/signals";
import { keptSignal } from "./kept";

export type Theme = "auto" | "light" | "dark";

export const theme = keptSignal<Theme>("theme", "auto");

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
