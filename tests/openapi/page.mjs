// page.mjs URL - the page at URL/v1 makes the requests that its fields say, and asks nobody else.
import assert from "node:assert";
import vm from "node:vm";

const base = process.argv[2], html = await (await fetch(base + "/v1")).text();
const spec = await (await fetch(base + "/openapi.json")).json();
assert(!/(src|href)\s*=\s*["']?(https?:)?\/\//.test(html), "it loads something from elsewhere");

// A page as far as this one needs it: elements that keep what they are given.
class Element {
  constructor(name) { Object.assign(this, {name, children: [], textContent: "", value: ""}); }
  append(...items) { this.children.push(...items); for (const i of items) if (typeof i === "string") this.textContent += i; }
  find(name) { return this.children.flatMap(c => c instanceof Element ? [...(c.name === name ? [c] : []), ...c.find(name)] : []); }
}
const ids = {about: new Element("p"), calls: new Element("div")};
const document = {createElement: name => new Element(name), getElementById: id => ids[id]};
const sent = [];
const context = vm.createContext({document, URLSearchParams, TextDecoderStream, JSON, Object, console,
  fetch: async (url, options) => { sent.push([url, options]); return fetch(base + url, options); }});
vm.runInContext(/<script>([^]*)<\/script>/.exec(html)[1], context);
const until = async (what, is) => { for (let i = 0; !is(); i++) { assert(i < 500, what); await new Promise(r => setTimeout(r, 10)); } };
await until("the list of calls", () => ids.calls.find("details").length > 0);

const all = ids.calls.find("details");
assert.equal(all.length, Object.values(spec.paths).flatMap(p => Object.keys(p)).length);
for (const details of all) details.ontoggle();

function form_of(method, path) {
  const details = all.find(d => d.find("b")[0].textContent === method && d.find("code")[0].textContent === path);
  const form = details.find("form")[0], inputs = {};
  for (const label of form.find("label")) if (label.find("input")[0]) inputs[label.find("span")[0].textContent] = label.find("input")[0];
  return {form, inputs, area: form.find("textarea")[0], pre: form.find("pre")[0]};
}

const list = form_of("GET", "/v1/tasks");
list.inputs.states.value = "RUNNING, PENDING";
list.inputs.limit.value = "5";
list.form.onsubmit({preventDefault() {}});
await until("the list", () => list.pre.textContent.includes("\"tasks\": []"));
assert.equal(sent.at(-1)[0], "/v1/tasks?states=RUNNING&states=PENDING&limit=5");

const submit = form_of("POST", "/v1/tasks");
assert.equal(JSON.parse(submit.area.value).spec.image, "davit-demo");
submit.inputs["Idempotency-Key"].value = "from-the-page";
submit.form.onsubmit({preventDefault() {}});
await until("the answer", () => submit.pre.textContent.includes("task_ids"));
assert.equal(sent.at(-1)[1].headers["Idempotency-Key"], "from-the-page");

const one = form_of("GET", "/v1/tasks/{task}");
one.inputs.task.value = "no such/task";
one.form.onsubmit({preventDefault() {}});
await until("the refusal", () => one.pre.textContent.includes("Not Found"));
assert.equal(sent.at(-1)[0], "/v1/tasks/no%20such%2Ftask");
console.log(`${all.length} calls on the page`);
process.exit(0);
