// Draws the curves and the parallel coordinates, fills the tables, and lights one run everywhere.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { names, columns, curves } = data;
const find = id => document.getElementById(id);
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isNumber = value => typeof value === "number";
const column = label => columns.find(([name]) => name === label);
const PAGE = 100;
const GROUPS = 300;
let order = names.map((_, index) => index);
let shown = PAGE;
let sorting = null;
let pinned = -1;
let lit = -1;

function number(value) {
  if (value === null || value === undefined) return "–";
  if (!isNumber(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e6 ? value.toExponential(3) : value.toFixed(4);
}

// A key of a config is what it was set to, to its last digit.
const exact = value => value === null || value === undefined ? "–" : String(value);
const shownAs = kind => kind === "metric" ? number : exact;

// A run's colour: of few runs each its own, of many by what they reached.
const reached = (column("val_acc") || column("test_acc") || [null, null, names.map(() => null)])[2];
const ranked = reached.filter(isNumber).sort((a, b) => a - b);
function share(run) {
  const value = reached[run];
  if (!isNumber(value) || ranked.length < 2) return 0.5;
  const [low, high] = [ranked[Math.floor(ranked.length * 0.05)], ranked[ranked.length - 1]];
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
}
const isDark = matchMedia("(prefers-color-scheme: dark)");
function color(run) {
  if (names.length <= 6) return style("--s" + run % 6);
  const at = share(run);
  const light = isDark.matches ? 30 + 45 * at : 75 - 45 * at;
  return `hsl(${260 - 210 * at} 70% ${light}%)`;
}

// --- Drawing ---
function prepare(canvas) {
  const box = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, box.width, box.height);
  context.font = "12px system-ui, sans-serif";
  return [context, box.width, box.height];
}

function ticks(low, high, most) {
  const rough = (high - low) / most;
  if (!(rough > 0)) return [low];
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(factor => factor * unit >= rough) * unit;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high * (1 + 1e-9) && found.length < 50; at++) found.push(Number((at * step).toPrecision(12)));
  return found;
}

const epoch = (run, at) => curves.epochs[run] ? curves.epochs[run][at] : at;
const MARGIN = { left: 56, right: 12, top: 10, bottom: 30 };
let scale = null;

function trace(context, run) {
  const values = curves.lines[scale.key][run];
  let open = false;
  context.beginPath();
  for (let at = 0; at < values.length; at++) {
    const place = epoch(run, at);
    if (values[at] === null || place < scale.from) { open = false; continue; }
    const [x, y] = [scale.x(place), scale.y(values[at])];
    if (open) context.lineTo(x, y); else context.moveTo(x, y);
    if (!open && (at + 1 >= values.length || values[at + 1] === null)) context.lineTo(x + 0.5, y);
    open = true;
  }
  context.stroke();
}

function drawCurves() {
  const [context, width, height] = prepare(find("lines"));
  const key = find("metric").value;
  const from = Math.max(0, Number(find("from").value) || 0);
  const visible = order.filter(run => curves.lines[key] && curves.lines[key][run].length);
  let [low, high, last] = [Infinity, -Infinity, 1];
  for (const run of visible) {
    curves.lines[key][run].forEach((value, at) => {
      const place = epoch(run, at);
      last = Math.max(last, place);
      if (value === null || place < from || Math.abs(value) > 1e12) return;
      low = Math.min(low, value);
      high = Math.max(high, value);
    });
  }
  if (low > high) [low, high] = [0, 1];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.1 || 0.1;
  [low, high] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  const start = Math.min(from, last - 1);
  const x = place => MARGIN.left + (place - start) / (last - start) * (width - MARGIN.left - MARGIN.right);
  const y = value => height - MARGIN.bottom - (value - low) / (high - low) * (height - MARGIN.top - MARGIN.bottom);
  scale = { key, from: start, last, x, y, width };
  context.strokeStyle = style("--rule");
  context.fillStyle = style("--soft");
  context.lineWidth = 1;
  for (const tick of ticks(low, high, 6)) {
    context.beginPath(); context.moveTo(MARGIN.left, y(tick)); context.lineTo(width - MARGIN.right, y(tick)); context.stroke();
    context.textAlign = "right"; context.fillText(String(tick), MARGIN.left - 6, y(tick) + 4);
  }
  context.textAlign = "center";
  for (const tick of ticks(start, last, 8)) if (Number.isInteger(tick)) context.fillText(String(tick), x(tick), height - MARGIN.bottom + 16);
  context.textAlign = "right"; context.fillText("epochs trained", width - MARGIN.right, height - 2);
  context.lineWidth = visible.length > 200 ? 0.7 : 1.6;
  context.globalAlpha = visible.length > 200 ? 0.35 : visible.length > 20 ? 0.6 : 1;
  context.save();
  context.beginPath(); context.rect(MARGIN.left, 0, width - MARGIN.left, height - MARGIN.bottom + 1); context.clip();
  // The best last, on top.
  for (let at = visible.length - 1; at >= 0; at--) { context.strokeStyle = color(visible[at]); trace(context, visible[at]); }
  context.restore();
}

