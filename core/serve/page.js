"use strict";
const texts = JSON.parse(document.getElementById("texts").textContent);
const find = (id) => document.getElementById(id);
const drop = find("drop"), file = find("file"), state = find("state"), result = find("result");
let latest = 0, shown = null;

function say(text, kind) {
  state.textContent = text;
  state.className = kind || "";
}

function number(value, digits) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
}

function measure(pixels, millimetres, unit) {
  if (millimetres !== null && millimetres !== undefined) return number(millimetres, 2) + " mm" + unit;
  return number(pixels, 1) + " px" + unit;
}

async function ask(image, output, accept) {
  const form = new FormData();
  form.append("file", image);
  const headers = { Accept: accept, "Accept-Language": document.documentElement.lang };
  const token = find("token");
  if (token && token.value) headers.Authorization = "Bearer " + token.value.trim();
  const answer = await fetch("predict?output=" + output, { method: "POST", body: form, headers });
  if (answer.ok) return answer;
  let detail = "HTTP " + answer.status;
  try { detail = (await answer.json()).detail || detail; } catch (error) { /* no JSON */ }
  throw new Error(detail);
}

function show(verdict, picture) {
  const outcome = find("outcome");
  outcome.textContent = texts.outcomes[verdict.outcome] || verdict.outcome;
  outcome.className = verdict.outcome;
  find("reasons").replaceChildren(...verdict.reasons.map((reason) => {
    const line = document.createElement("li");
    line.textContent = reason.text;
    return line;
  }));
  const rows = verdict.objects.map((one) => {
    const row = document.createElement("tr");
    const cells = [
      one.name,
      measure(one.area_px, one.area_mm2, "²"),
      measure(one.length_px, one.length_mm, ""),
      measure(one.width_px, one.width_mm, ""),
      number(one.score, 3),
    ];
    for (const text of cells) row.insertCell().textContent = text;
    return row;
  });
  find("objects").tBodies[0].replaceChildren(...rows);
  find("objects").hidden = rows.length === 0;
  find("timing").textContent =
    verdict.width + " × " + verdict.height + " px · " + number(verdict.milliseconds, 1) + " ms";
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(picture);
  find("overlay").src = shown;
  result.hidden = false;
  say(rows.length ? "" : texts.nothing);
}

async function judge(image) {
  const turn = ++latest;
  say(texts.judging);
  try {
    const [verdict, picture] = await Promise.all([
      ask(image, "json", "application/json").then((answer) => answer.json()),
      ask(image, "overlay", "image/jpeg").then((answer) => answer.blob()),
    ]);
    if (turn === latest) show(verdict, picture);
  } catch (error) {
    if (turn !== latest) return;
    result.hidden = true;
    say(error instanceof TypeError ? texts.unreachable : error.message, "failed");
  }
}

file.addEventListener("change", () => {
  if (file.files.length) judge(file.files[0]);
  file.value = "";
});
drop.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); file.click(); }
});
for (const kind of ["dragenter", "dragover"]) {
  window.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) {
  window.addEventListener(kind, () => drop.classList.remove("over"));
}
window.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) judge(event.dataTransfer.files[0]);
});
window.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) judge(event.clipboardData.files[0]);
});
