// Opens the dialogs, checks an address before it is sent, and renews the list when something happens.
"use strict";

const opener = (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("data-close")) return button.closest("dialog").close();
  const dialog = button.dataset.open && document.getElementById(button.dataset.open);
  if (!dialog) return;
  const field = dialog.querySelector("input[name=havip]");
  if (field) {
    field.value = button.dataset.havip;
    dialog.querySelector("output").textContent = button.dataset.havip;
  }
  dialog.showModal();
};
document.addEventListener("click", opener);

// Apply: the subnets of the VPC, and the addresses of the subnet that may be given.
const form = document.querySelector("#apply form");
const number = (text) => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text.trim());
  if (!parts || parts.slice(1).some((part) => part > 255 || (part.length > 1 && part[0] === "0"))) return null;
  return parts.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0);
};
const renew = () => {
  const vpc = form.elements.vpc.value;
  let first = null;
  for (const option of form.elements.subnet.options) {
    option.hidden = option.disabled = option.dataset.vpc !== vpc;
    if (!option.hidden && first === null) first = option;
  }
  const chosen = form.elements.subnet.selectedOptions[0];
  if (first && (!chosen || chosen.hidden)) first.selected = true;
  check();
};
const check = () => {
  const subnet = form.elements.subnet.selectedOptions[0];
  const hint = form.querySelector(".hint");
  const vip = form.elements.vip;
  vip.disabled = form.elements.how.value !== "manual";
  const range = subnet && !subnet.hidden ? `${subnet.dataset.first}–${subnet.dataset.last}` : "";
  hint.textContent = range ? `${hint.dataset.text} ${range}` : "";
  const value = number(vip.value);
  const fits = range && value !== null && value >= number(subnet.dataset.first) && value <= number(subnet.dataset.last);
  vip.setCustomValidity(vip.disabled || fits ? "" : hint.textContent);
};
form.addEventListener("input", (event) => (event.target.name === "vpc" ? renew() : check()));
renew();

// The region: chosen with the mouse it is shown at once, with the keyboard on Enter, since every letter and arrow is a choice.
const chooser = document.getElementById("region");
let typed = false;
chooser.addEventListener("pointerdown", () => (typed = false));
chooser.addEventListener("keydown", (event) => {
  typed = event.key !== "Enter";
  if (typed) return;
  event.preventDefault();
  chooser.form.submit();
});
chooser.addEventListener("change", () => typed || chooser.form.submit());

// The list, renewed: what is open stays open, and the keyboard stays where it was.
const place = (one) => `${one.dataset.open || one.localName} ${one.closest("[data-havip]").dataset.havip}`;
let waiting = false;
const reload = async () => {
  if (waiting) return;
  waiting = true;
  await new Promise((done) => setTimeout(done, 150));
  waiting = false;
  const { region, lang, search } = document.body.dataset;
  const answer = await fetch("/_page/rows?" + new URLSearchParams({ region, lang, q: search }));
  if (!answer.ok) return;
  const rows = document.getElementById("rows");
  const open = [...rows.querySelectorAll("details[open]")].map((one) => one.dataset.havip);
  const active = document.activeElement;
  const held = active && rows.contains(active) ? place(active) : null;
  rows.innerHTML = await answer.text();
  for (const one of rows.querySelectorAll("details")) one.open = open.includes(one.dataset.havip);
  if (held) {
    const same = [...rows.querySelectorAll("button, summary")].find((one) => place(one) === held);
    if (same) same.focus();
  }
};

// A page that is left keeps its stream for a minute, in case it is gone back to, and a browser opens six at most: the
// seventh page would wait.
let events = null;
addEventListener("pageshow", () => {
  events = new EventSource("/_havip/events");
  for (const kind of ["object", "moved", "warning", "replaced", "missed"]) events.addEventListener(kind, reload);
  events.addEventListener("open", reload);
});
addEventListener("pagehide", () => events && events.close());