// --- Parallel coordinates ---
const seedless = label => label !== "seed" && label !== "name";
const goal = column("val_acc") || column("test_acc") || columns.find(([, kind]) => kind === "metric");
const keys = columns.filter(([label, kind]) => kind === "config" && label !== "name").slice(0, 14).concat(goal ? [goal] : []);
const axes = keys.map(([label, kind, values]) => {
  const known = values.filter(value => value !== null);
  if (known.length && known.every(isNumber)) {
    const [low, high] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    const isLog = low > 0 && high / low > 30;
    const to = value => isLog ? Math.log(value / low) / Math.log(high / low) : high > low ? (value - low) / (high - low) : 0.5;
    const middle = isLog ? Math.sqrt(low * high) : (low + high) / 2;
    return { label, values, to, marks: [[to(low), shownAs(kind)(low)], [to(middle), Number(middle.toPrecision(3))], [to(high), shownAs(kind)(high)]] };
  }
  const words = [...new Set(known.map(String))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const to = value => words.length > 1 ? words.indexOf(String(value)) / (words.length - 1) : 0.5;
  const every = Math.ceil(words.length / 14) || 1;
  return { label, values, to, marks: words.filter((_, at) => at % every === 0).map(word => [to(word), word]) };
});
let space = null;

function thread(context, run) {
  context.beginPath();
  axes.forEach((axis, at) => {
    const value = axis.values[run];
    // What a run has no value of is below the axis.
    const y = value === null ? space.bottom + 14 : space.y(axis.to(value));
    if (at) context.lineTo(space.x(at), y); else context.moveTo(space.x(at), y);
  });
  context.stroke();
}

function drawParallel() {
  if (!find("parallel-stack")) return;
  if (axes.length < 2) { find("parallel-stack").parentElement.replaceChildren(Object.assign(document.createElement("p"), { textContent: "No key of the configs varies." })); return; }
  find("parallel-stack").style.minWidth = axes.length * 90 + "px";
  const [context, width, height] = prepare(find("parallel"));
  const [top, bottom] = [34, height - 24];
  space = { x: at => 50 + at / (axes.length - 1) * (width - 110), y: share => bottom - share * (bottom - top), bottom };
  const many = order.length;
  context.lineWidth = many > 200 ? 0.7 : 1.6;
  context.globalAlpha = many > 200 ? 0.35 : many > 20 ? 0.6 : 1;
  for (let at = many - 1; at >= 0; at--) { context.strokeStyle = color(order[at]); thread(context, order[at]); }
  context.globalAlpha = 1;
  context.textAlign = "center";
  axes.forEach((axis, at) => {
    const x = space.x(at);
    context.strokeStyle = style("--soft"); context.lineWidth = 1;
    context.beginPath(); context.moveTo(x, top); context.lineTo(x, bottom); context.stroke();
    context.fillStyle = style("--ink");
    context.font = "600 12px system-ui, sans-serif";
    context.fillText(axis.label.length > 14 ? axis.label.slice(0, 13) + "…" : axis.label, x, at % 2 ? 12 : 25);
    context.font = "11px system-ui, sans-serif";
    for (const [share, mark] of axis.marks) {
      const label = String(mark).length > 14 ? String(mark).slice(0, 13) + "…" : String(mark);
      const wide = context.measureText(label).width;
      context.fillStyle = style("--paper"); context.globalAlpha = 0.75; context.fillRect(x - wide / 2 - 2, space.y(share) - 8, wide + 4, 14); context.globalAlpha = 1;
      context.fillStyle = style("--ink"); context.fillText(label, x, space.y(share) + 4);
    }
  });
}

// --- One run lit everywhere ---
function light(run) {
  lit = run;
  for (const [id, draw, has] of [["lit-line", trace, scale], ["lit-parallel", thread, space]]) {
    const canvas = find(id);
    if (!canvas || !has) continue;
    const [context] = prepare(canvas);
    if (run < 0) continue;
    context.strokeStyle = style("--paper"); context.lineWidth = 6; draw(context, run);
    context.strokeStyle = style("--ink"); context.lineWidth = 3; draw(context, run);
  }
  for (const row of document.querySelectorAll("tr[data-run], tr[data-runs]")) {
    const runs = (row.dataset.run || row.dataset.runs).split(" ").map(Number);
    row.classList.toggle("lit", run >= 0 && runs.includes(run));
  }
  const metrics = columns.filter(([, kind]) => kind === "metric").slice(0, 4);
  find("lit").textContent = run < 0 ? "" : `${names[run]}: ${metrics.map(([label, , values]) => `${label} ${number(values[run])}`).join(", ")}`;
}
const rest = () => light(pinned);

find("lines").addEventListener("pointermove", event => {
  const box = find("lines").getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  let [nearest, best] = [-1, 30];
  for (const run of order) {
    const values = curves.lines[scale.key][run];
    for (let at = 0; at < values.length; at++) {
      const dx = Math.abs(scale.x(epoch(run, at)) - px);
      if (values[at] === null || dx > 20) continue;
      const distance = Math.hypot(dx / 3, scale.y(values[at]) - py);
      if (distance < best) [nearest, best] = [run, distance];
    }
  }
  if (nearest !== lit) light(nearest < 0 ? pinned : nearest);
});
find("lines").addEventListener("pointerleave", rest);
find("parallel").addEventListener("pointermove", event => {
  if (!space) return;
  const box = find("parallel").getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  const at = axes.reduce((near, _, index) => Math.abs(space.x(index) - px) < Math.abs(space.x(near) - px) ? index : near, 0);
  let [nearest, best] = [-1, 12];
  for (const run of order) {
    const value = axes[at].values[run];
    const distance = value === null ? Infinity : Math.abs(space.y(axes[at].to(value)) - py);
    if (distance < best) [nearest, best] = [run, distance];
  }
  if (nearest !== lit) light(nearest < 0 ? pinned : nearest);
});
find("parallel").addEventListener("pointerleave", rest);

// --- Tables ---
function cell(value, kind) {
  const made = document.createElement("td");
  made.textContent = shownAs(kind)(value);
  if (value !== null && !isNumber(value)) { made.className = "word"; made.title = String(value); }
  return made;
}

// A word of the filter as key, operator and value; null of a plain word.
const condition = word => word.match(/^([^<>=!]+)(<=|>=|!=|=|<|>)(.+)$/);

// What all runs have in common can be asked for too.
const shared = new Map(data.same);
const isKnown = label => label === "name" || column(label) !== undefined || shared.has(label);

function matches(run, words) {
  return words.every(word => {
    const parts = condition(word);
    if (parts) {
      const value = parts[1] === "name" ? names[run] : column(parts[1]) ? column(parts[1])[2][run] : shared.get(parts[1]);
      if (value === null || value === undefined) return false;
      const wanted = isNumber(value) ? Number(parts[3]) : parts[3].toLowerCase();
      const own = isNumber(value) ? value : String(value).toLowerCase();
      return { "<": own < wanted, ">": own > wanted, "<=": own <= wanted, ">=": own >= wanted, "=": own === wanted, "!=": own !== wanted }[parts[2]];
    }
    const text = word.toLowerCase();
    return names[run].toLowerCase().includes(text) || columns.some(([, , values]) => values[run] !== null && String(values[run]).toLowerCase().includes(text));
  });
}

function arrange() {
  const words = find("filter").value.trim().split(/\s+/).filter(word => word);
  order = names.map((_, index) => index).filter(run => matches(run, words));
  if (sorting) {
    const values = sorting.label === "name" ? names : column(sorting.label)[2];
    order.sort((a, b) => {
      const [one, other] = [values[a], values[b]];
      if (one === null || other === null) return (one === null) - (other === null);
      const by = isNumber(one) && isNumber(other) ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true });
      return sorting.isDescending ? -by : by;
    });
  }
  const unknown = words.map(condition).find(parts => parts && !isKnown(parts[1]));
  find("count").textContent = (order.length === names.length ? `${names.length} runs` : `${order.length} of ${names.length} runs`)
    + (unknown ? `; nothing is called ${unknown[1]}` : "");
}

