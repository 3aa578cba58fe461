// Explorers without a kernel: each range input picks a listed value, and the frame drawn for that
// combination replaces the picture. The chosen state stands in the address, so it can be shared:
// #explore-NAME,a=3,lam=0 (positions in the lists of values).
for (const box of document.querySelectorAll(".explorer")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const frame = box.querySelector(".explorer-frame");
  const words = box.querySelector(".explorer-alt");
  const sliders = [...box.querySelectorAll("input[type=range]")];

  const show = () => {
    let index = 0;
    sliders.forEach((slider, i) => {
      const value = String(data.values[i][slider.value]).replace("-", "\u2212");
      index = index * data.values[i].length + Number(slider.value);
      slider.nextElementSibling.value = value;
      slider.setAttribute("aria-valuetext", value);
    });
    frame.innerHTML = data.frames[index].map((line) => data.table[line]).join("\n");
    frame.setAttribute("aria-label", data.alts[index]);
    words.textContent = data.alts[index];
  };

  const [name, ...state] = decodeURIComponent(location.hash.slice(1)).split(",");
  if (name === box.id) {
    for (const [key, at] of state.map((part) => part.split("="))) {
      const slider = sliders.find((s) => s.name === key);
      if (slider) slider.value = at;
    }
    show();
  }

  for (const slider of sliders) {
    slider.addEventListener("input", show);
    slider.addEventListener("change", () => {
      const parts = sliders.map((s) => `,${s.name}=${s.value}`).join("");
      history.replaceState(null, "", `#${box.id}${parts}`);
    });
  }
}
