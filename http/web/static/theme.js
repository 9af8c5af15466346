// Runs before the first paint, so that a chosen theme does not flash in the other one.
"use strict";
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // No storage (private mode, blocked site data): the system's theme is right.
  }
})();