function fillHead() {
  const head = document.createElement("tr");
  for (const label of ["name", ...columns.map(([label]) => label)]) {
    const made = document.createElement("th");
    made.scope = "col";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label + (sorting && sorting.label === label ? (sorting.isDescending ? " ↓" : " ↑") : "");
    if (sorting && sorting.label === label) made.setAttribute("aria-sort", sorting.isDescending ? "descending" : "ascending");
    button.addEventListener("click", () => {
      const isMetric = label !== "name" && column(label)[1] === "metric" && !label.includes("loss");
      sorting = sorting && sorting.label === label ? { label, isDescending: !sorting.isDescending } : { label, isDescending: isMetric };
      update();
      [...find("runs").tHead.querySelectorAll("button")].find(other => other.textContent.startsWith(label))?.focus();
    });
    made.append(button);
    head.append(made);
  }
  find("runs").tHead.replaceChildren(head);
}

function fillRuns() {
  const rows = order.slice(0, shown).map(run => {
    const row = document.createElement("tr");
    row.dataset.run = run;
    const head = document.createElement("th");
    head.scope = "row";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = names[run];
    button.setAttribute("aria-pressed", String(pinned === run));
    button.addEventListener("click", () => {
      pinned = pinned === run ? -1 : run;
      for (const other of find("runs").tBodies[0].querySelectorAll("button")) other.setAttribute("aria-pressed", String(pinned >= 0 && other === button));
      light(pinned);
    });
    button.addEventListener("focus", () => light(run));
    button.addEventListener("blur", rest);
    head.append(button);
    row.append(head, ...columns.map(([, kind, values]) => cell(values[run], kind)));
    row.addEventListener("pointerenter", () => light(run));
    row.addEventListener("pointerleave", rest);
    return row;
  });
  find("runs").tBodies[0].replaceChildren(...rows);
  find("more").hidden = order.length <= shown;
  find("more").textContent = `Show ${Math.min(PAGE, order.length - shown)} more of ${order.length} runs`;
}

