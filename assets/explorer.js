// Explorers without a kernel: each range input picks a listed value, and the frame drawn for that
// combination replaces the picture. The chosen state stands in the address, so it can be shared:
// #explore-NAME,a=3,lam=0 (positions in the lists of values).
const calm = matchMedia("(prefers-reduced-motion: reduce)");

for (const box of document.querySelectorAll(".explorer")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const frame = box.querySelector(".explorer-frame");
  const words = box.querySelector(".explorer-alt");
  const sliders = [...box.querySelectorAll("input[type=range]")];

  const show = () => {
    let index = 0;
    sliders.forEach((slider, i) => {
      const value = data.values[i][slider.value];
      index = index * data.values[i].length + Number(slider.value);
      slider.nextElementSibling.value = value;
      slider.setAttribute("aria-valuetext", value);
    });
    frame.innerHTML = data.frames[index].map((line) => data.table[line]).join("\n");
    frame.setAttribute("aria-label", data.alts[index]);
    words.textContent = data.alts[index];
  };
  const remember = () => {
    const parts = sliders.map((s) => `,${s.name}=${s.value}`).join("");
    history.replaceState(null, "", `#${box.id}${parts}`);
  };

  const [name, ...state] = decodeURIComponent(location.hash.slice(1)).split(",");
  if (name === box.id) {
    for (const [key, at] of state.map((part) => part.split("="))) {
      const slider = sliders.find((s) => s.name === key);
      if (slider) slider.value = at;
    }
    show();
    box.scrollIntoView();
  }

  for (const slider of sliders) {
    slider.addEventListener("input", show);
    slider.addEventListener("change", remember);
  }

  const button = box.querySelector(".explorer-play");
  if (button) player(button, sliders.find((s) => s.name === button.dataset.plays), words, show, remember);
}

// A button that moves one slider on by itself. A reader who asked for less motion gets one step a press.
function player(button, slider, words, show, remember) {
  let timer = null;
  const last = Number(slider.max);

  const name = () => {
    const what = button.dataset.label;
    button.textContent = timer ? `Pause ${what}` : calm.matches ? `Next ${what}` : `Play ${what}`;
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    words.setAttribute("aria-live", "polite");
    name();
  };
  const step = () => {
    slider.value = Number(slider.value) < last ? Number(slider.value) + 1 : 0;
    if (Number(slider.value) === last) pause();
    show(); // after the end of the animation, so that its last picture is read out
    if (!timer) remember();
  };

  button.addEventListener("click", () => {
    if (timer) {
      pause();
      show();
      return remember();
    }
    if (!calm.matches) {
      words.setAttribute("aria-live", "off"); // read out once, at the end
      timer = setInterval(step, Math.min(700, 6000 / last));
      name();
    }
    step();
  });
  slider.addEventListener("input", pause);
  calm.addEventListener("change", pause);
  name();
  button.hidden = false;
}
