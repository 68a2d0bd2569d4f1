// fuzz.mjs URL [RUNS [SEED]] - calls every operation of the document at URL/openapi.json with values
// that fit its schemas, and with such that do not. Whatever is sent, the answer has a status that
// is not the server's fault, and the body that the document promises for it.
import fc from "fast-check";
import Ajv from "ajv/dist/2020.js";

const [base, runs = "12", seed = String(Date.now() % 1e9)] = process.argv.slice(2);
const spec = await (await fetch(base + "/openapi.json")).json();
const ajv = new Ajv.default({strict: false, validateFormats: false, allErrors: true});

// Compiled with the components beside it, to which its references lead.
const compiled = new Map();
function validator(schema) {
  const key = JSON.stringify(schema);
  if (!compiled.has(key)) compiled.set(key, ajv.compile({components: spec.components, allOf: [schema]}));
  return compiled.get(key);
}

const resolve = schema => schema.$ref ? schema.$ref.slice(2).split("/").reduce((at, key) => at[key], spec) : schema;

const nonsense = fc.oneof(
  fc.constantFrom(null, "", "0", -1, 1e300, 18446744073709551615n, "\u0000", "\ud800", [], {}, [[]], "x".repeat(5000), true, "../..", "%00"),
  fc.string(), fc.integer(), fc.double({noNaN: true, noDefaultInfinity: true}));

const text = fc.oneof(fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,12}$/), fc.string({maxLength: 12}));

function arbitrary(schema, depth) {
  schema = resolve(schema);
  if (depth > 4) return nonsense;
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "integer": return fc.oneof(fc.integer({min: schema.minimum ?? -10, max: 100}), fc.maxSafeInteger());
    case "number": return fc.double({noNaN: true, noDefaultInfinity: true});
    case "boolean": return fc.boolean();
    case "array": return fc.array(arbitrary(schema.items, depth + 1), {maxLength: 3});
    case "object": {
      if (!schema.properties) return fc.dictionary(text, fc.string(), {maxKeys: 3});
      const fields = {};
      for (const name in schema.properties) fields[name] = arbitrary(schema.properties[name], depth + 1);
      return fc.record(fields, {requiredKeys: schema.required ?? []}).map(value => {
        // Few fields at a time, or everything would be refused for one of them.
        const names = Object.keys(value).filter(name => !(schema.required ?? []).includes(name));
        for (const name of names.slice(3)) delete value[name];
        return value;
      });
    }
    default: return text;
  }
}

const or_nonsense = one => fc.oneof({weight: 6, arbitrary: one}, {weight: 1, arbitrary: nonsense});

function request_of(path, method, operation) {
  const values = {};
  for (const p of operation.parameters ?? []) {
    if (p.name === "wait_ms") values[p.name] = fc.integer({min: 0, max: 30});
    else if (p.name === "cursor" && p.in === "query") values[p.name] = fc.constantFrom("", "0", "a.1", "zz");
    else values[p.name] = or_nonsense(arbitrary(p.schema, 0));
  }
  const required = (operation.parameters ?? []).filter(p => p.required).map(p => p.name)
    .concat(values.wait_ms ? ["wait_ms"] : []);
  const body = operation.requestBody?.content["application/json"]?.schema;
  return fc.record({
    values: fc.record(values, {requiredKeys: required}),
    body: body ? or_nonsense(arbitrary(body, 0)) : fc.constant(undefined),
  });
}

// JSON of what JSON.stringify refuses, too.
const to_json = value => JSON.stringify(value, (_, one) => typeof one === "bigint" ? one.toString() : one);

async function call(path, method, operation, {values, body}) {
  const query = new URLSearchParams(), headers = {};
  for (const p of operation.parameters ?? []) {
    if (!(p.name in values)) continue;
    const one = values[p.name], word = typeof one === "string" ? one : to_json(one) ?? "";
    if (p.in === "path") path = path.replace(`{${p.name}}`, encodeURIComponent(word.toWellFormed() || "x"));
    else if (p.in === "header") { if (/^[\x21-\x7e]+$/.test(word)) headers[p.name] = word; }
    else if (Array.isArray(one)) for (const item of one) query.append(p.name, typeof item === "string" ? item : to_json(item));
    else query.append(p.name, word);
  }
  const url = `${base}${path}?${query}`;
  // None of them waits for anything: only a machine with much else to do takes its time.
  const answer = await fetch(url, {method: method.toUpperCase(), headers, body: body === undefined ? undefined : to_json(body),
    signal: AbortSignal.timeout(120000)});
  return {answer, content: await answer.text(), url};
}

function check({answer, content, url}, operation) {
  const {status} = answer, type = answer.headers.get("content-type") ?? "";
  const fail = why => { throw new Error(`${why}: ${status} ${url.slice(0, 300)} ${content.slice(0, 600)}`); };
  if (status >= 500 && status !== 501) fail("the server's fault");
  if (!answer.headers.get("x-request-id")) fail("no X-Request-Id");
  if (status === 304 || status === 204) return;
  if (status >= 400) {
    if (!type.startsWith("application/problem+json")) fail("no problem");
    const valid = validator({$ref: "#/components/schemas/Problem"});
    if (!valid(JSON.parse(content))) fail(ajv.errorsText(valid.errors));
    return;
  }
  const promised = operation.responses[status]?.content?.["application/json"]?.schema;
  if (!promised) fail("a status that is not in the document");
  const valid = validator(promised);
  if (!valid(JSON.parse(content))) fail(ajv.errorsText(valid.errors));
}

let n_calls = 0, n_good = 0;
for (const path in spec.paths)
  for (const method in spec.paths[path]) {
    const operation = spec.paths[path][method];
    // Bytes in and out are for tests of their own.
    if (!Object.values(operation.responses).some(r => resolve(r).content?.["application/json"])) continue;
    await fc.assert(fc.asyncProperty(request_of(path, method, operation), async request => {
      const result = await call(path, method, operation, request);
      n_calls++;
      n_good += result.answer.ok;
      check(result, {...operation, responses: Object.fromEntries(Object.entries(operation.responses).map(([k, r]) => [k, resolve(r)]))});
    }), {numRuns: Number(runs), seed: Number(seed), endOnFailure: true});
  }
const alive = await fetch(base + "/v1/ready");
if (!alive.ok) throw new Error("it is not ready any more");
console.log(`${n_calls} calls, ${n_good} of them good, seed ${seed}`);