function fillGroups() {
  const varying = columns.filter(([label, kind]) => kind === "config" && seedless(label));
  const metrics = columns.filter(([label, kind]) => kind === "metric" && !label.startsWith("initial_") && !label.startsWith("best_"));
  const groups = new Map();
  for (const run of order) {
    const key = JSON.stringify(varying.map(([, , values]) => values[run]));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(run);
  }
  const head = document.createElement("tr");
  for (const label of [...varying.map(([label]) => label), "n", ...metrics.map(([label]) => label)]) {
    const made = document.createElement("th");
    made.scope = "col";
    made.textContent = label;
    head.append(made);
  }
  find("grouped").tHead.replaceChildren(head);
  const spread = (values, runs) => {
    const known = runs.map(run => values[run]).filter(isNumber);
    if (!known.length) return "–";
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const few = known.length < runs.length ? ` (of ${known.length})` : "";
    if (known.length < 2) return number(mean) + few;
    const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return `${number(mean)} ± ${number(Math.sqrt(squares / (known.length - 1)))}${few}`;
  };
  find("group-count").textContent = groups.size > GROUPS ? `The first ${GROUPS} of ${groups.size} groups, in the table's order; a filter shows others.` : "";
  const rows = [...groups.values()].slice(0, GROUPS).map(runs => {
    const row = document.createElement("tr");
    row.dataset.runs = runs.join(" ");
    const own = varying.map(([, kind, values]) => cell(values[runs[0]], kind));
    const numbers = [cell(runs.length), ...metrics.map(([, , values]) => { const made = cell(null); made.textContent = spread(values, runs); return made; })];
    row.append(...own, ...numbers);
    return row;
  });
  find("grouped").tBodies[0].replaceChildren(...rows);
}

