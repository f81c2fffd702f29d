// Shows the values of all charts at the place that a pointer or the arrow keys choose in one, and the images of a cell of the confusion matrix.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

const { places, labels, charts } = data.curves;
const drawings = [...document.querySelectorAll("svg[data-chart]")];
let chosen = -1;

function show(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(3);
  // Rates below a hundredth differ in what four decimals leave out.
  return size !== 0 && size < 1e-2 ? String(Number(value.toPrecision(4))) : value.toFixed(4);
}

function choose(index) {
  chosen = index;
  for (const svg of drawings) {
    const name = svg.dataset.chart;
    const [left, right, last] = [svg.dataset.left, svg.dataset.right, svg.dataset.last].map(Number);
    const at = left + places[index] / last * (right - left);
    svg.querySelector(".cursor").setAttribute("d", `M${at} 16V210`);
    const values = charts[name].map(([line, all]) => `${line} ${show(all[index])}`);
    document.getElementById(name + "-now").textContent = `${labels[index]}: ${values.join(", ")}`;
  }
}

function clear() {
  chosen = -1;
  for (const svg of drawings) {
    svg.querySelector(".cursor").setAttribute("d", "");
    document.getElementById(svg.dataset.chart + "-now").textContent = "";
  }
}

for (const svg of drawings) {
  svg.addEventListener("pointermove", event => {
    if (places.length === 0) return;
    const box = svg.getBoundingClientRect();
    const [left, right, last] = [svg.dataset.left, svg.dataset.right, svg.dataset.last].map(Number);
    const place = ((event.clientX - box.left) / box.width * 420 - left) / (right - left) * last;
    let nearest = 0;
    places.forEach((at, index) => { if (Math.abs(at - place) < Math.abs(places[nearest] - place)) nearest = index; });
    if (nearest !== chosen) choose(nearest);
  });
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("blur", clear);
  svg.addEventListener("keydown", event => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || places.length === 0) return;
    event.preventDefault();
    choose(Math.min(places.length - 1, Math.max(0, chosen + steps[event.key])));
  });
}

const panel = document.getElementById("cell");
if (panel) {
  const buttons = [...document.querySelectorAll("button[data-cell]")];
  for (const button of buttons) {
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const isShown = button.getAttribute("aria-pressed") === "true";
      buttons.forEach(other => other.setAttribute("aria-pressed", "false"));
      panel.hidden = isShown;
      if (isShown) return;
      button.setAttribute("aria-pressed", "true");
      const [label, predicted] = button.dataset.cell.split(",").map(Number);
      const images = data.cells[button.dataset.cell] || [];
      const heading = document.createElement("p");
      const what = label === predicted ? `${data.classes[label]}, rightly` : `${data.classes[label]} taken for ${data.classes[predicted]}`;
      heading.textContent = `${button.textContent} images: ${what}; the ${images.length} most confident`;
      const list = document.createElement("ul");
      list.className = "shots";
      for (const [x, y, image, confidence] of images) {
        const item = document.createElement("li");
        item.className = "shot";
        const picture = document.createElement("i");
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-label", `test image ${image}`);
        picture.style.setProperty("--x", x);
        picture.style.setProperty("--y", y);
        const caption = document.createElement("span");
        caption.textContent = `image ${image}, ${confidence}`;
        item.append(picture, caption);
        list.append(item);
      }
      panel.replaceChildren(heading, list);
    });
  }
}
