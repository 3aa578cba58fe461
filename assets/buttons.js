// The theme's buttons for printing and for the full screen, without inline handlers (sphinxext/offline.py).
const presses = { print: () => window.print(), fullscreen: () => toggleFullScreen() };
for (const button of document.querySelectorAll("[data-press]")) {
  button.addEventListener("click", presses[button.dataset.press]);
}