function update() {
  arrange();
  fillHead();
  fillRuns();
  fillGroups();
  drawCurves();
  drawParallel();
  light(pinned);
}

// --- Difference of two runs ---
// The longest common subsequence of two lists of lines; of very long ones the common beginning and end alone.
function difference(one, other) {
  let [start, ends] = [0, 0];
  while (start < one.length && start < other.length && one[start] === other[start]) start++;
  while (ends < one.length - start && ends < other.length - start && one[one.length - 1 - ends] === other[other.length - 1 - ends]) ends++;
  const [a, b] = [one.slice(start, one.length - ends), other.slice(start, other.length - ends)];
  const found = one.slice(0, start).map(line => [" ", line]);
  if (a.length * b.length > 4e6) {
    found.push(...a.map(line => ["-", line]), ...b.map(line => ["+", line]));
  } else {
    const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--) lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) { found.push([" ", a[i]]); i++; j++; }
      else if (i < a.length && (j >= b.length || lengths[i + 1][j] >= lengths[i][j + 1])) found.push(["-", a[i++]]);
      else found.push(["+", b[j++]]);
    }
  }
  return found.concat(one.slice(one.length - ends).map(line => [" ", line]));
}

function showDifference(target, one, other) {
  const lines = difference(one, other);
  if (lines.every(([kind]) => kind === " ")) { target.textContent = one.length ? "No difference." : "None in either."; return; }
  target.replaceChildren(...lines.map(([kind, line]) => {
    const made = document.createElement("span");
    made.className = { "+": "added", "-": "removed", " ": "" }[kind];
    made.textContent = `${kind} ${line}\n`;
    return made;
  }));
}

function compareTwo() {
  const [one, other] = [Number(find("one").value), Number(find("other").value)];
  const config = run => data.configs[run].map(line => data.lines[line]);
  showDifference(find("config-difference"), config(one), config(other));
  if (data.change[one] === null || data.change[other] === null) {
    find("change-difference").textContent = "Left out of this page for its size; compare these two runs alone.";
    return;
  }
  const change = run => data.changes[data.change[run]].split("\n").filter((line, at, all) => line || at < all.length - 1);
  showDifference(find("change-difference"), change(one), change(other));
}

for (const key of curves.keys) find("metric").append(new Option(key, key));
for (const [id, chosen] of [["one", 0], ["other", Math.min(1, names.length - 1)]]) {
  find(id).append(...names.map((name, index) => new Option(name, index)));
  find(id).value = String(Math.max(0, chosen));
  find(id).addEventListener("change", compareTwo);
}
if (names.length <= 6) {
  find("legend").append(...names.map((name, run) => {
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.className = "b" + run;
    item.append(mark, name);
    return item;
  }));
}
find("metric").addEventListener("change", () => { drawCurves(); light(pinned); });
find("from").addEventListener("input", () => { drawCurves(); light(pinned); });
find("filter").addEventListener("input", () => { shown = PAGE; update(); });
find("more").addEventListener("click", () => { shown += PAGE; fillRuns(); light(pinned); });
isDark.addEventListener("change", update);
addEventListener("resize", () => { drawCurves(); drawParallel(); light(pinned); });
if (names.length) { update(); compareTwo(); }
