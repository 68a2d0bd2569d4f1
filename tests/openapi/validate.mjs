// validate.mjs URL - the document at URL is OpenAPI 3.1, as somebody else's validator sees it.
import {Validator} from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const document = await (await fetch(process.argv[2])).json();
const result = await validator.validate(document);
if (!result.valid) {
  console.error(JSON.stringify(result.errors, null, 1));
  process.exit(1);
}
const operations = Object.values(document.paths).flatMap(path => Object.values(path));
const ids = new Set(operations.map(operation => operation.operationId));
if (ids.size !== operations.length) throw new Error("two operations have one operationId");
console.log(`OpenAPI ${validator.version}: ${operations.length} operations`);
