// Showing: everything that is drawn, from documents as the service sends them. Text is set as text, never as markup.

import { isOver } from "./api.js";

const $ = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  if (count < 999_500) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(count < 9_995_000 ? 2 : 1)} MB`;
}

// names of formats as their authors write them
export const format = (name) => (name.toLowerCase() === "webp" ? "WebP" : name.toUpperCase());

export function say(text) {
  $("live").textContent = text;
}

// --- what will be asked for

export function described(variant) {
  const { width, height, fit } = variant.resize ?? {};
  const size = width && height ? `${width}×${height}${fit ? ` ${fit}` : ""}` : width ? `${width} wide` : height ? `${height} high` : "full size";
  return [variant.name, `${size} · ${format(variant.output?.format ?? "jpeg")}`];
}

export function showAsked(variants) {
  $("asked").replaceChildren(...variants.map((variant) => {
    const [name, rest] = described(variant);
    return element("li", {}, element("b", { textContent: name }), ` ${rest}`);
  }));
}

// --- problems

export function showProblem(problem, onRetry) {
  const errors = (problem.errors ?? []).map(({ pointer, detail }) =>
    element("li", {}, element("code", { textContent: pointer }), ` ${detail}`));
  const retry = onRetry && problem.retryable ? element("button", { type: "button", textContent: "Try again", onclick: onRetry }) : null;
  $("problem").replaceChildren(element("div", { className: "problem" },
    element("h2", { textContent: problem.title }),
    problem.detail && !errors.length ? element("p", { textContent: problem.detail }) : "",
    errors.length ? element("ul", {}, ...errors) : "",
    problem.next_step ? element("p", { className: "next", textContent: problem.next_step }) : "",
    problem.request_id ? element("p", { className: "quiet" }, "Request ", element("code", { textContent: problem.request_id })) : "",
    retry));
}

export function clearProblem() {
  $("problem").replaceChildren();
}

// --- the job

export function begin(name, original) {
  clearProblem();
  $("result").hidden = false;
  $("result-title").textContent = name || "Your picture";
  $("result-facts").textContent = original ? bytes(original.size) : "";
  $("footnote").textContent = "";
  $("cancel").hidden = $("delete").hidden = true;
  $("cards").replaceChildren();
  steps("sent", 0);
  if (original) $("cards").append(originalCard(original));
}

export function steps(now, share, failed = false) {
  const order = ["sent", "queued", "processing", "done"];
  const at = order.indexOf(now);
  for (const item of $("steps").children) {
    const place = order.indexOf(item.dataset.step);
    const over = now === "done" && place === at;
    item.className = failed && place === at ? "bad" : place < at || over ? "past" : place === at ? "now" : "";
    if (place === at) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  $("bar").value = share;
}

export function showJob(job, original, onCompare) {
  const over = isOver(job.state);
  const total = Math.max(1, job.progress.total);
  const stage = over ? "done" : job.state === "processing" ? "processing" : "queued";
  const good = ["completed", "partially_completed"].includes(job.state);
  steps(stage, over ? 1 : 0.3 + 0.7 * (job.progress.done / total), over && !good);
  const { source } = job;
  $("result-title").textContent = source.filename ?? "Your picture";
  $("result-facts").textContent = [
    source.width && `${source.width}×${source.height}`,
    source.frames > 1 && `${source.frames} frames`,
    source.media_type && format(source.media_type.replace("image/", "")),
    source.bytes !== null && bytes(source.bytes),
    source.orientation_applied > 1 && "turned upright",
  ].filter(Boolean).join(" · ");
  for (const variant of job.variants) {
    const id = `variant-${variant.name}`;
    const present = $(id);
    // a finished card stays as it is: its picture must not be loaded again under a newer link
    if (present?.dataset.state === variant.state && variant.state !== "pending") continue;
    const card = variantCard(job, variant, original, onCompare);
    card.id = id;
    card.dataset.state = variant.state;
    if (present) present.replaceWith(card);
    else $("cards").append(card);
  }
  const spent = Object.entries(job.timings_ms).map(([name, ms]) => `${name} ${Math.round(ms)} ms`).join(" · ");
  $("footnote").textContent = `Job ${job.id}${spent ? ` · ${spent}` : ""}`;
  $("cancel").hidden = !job.links.cancel;
  $("delete").hidden = !job.links.delete || !over;
}

export function showDeleted() {
  $("cards").replaceChildren();
  $("footnote").textContent = "Deleted: the original and every variant are being erased.";
  $("cancel").hidden = $("delete").hidden = true;
}

function originalCard(original) {
  const card = element("li", { className: "card", id: "original" },
    element("div", { className: "frame" }, element("img", { src: original.url, alt: "Your original" }), element("span", { className: "badge", textContent: "ORIGINAL" })),
    element("div", { className: "about" },
      element("h2", { textContent: "original" }),
      element("p", { className: "numbers" }, element("strong", { textContent: bytes(original.size) }))));
  const picture = card.querySelector("img");
  picture.addEventListener("load", () => {
    card.querySelector("h2").append(element("span", { textContent: `${picture.naturalWidth}×${picture.naturalHeight}` }));
  });
  // TIFF and ICO of some kinds are read by the service but not by every browser
  picture.addEventListener("error", () => picture.replaceWith("No preview in this browser"));
  return card;
}

function variantCard(job, variant, original, onCompare) {
  if (variant.state === "completed") return completedCard(job, variant, original, onCompare);
  const pending = variant.state === "pending" && !isOver(job.state);
  const error = variant.error;
  const text = error ? error.title : pending ? "" : variant.state;
  return element("li", { className: `card ${pending ? "pending" : "failed"}` },
    element("div", { className: "frame" }, text),
    element("div", { className: "about" },
      element("h2", { textContent: variant.name }),
      element("p", { className: "quiet", textContent: error ? error.detail : pending ? "developing…" : "not made" })));
}

function completedCard(job, variant, original, onCompare) {
  const size = `${variant.width}×${variant.height}`;
  const whole = job.source.bytes ?? 0;
  const share = whole ? variant.bytes / whole : 1;
  const saved = Math.abs(1 - share) * 100;
  // nothing is saved whole: what would round to all of it has its tenths, up to 99.9
  const percent = share < 1 && saved >= 99.5 ? Math.min(saved, 99.9).toFixed(1) : Math.round(saved);
  const saving = !whole ? null : element("span", {
    className: share <= 1 ? "saving" : "growth",
    textContent: `${share <= 1 ? "−" : "+"}${percent} %`,
    title: "compared with the original",
  });
  const weight = element("i");
  weight.style.width = `${Math.min(100, share * 100)}%`;
  const picture = element("img", { src: variant.url, alt: `${variant.name}, ${size}` });
  const frame = original
    ? element("button", { type: "button", className: "frame", title: "Compare with the original", onclick: () => onCompare(variant) }, picture)
    : element("div", { className: "frame" }, picture);
  frame.append(element("span", { className: "badge", textContent: format(variant.media_type.replace("image/", "")) }));
  // where a key is asked for, our own address opens nothing for whoever is given it; the link does, for minutes
  const own = `${location.origin}/jobs/${job.id}/variants/${variant.name}`;
  const address = document.body.dataset.auth === "required" ? variant.url : own;
  return element("li", { className: "card" }, frame,
    element("div", { className: "about" },
      element("h2", {}, variant.name, element("span", { textContent: size })),
      element("p", { className: "numbers" },
        element("strong", { textContent: bytes(variant.bytes) }), saving,
        element("span", { className: "quiet", textContent: `${Math.round(variant.elapsed_ms)} ms` })),
      element("div", { className: "weight", ariaHidden: "true" }, weight),
      ...variant.warnings.map((text) => element("p", { className: "warning", textContent: text })),
      element("div", { className: "acts" },
        element("a", { href: variant.url, target: "_blank", rel: "noopener", textContent: "Open", ariaLabel: `Open ${variant.name}` }),
        copyButton(variant.name, address))));
}

function copyButton(name, address) {
  const button = element("button", { type: "button", textContent: "Copy link", ariaLabel: `Copy link to ${name}`, title: "An address that always leads to a fresh link" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
      say(`Link to ${name} copied`);
    } catch {
      prompt("Copy this address", address);
    }
    setTimeout(() => { button.textContent = "Copy link"; }, 1600);
  });
  return button;
}

// --- comparing

export function compare(variant, original) {
  const dialog = $("compare");
  const split = $("compare-split");
  $("compare-title").textContent = `original and ${variant.name}`;
  $("compare-before").src = original.url;
  $("compare-before").alt = "Original";
  $("compare-after").src = variant.url;
  $("compare-after").alt = variant.name;
  const draw = () => {
    $("compare-before").style.clipPath = `inset(0 ${100 - split.value}% 0 0)`;
    $("compare-line").style.left = `${split.value}%`;
  };
  split.oninput = draw;
  split.value = 50;
  draw();
  dialog.showModal();
}
