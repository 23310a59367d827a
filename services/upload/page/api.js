// Talking to the service: what is asked, and failures as problem documents. Knows nothing of the page.

export class Problem extends Error {
  constructor(document) {
    super(document.title);
    this.document = document;
  }
}

// where a key is asked for: kept for this tab and until it is closed, and sent to this service alone
const KEPT = "darkroom key";

export const isKey = (text) => /^dk_[a-z2-7]{12}_[0-9A-Za-z]{43}$/.test(text);

// what may be shown of the key in use; null without one
export const keyPrefix = () => sessionStorage.getItem(KEPT)?.slice(0, 15) ?? null;

export const useKey = (key) => sessionStorage.setItem(KEPT, key);

export const forgetKey = () => sessionStorage.removeItem(KEPT);

const authorization = () => {
  const key = sessionStorage.getItem(KEPT);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
};

const unreachable = () => new Problem({
  code: "unreachable",
  title: "The service did not answer",
  detail: "The connection was lost, or the service is being restarted.",
  next_step: "Check your connection and try again.",
  retryable: true,
});

export async function read(path, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "application/json", ...authorization(), ...headers }, cache: "no-store" });
  } catch {
    throw unreachable();
  }
  if (answer.status === 304) return { etag: answer.headers.get("ETag"), document: null };
  const document = await answer.json().catch(() => null);
  if (!answer.ok) throw await problem(document);
  return { etag: answer.headers.get("ETag"), document };
}

// a command for a job; the key makes sending it again after a lost answer the same command
export async function act(method, path, key = crypto.randomUUID()) {
  let answer;
  try {
    answer = await fetch(path, { method, headers: { Accept: "application/json", ...authorization(), "Idempotency-Key": `"${key}"` } });
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw await problem(await answer.json().catch(() => null));
}

// XMLHttpRequest, because fetch does not tell how much was sent
export function send(file, options, key, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("options", new Blob([JSON.stringify(options)], { type: "application/json" }));
    form.append("file", file, file.name || "pasted picture");
    const request = new XMLHttpRequest();
    request.open("POST", "/uploads");
    request.setRequestHeader("Idempotency-Key", `"${key}"`);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("load", async () => {
      if (request.status === 202) resolve(request.response);
      else reject(await problem(request.response));
    });
    request.send(form);
  });
}

// every answer of a job from now to its end, by long polls
export async function* follow(id) {
  let etag = null;
  let failures = 0;
  while (true) {
    try {
      const wait = etag === null ? "" : "?wait=20";
      const answer = await read(`/status/${id}${wait}`, etag === null ? {} : { "If-None-Match": etag });
      failures = 0;
      etag = answer.etag;
      if (answer.document === null) continue;
      yield answer.document;
      if (isOver(answer.document.state)) return;
    } catch (error) {
      if (!(error instanceof Problem) || !error.document.retryable || ++failures > 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** failures));
    }
  }
}

export const isOver = (state) => !["awaiting_upload", "queued", "processing"].includes(state);

export async function nextStep(code) {
  try {
    return (await read(`/problems/${encodeURIComponent(code)}`)).document.next_step;
  } catch {
    return "";
  }
}

async function problem(document) {
  const known = document ?? { code: "internal", title: "The answer could not be read", detail: "", retryable: true };
  return new Problem({ ...known, next_step: await nextStep(known.code) });
}
