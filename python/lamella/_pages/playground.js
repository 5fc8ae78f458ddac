"use strict";
// Ink goes to the server as SIDE x SIDE bytes whenever something was drawn and the last answer has come.
const SIDE = 140, PEN = 22;
const paper = document.getElementById("paper"), pen = paper.getContext("2d");
const seen = document.getElementById("seen").getContext("2d");
const small = document.createElement("canvas");
small.width = small.height = SIDE;
const reader = small.getContext("2d", { willReadFrequently: true });
const best = document.getElementById("best"), time = document.getElementById("time");
const about = document.getElementById("about");

const bars = document.getElementById("bars");
const rows = [...Array(10).keys()].map((digit) => {
  const row = bars.insertRow();
  const head = document.createElement("th");
  head.textContent = digit;
  row.append(head);
  const meter = row.insertCell().appendChild(document.createElement("meter"));
  meter.setAttribute("aria-label", `probability of ${digit}`);
  const share = row.insertCell();
  share.className = "share";
  return { row, meter, share };
});

let strokes = [], drawing = null, asking = false, changed = false;

function place(event) {
  const box = paper.getBoundingClientRect();
  return [(event.clientX - box.left) * paper.width / box.width, (event.clientY - box.top) * paper.height / box.height];
}

function line(from, to) {
  pen.lineWidth = PEN;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

function redraw() {
  pen.clearRect(0, 0, paper.width, paper.height);
  for (const stroke of strokes) stroke.forEach((point, i) => line(stroke[Math.max(0, i - 1)], point));
  ask();
}

function show(answer) {
  const top = answer ? answer.probabilities.indexOf(Math.max(...answer.probabilities)) : -1;
  rows.forEach(({ row, meter, share }, digit) => {
    const probability = answer ? answer.probabilities[digit] : 0;
    meter.value = probability;
    share.textContent = answer ? `${(100 * probability).toFixed(1)} %` : "";
    row.className = digit === top ? "best" : "";
  });
  best.textContent = answer ? top : "?";
  time.textContent = answer ? `Predicted in ${answer.microseconds.toFixed(0)} µs.` : "";
  seen.clearRect(0, 0, 28, 28);
  if (answer) {
    const image = seen.createImageData(28, 28);
    answer.seen.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
    seen.putImageData(image, 0, 0);
  }
}

async function ask() {
  changed = true;
  if (asking) return;
  asking = true;
  bars.setAttribute("aria-busy", true);
  while (changed) {
    changed = false;
    if (!strokes.length) {
      show(null);
      continue;
    }
    reader.clearRect(0, 0, SIDE, SIDE);
    reader.drawImage(paper, 0, 0, SIDE, SIDE);
    const ink = reader.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 === 3); // how opaque: ink is black
    try {
      const answer = await fetch("/predict", { method: "POST", body: ink });
      if (!answer.ok) throw new Error(await answer.text());
      if (strokes.length) show(await answer.json());
    } catch (error) {
      time.textContent = `No answer: ${error.message}. Does the program still run?`;
    }
  }
  asking = false;
  bars.setAttribute("aria-busy", false);
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  paper.setPointerCapture(event.pointerId);
  drawing = [place(event)];
  strokes.push(drawing);
  line(drawing[0], drawing[0]);
  ask();
});
paper.addEventListener("pointermove", (event) => {
  if (!drawing) return;
  for (const each of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
    drawing.push(place(each));
    line(drawing.at(-2), drawing.at(-1));
  }
  ask();
});
for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => { drawing = null; });

function clear() { strokes = []; drawing = null; redraw(); }
function undo() { strokes.pop(); drawing = null; redraw(); }
document.getElementById("clear").addEventListener("click", clear);
document.getElementById("undo").addEventListener("click", undo);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") clear();
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
});

show(null);
fetch("/about").then((answer) => answer.json()).then((told) => { about.textContent = told.text; });
