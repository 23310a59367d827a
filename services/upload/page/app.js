// The page: what a person does with it. Asking is in api.js, showing in view.js.

import { Problem, act, follow, forgetKey, isKey, keyPrefix, nextStep, read, send, useKey } from "./api.js";
import { begin, bytes, clearProblem, compare, format, say, showAsked, showDeleted, showJob, showProblem, steps } from "./view.js";

const $ = (id) => document.getElementById(id);

const asksForKey = document.body.dataset.auth === "required";
const mib = (count) => `${Math.floor(count / 2 ** 20)} MiB`;

let presets = [];
let limits = null;
let original = null; // { file, url, size, name } of the picture in hand
let shownJob = null; // the last answer about the job that is shown
let turn = 0; // raised by every new picture: answers for an older one are dropped

async function start() {
  try {
    const [known, taken] = await Promise.all([read("/presets"), read("/limits")]);
    presets = known.document.presets;
    limits = taken.document;
    $("preset").replaceChildren(...presets.map(({ name }) => new Option(name, name, false, name === known.document.default)));
    const formats = limits.formats_in.map((type) => type.replace(/^image\/(vnd\.microsoft\.)?/, "").replace("icon", "ico")).map(format);
    $("hint").textContent = `${formats.join(", ")} · up to ${mib(limits.max_file_bytes)} and ${limits.max_pixels / 1e6} megapixels. It is sent at once.`;
    choosePreset();
  } catch (error) {
    shown(error);
  }
  if (asksForKey) showKey();
  if (asksForKey && !keyPrefix()) $("key").focus();
  else await resume();
}

// the job that the address names
async function resume() {
  if (location.hash.length > 1) await watch(location.hash.slice(1), ++turn);
}

// --- the key, where one is asked for

function showKey() {
  const prefix = keyPrefix();
  $("entry").hidden = false;
  $("forget").hidden = !prefix;
  $("key").value = "";
  $("key-state").textContent = prefix
    ? `In use: ${prefix}…, in this tab and until it is closed.`
    : "Paste one to send pictures. It is kept in this tab alone, until the tab is closed.";
}

async function takeKey() {
  const key = $("key").value.trim();
  if (!isKey(key)) {
    $("key-state").textContent = "This is no API key: one begins with dk_ and has 59 characters.";
    return $("key").select();
  }
  useKey(key);
  showKey();
  clearProblem();
  if (original) await develop();
  else await resume();
}

function dropKey() {
  forgetKey();
  showKey();
  $("key").focus();
}

// --- options

function choosePreset() {
  const chosen = presets.find(({ name }) => name === $("preset").value);
  if (!chosen) return;
  showAsked(chosen.variants);
  $("variants").value = JSON.stringify(chosen.variants, null, 2);
  $("variants-error").textContent = "";
}

// the options of the next upload; null, and the reason beside the editor, if what was written is no list
function options() {
  if (!$("editor").open) return $("preset").value ? { preset: $("preset").value } : {};
  try {
    const variants = JSON.parse($("variants").value);
    if (!Array.isArray(variants) || !variants.length) throw new Error("write a list of variants: [{\"name\": …}]");
    showAsked(variants.filter((variant) => variant && typeof variant === "object"));
    $("variants-error").textContent = "";
    return { variants };
  } catch (error) {
    $("variants-error").textContent = `Not ready: ${error.message}`;
    return null;
  }
}

// --- a picture

function take(file) {
  if (!file) return;
  if (original) URL.revokeObjectURL(original.url);
  original = { file, url: URL.createObjectURL(file), size: file.size, name: file.name };
  $("again").disabled = false;
  develop();
}

async function develop(key = crypto.randomUUID()) {
  const asked = options();
  if (!asked || !original) return $("variants").focus();
  const mine = ++turn;
  const { file } = original;
  begin(file.name, original);
  if (limits && file.size > limits.max_file_bytes) {
    steps("sent", 0, true);
    return shown(new Problem({
      code: "payload-too-large",
      title: "The picture is too large",
      detail: `It has ${bytes(file.size)}; up to ${mib(limits.max_file_bytes)} are taken here.`,
      next_step: "Make the file smaller and drop it again.",
    }));
  }
  say("Sending the picture");
  try {
    // the key makes sending again after a lost answer the same job
    const accepted = await send(file, asked, key, (share) => mine === turn && steps("sent", share * 0.25));
    if (mine !== turn) return;
    history.replaceState(null, "", `#${accepted.id}`);
    steps("queued", 0.3);
    await watch(accepted.id, mine);
  } catch (error) {
    if (mine !== turn) return;
    steps("sent", 0, true);
    shown(error, () => develop(key));
  }
}

async function watch(id, mine) {
  const before = original;
  if ($("result").hidden) begin("", null);
  try {
    for await (const job of follow(id)) {
      if (mine !== turn) return;
      shownJob = job;
      showJob(job, before, (variant) => compare(variant, before));
      announce(job);
    }
  } catch (error) {
    if (mine !== turn) return;
    steps("done", 1, true);
    shown(error, () => { clearProblem(); watch(id, mine); });
  }
}

async function cancel() {
  try {
    await act("POST", shownJob.links.cancel);
  } catch (error) {
    shown(error, cancel);
  }
}

async function erase() {
  if (!confirm("Delete the original and every variant, for good?")) return;
  try {
    await act("DELETE", shownJob.links.delete);
    turn += 1;
    history.replaceState(null, "", location.pathname);
    showDeleted();
    say("The job is deleted");
    $("result").focus();
  } catch (error) {
    shown(error, erase);
  }
}

function announce(job) {
  const { done, total } = job.progress;
  const words = {
    queued: "The picture is stored and waits its turn",
    processing: `Developing: ${done} of ${total} variants are done`,
    completed: `All ${total} variants are done`,
    partially_completed: `${done} of ${total} variants came to an end; some of them failed`,
  };
  say(words[job.state] ?? `The job is ${job.state}`);
  if (job.error) explain(job.error);
}

async function explain(error) {
  showProblem(error);
  showProblem({ ...error, next_step: await nextStep(error.code) });
}

function shown(error, onRetry) {
  if (!(error instanceof Problem)) throw error;
  if (asksForKey && error.document.code === "unauthenticated") dropKey();
  showProblem(error.document, onRetry && (() => { clearProblem(); onRetry(); }));
}

// --- wiring

$("entry").addEventListener("submit", (event) => { event.preventDefault(); takeKey(); });
$("forget").addEventListener("click", dropKey);
$("file").addEventListener("change", (event) => { take(event.target.files[0]); event.target.value = ""; });
$("preset").addEventListener("change", choosePreset);
$("variants").addEventListener("input", options);
$("options").addEventListener("submit", (event) => { event.preventDefault(); develop(); });
document.addEventListener("paste", (event) => {
  const pasted = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
  if (pasted) take(pasted);
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  take(event.dataTransfer.files[0]);
});
$("cancel").addEventListener("click", cancel);
$("delete").addEventListener("click", erase);
$("compare-close").addEventListener("click", () => $("compare").close());
$("compare").addEventListener("click", (event) => { if (event.target === $("compare")) $("compare").close(); });

start();
