// Runs before anything is painted, so that nobody sees the other colours first.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("microcdn-theme");
  } catch {
    // Storage is switched off: the system's colours count.
  }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
