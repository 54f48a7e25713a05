// Passkeys: a form asks this browser, and sends what it answers. Where a browser knows none, the form stays hidden.
import { $, $$ } from "./app.js";

const able = Boolean(window.PublicKeyCredential && navigator.credentials);
for (const form of $$("form[data-passkey]")) form.hidden = !able;

const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (list = []) => list.map((each) => ({ ...each, id: octets(each.id) }));

const questions = {
  get: (options) => ({ ...options, challenge: octets(options.challenge), allowCredentials: known(options.allowCredentials) }),
  create: (options) => ({
    ...options,
    challenge: octets(options.challenge),
    user: { ...options.user, id: octets(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  }),
};
const answers = {
  get: ({ response }) => ({
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : null,
  }),
  create: ({ response }) => ({
    attestationObject: text(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  }),
};

const REASONS = {
  InvalidStateError: "This device has a passkey of this account already.",
  SecurityError: "Passkeys do not work under this address: use the name of the server, over HTTPS.",
};
const tell = (form, error) => {
  const words = $("[data-passkey-error]", form);
  $("span", words).textContent = REASONS[error.name] ?? "The browser gave no passkey. Try once more, or use another way.";
  words.hidden = false;
};

addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-passkey]")) return;
  event.preventDefault();
  const button = $("button", form), { way, into, passkey } = form.dataset;
  button.setAttribute("aria-busy", "true");
  $("[data-passkey-error]", form).hidden = true;
  try {
    const made = await navigator.credentials[way]({ publicKey: questions[way](JSON.parse(passkey)) });
    const response = { clientDataJSON: text(made.response.clientDataJSON), ...answers[way](made) };
    form.elements[into].value = JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
    form.submit();
  } catch (error) {
    tell(form, error);
  } finally {
    button.removeAttribute("aria-busy");
  }
});
